// How is one conversation followed? By a socket of its own, opened anew behind the last event.
const socket = {of: '', web: null, state: 'closed', tries: 0, timer: 0};
const answers = new Map();
let requests = 0;
const encoded = (text) => btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const tell = (action, payload, id = `page-${++requests}`) => {
  socket.web.send(JSON.stringify({action, request_id: id, payload}));
  return id;
};
const hangUp = () => {
  clearTimeout(socket.timer);
  const {web} = socket;
  Object.assign(socket, {of: '', web: null, state: 'closed', tries: 0});
  web?.close();
};
const follow = (id) => {
  if (socket.of === id) return;
  hangUp();
  if (!id) return;
  socket.of = id;
  ring();
};
const ring = () => {
  clearTimeout(socket.timer);
  const key = apiKey(), web = new WebSocket(`${location.origin.replace('http', 'ws')}/ws/chat`, ['lukhas.chat', ...(key ? [`key.${encoded(key)}`] : [])]);
  Object.assign(socket, {web, state: 'connecting'});
  web.onopen = () => {
    if (web !== socket.web) return;
    socket.state = 'open';
    tell('resume', {conversation_id: socket.of, after_seq: talk.last});
    wanted('chat');
  };
  web.onmessage = ({data}) => {
    if (web !== socket.web) return;
    socket.tries = 0;
    hear(JSON.parse(data));
  };
  web.onclose = () => {
    if (web !== socket.web) return;
    socket.state = 'waiting';
    socket.timer = setTimeout(ring, Math.min(15000, 500 * 2 ** socket.tries) * (0.75 + Math.random() / 2));
    socket.tries = Math.min(socket.tries + 1, 6);
    refreshTalk(0);
    wanted('chat');
  };
};
// Of what only the socket can do. Nobody waits longer than ten seconds for an answer.
const askSocket = (action, payload) => new Promise((done, failed) => {
  if (socket.state !== 'open') return failed(Error('The connection for conversations is not there: try again in a moment.'));
  const id = tell(action, payload);
  answers.set(id, {done, failed});
  setTimeout(() => answers.delete(id) && failed(Error('The daemon did not answer: look whether it was done.')), 10000);
});
const hear = ({request_id: id, status, conversation_id: of, seq, chunk = {}}) => {
  const waits = answers.get(id), about = chunk.metadata ?? {};
  if (waits) {
    answers.delete(id);
    if (status === 'error') waits.failed(Error(sentence(chunk.error))); else waits.done();
  } else if (of !== talk.id || !of) {
    if (status === 'error') flash(sentence(visible(chunk.error)), 'err');
  } else if (status === 'chunk') {
    if (seq <= talk.last || about.finish_reason) return;
    const more = about.type === 'delta' && about.start > 0 && talk.live?.seq === seq && talk.live.attempt === about.attempt;
    talk.live = {seq, attempt: about.attempt, text: (more ? talk.live.text : '') + chunk.data};
    wanted('chat');
  } else if (chunk.type === 'elicitation_required') {
    talk.asked.set(about.elicitation_id, about);
    announce(`${exact(about.server)} asks something.`);
    wanted('chat');
  } else if (chunk.type === 'tool_progress') {
    talk.progress.set(about.call_id, [about.total ? `${number((about.progress / about.total) * 100)} %` : '', chunk.data].filter(Boolean).join(' · '));
    wanted('chat');
  } else {
    refreshTalk(60);
    if (['approval_required', 'approval_decided'].includes(chunk.type)) refreshApprovals(60);
  }
};
document.addEventListener('visibilitychange', () => {
  clearTimeout(socket.hidden);
  if (document.hidden) socket.hidden = setTimeout(hangUp, 30000);
  else if (place.view === 'chat') wanted('chat');
});
