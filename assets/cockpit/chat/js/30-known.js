// What is known of conversations? The journal says what happened; frames say that it goes on.
const KEPT = 1500;
const blank = (id) => ({id, events: [], last: 0, title: '', earlier: false, live: null, fault: '', asked: new Map(), progress: new Map(), waits: new Map(), at: 0, loaded: !id});
let talk = blank('');
const conversations = {rows: null, next: null, fault: '', hits: null, query: '', timer: 0, turn: 0};
const approvals = {rows: [], known: null, timer: 0};
const timers = {talk: 0, turn: 0};

const pagesOf = async (id, from) => {
  let events = [], answer, before;
  do {
    answer = await call('read_conversation', {conversationId: id, limit: from > 0 ? 50 : 100, ...(before && {beforeSeq: before})});
    events = [...answer.events, ...events];
    before = answer.events[0]?.seq;
  } while (answer.hasEarlier && before > from + 1 && events.length < KEPT);
  return {...answer, events};
};
const merge = (events) => {
  const all = new Map([...talk.events, ...events].map((event) => [event.seq, event])), sorted = [...all.values()].sort((one, other) => one.seq - other.seq);
  talk.events = sorted.slice(-KEPT);
  talk.earlier ||= sorted.length > KEPT;
  talk.last = talk.events.at(-1)?.seq ?? 0;
  if (talk.live?.seq <= talk.last) talk.live = null;
  for (const {request_id: request, tool_call_id: about, type} of events) {
    talk.waits.delete(request);
    if (type === 'tool_result') for (const [id, {call_id: call}] of talk.asked) if (call === about) talk.asked.delete(id);
  }
};
const readTalk = async (until) => {
  const {id, last} = talk, turn = ++timers.turn, was = told(talk.events).asker;
  try {
    const {conversation, events, hasEarlier} = await pagesOf(id, until ?? (last || Infinity));
    if (id !== talk.id || turn !== timers.turn) return;
    if (!last || until != null) talk.earlier = hasEarlier;
    Object.assign(talk, {title: conversation.title, fault: '', about: conversation, loaded: true});
    merge(events);
    if (was && !told(talk.events).asker) announce('The answer is there.');
    if (last && events.some(({seq, extra}) => seq > last && extra?.kind === 'turn_end') || conversations.rows?.every((row) => row.conversationId !== id || row.title !== talk.title)) refreshList(0);
    follow(id);
  } catch (error) {
    if (id !== talk.id || turn !== timers.turn) return;
    // What was only begun is not there yet.
    if (!talk.waits.size) Object.assign(talk, {fault: error.message, loaded: true});
  }
  wanted('chat');
};
const refreshTalk = (wait = 60) => {
  if (!talk.id || timers.talk) return;
  timers.talk = setTimeout(() => {
    timers.talk = 0;
    if (talk.id) readTalk();
  }, wait);
};
const openTalk = (id) => {
  if (id === talk.id) return;
  const draft = $('chat-text')?.value;
  if (draft) drafts.set(talk.id, draft); else drafts.delete(talk.id);
  talk = blank(id);
  timers.turn += 1;
  follow('');
  drawn.clear();
  if (id) readTalk();
};
const drafts = new Map();
// Goes there at once, so that nothing is said in the conversation before.
const visit = (id, replaces) => {
  go({view: 'chat', talk: id}, replaces);
  draws.chat();
};

const refreshList = (wait = 300) => {
  clearTimeout(conversations.timer);
  conversations.timer = setTimeout(async () => {
    const turn = ++conversations.turn, query = conversations.query.trim();
    try {
      const answer = query ? await call('search_conversations', {query, limit: 30}) : await call('list_conversations', {limit: Math.min(100, Math.max(30, conversations.rows?.length ?? 0))});
      if (turn !== conversations.turn) return;
      Object.assign(conversations, {hits: answer.hits ?? null, fault: '', ...(answer.conversations && {rows: answer.conversations, next: answer.nextCursor})});
    } catch (error) {
      if (turn === conversations.turn) conversations.fault = error.message;
    }
    wanted('chat');
  }, wait);
};
const moreConversations = async () => {
  try {
    const {conversations: rows, nextCursor} = await call('list_conversations', {limit: 50, cursor: conversations.next});
    Object.assign(conversations, {rows: [...conversations.rows, ...rows], next: nextCursor});
  } catch (error) {conversations.fault = error.message;}
  wanted('chat');
};

// Who may operate is asked about the calls of every conversation, wherever on the page.
const refreshApprovals = (wait = 0) => {
  clearTimeout(approvals.timer);
  approvals.timer = setTimeout(async () => {
    if (mayAct() && !document.hidden) {
      try {
        const {approvals: rows} = await call('list_approvals'), fresh = approvals.known && rows.find(({approvalId}) => !approvals.known.has(approvalId));
        Object.assign(approvals, {rows, known: new Set(rows.map(({approvalId}) => approvalId))});
        if (fresh && (place.view !== 'chat' || talk.id !== fresh.conversationId)) {
          const text = `${exact(fresh.tool)} of ${exact(fresh.server)} waits for approval.`;
          say($('alert'), text);
          notice('warn', text, 'Look', () => go({view: 'chat', talk: ''}));
        }
      } catch {
        // The state beside the name says when the daemon does not answer; the next look is soon.
      }
      wanted('chat');
    }
    refreshApprovals(5000);
  }, wait);
};
const decide = async (approvalId, decision, node) => {
  for (const one of node.querySelectorAll('button')) one.disabled = true;
  try {
    await call('decide_approval', {approvalId, decision});
    flash(decision === 'deny' ? 'Denied.' : 'Allowed.');
  } catch (error) {
    flash(error.message, 'err');
    for (const one of node.querySelectorAll('button')) one.disabled = false;
  }
  refreshApprovals();
  refreshTalk();
};
