// Where is what, and when is it drawn?
const view = $('chat'), toChat = $('to-chat');
const text = el('textarea', {id: 'chat-text', rows: 2, 'aria-label': 'Message', placeholder: 'Message: Enter sends, Shift and Enter begins a line', maxlength: 200000});
const sends = el('button.primary', {type: 'submit'}, 'Send'), stops = button('Stop', () => stop(asking), {class: 'danger', hidden: ''});
const box = el('form.compose', {'on:submit': (event) => {event.preventDefault(); submit();}}, text, el('div.sends', stops, sends));
const said = el('ol.talked', {'aria-label': 'What was said'}), head = el('div.head'), state = el('p.muted'), scroller = el('div.scroller', {tabindex: 0, role: 'region', 'aria-label': 'What was said'}, said);
const search = el('input', {type: 'search', 'aria-label': 'Search conversations', autocomplete: 'off', maxlength: 200, placeholder: 'Search what was said'});
const asks = el('section', {'aria-label': 'Approvals'}), list = el('ul.rows'), rest = el('div.empty');
view.append(el('section.pane.talks', {'aria-label': 'Conversations'}, el('div.head', el('h2', 'Conversations'), el('span.control.new', small('New', () => {visit(innerWidth > 720 ? '' : 'new'); text.focus();}, 'New conversation'))), el('search.find', search), el('div.scroller', {tabindex: 0, role: 'region', 'aria-label': 'All conversations'}, asks, list, rest)),
  el('section.pane.talk', {'aria-label': 'Conversation', tabindex: -1}, head, scroller, state, box));
const drawHead = part(head), drawAsks = part(asks), drawList = part(list), drawRest = part(rest);
let asking = '', who = '';

const submit = () => {
  const message = text.value;
  if (!message.trim() || sends.disabled) return;
  text.value = '';
  send(message);
};
text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
search.addEventListener('input', () => {
  conversations.query = search.value;
  refreshList();
});

const hitOf = ({conversationId: id, title, seq, role, snippet}) => el('li', button([el('span.name', visible(title) || 'Untitled'), el('span.what', `${role ?? ''} · `, visible(snippet).split(/[⟦⟧]/).map((piece, index) => index % 2 ? el('mark', piece) : piece))], () => lookAt(id, seq), {class: 'row'}));
const rowOf = (one) => {
  const {conversationId: id, updatedAt, origin, cost, promptTokens: asked, completionTokens: answered} = one;
  return el('li', button([el('span.name', titleOf(one)), el('span.when', ago(since(updatedAt))), el('span.what', [origin === 'chat' ? '' : origin, `${count(asked + answered)} tokens`, cost > 0 && `cost ${priceOf(cost)}`].filter(Boolean).join(' · '))], () => visit(id), {class: 'row', 'aria-current': id === talk.id ? 'true' : null}));
};
const lookAt = async (id, seq) => {
  visit(id);
  await readTalk(seq - 1);
  draws.chat();
  const line = [...said.children].find((one) => Number(one.dataset.seq) >= seq);
  line?.scrollIntoView({block: 'center'});
  line?.classList.add('found');
};
const scrolls = () => innerWidth > 720 ? scroller : document.scrollingElement;
const drawSaid = () => {
  const {shown, asker} = told(talk.events), waits = [...talk.waits], wishes = [...talk.asked.values()], at = scrolls();
  const below = talk.bottom || at.scrollHeight - at.scrollTop - at.clientHeight < 80;
  const lines = shown.map((one) => lineFor(one.id ?? `${one.kind === 'assistant' ? 'said' : one.kind}${one.seq}`, one.kind === 'call' ? {...one, note: one.state === 'running' ? talk.progress.get(one.id) : null} : one));
  if (talk.live) lines.push(lineFor(`said${talk.live.seq}`, {kind: 'live', ...talk.live}));
  const idle = asker && !talk.live && !wishes.length && !shown.some((one) => ['asks', 'running'].includes(one.state));
  if (idle) lines.push(lineFor('waiting', {kind: 'waiting'}));
  for (const asked of wishes) {
    asked.node ??= questionOf(asked);
    lines.push(asked.node);
  }
  for (const [request, wait] of waits) lines.push(lineFor(request, wait));
  lines.forEach((li, index) => {if (said.children[index] !== li) said.insertBefore(li, said.children[index] ?? null);});
  while (said.children.length > lines.length) said.lastChild.remove();
  if (drawn.size > lines.length + 200) for (const [key, {li}] of drawn) if (!li.isConnected) drawn.delete(key);
  if (below) at.scrollTop = at.scrollHeight;
  if (lines.length) talk.bottom = false;
  asking = asker?.request ?? waits.find(([, {fault}]) => !fault)?.[0] ?? '';
  show(stops, Boolean(asking) && mayAct());
  return lines.length;
};
const drawBadge = () => {
  const amount = approvals.rows.length;
  say(toChat, amount ? `Chat ${amount}` : 'Chat');
  attribute(toChat, 'aria-label', amount ? `Chat, ${amount} ${amount === 1 ? 'call waits' : 'calls wait'} for approval` : null);
};
draws.chat = () => {
  if (who !== you?.principal) {
    // Somebody else may see other conversations.
    who = you?.principal;
    Object.assign(conversations, {rows: null, hits: null});
    Object.assign(approvals, {rows: [], known: null});
    talk = blank('');
    refreshApprovals();
    if (place.view === 'chat') refreshList(0);
  }
  drawBadge();
  if (place.view !== 'chat' || !you) return hangUp();
  const id = place.talk === 'new' ? '' : place.talk, before = talk.id;
  if (id !== before) {
    openTalk(id);
    text.value = drafts.get(id) ?? '';
    said.replaceChildren();
    talk.bottom = true;
  }
  if (talk.id && talk.loaded && !talk.fault) follow(talk.id);
  if (!conversations.rows && !conversations.fault) refreshList(0);
  const {rows, hits, fault, next} = conversations, about = talk.about ?? {}, mine = talk.id && talk.loaded && !talk.fault;
  drawHead([talk.id, talk.title, about.cost, about.totalTokens, mayAct(), mine, talk.earlier], () => [button('← All', () => visit(''), {class: 'back'}), el('h2', talk.id ? titleOf(talk) : 'New conversation'),
    mine && el('span.control', mayAct() && [small('Rename…', rename), small('Remove…', remove)], small('Copy as curl', () => copy(curlOf('read_conversation', {conversationId: talk.id})))), talk.earlier && el('div.earlier', small('Earlier…', () => readTalk(Math.max(0, (talk.events[0]?.seq ?? 1) - 100))))]);
  const amount = drawSaid();
  say(state, talk.fault || (!talk.loaded ? 'Loading…' : !amount ? (mayAct() ? 'Ask about jobs, canaries and models, or have something done: what changes anything waits for your approval.' : 'This key may only read.') : socket.state === 'waiting' ? 'The connection for conversations is lost; what is new comes a little later.' : ''));
  show(box, mayAct());
  drawAsks([approvals.rows.map(({approvalId, expiresAt}) => [approvalId, leftOf(expiresAt)]), mayAct(), talk.id], () => approvals.rows.filter(({conversationId}) => conversationId !== talk.id).map(({approvalId, conversationId: of, server: from, tool, arguments: args, reason, expiresAt}) => el('div.asked', {'data-tone': 'warn'}, askedOf({server: from, tool, args, reason, expires: expiresAt, approval: approvalId}, rows?.some((one) => one.conversationId === of) && small('Open', () => visit(of), `Open the conversation that asks for ${exact(tool)}`)))));
  drawList([hits, rows, talk.id, Math.floor(now() / 30000)], () => hits ? hits.map(hitOf) : (rows ?? []).map(rowOf));
  const none = hits ? !hits.length && 'Nothing was found.' : rows ? !rows.length && 'No conversation yet.' : 'Loading…';
  drawRest([none, fault, next, Boolean(hits)], () => [fault && el('p.fault', fault), none && el('p', none), next && !hits && small('More', moreConversations)]);
  show(rest, Boolean(fault || none || (next && !hits)));
};
setInterval(() => {
  if (document.hidden || place.view !== 'chat') return;
  // Without the socket the journal is read, so that an answer is late and not lost.
  if (socket.state !== 'open' && talk.id && (asking || talk.waits.size)) refreshTalk(0);
  if (approvals.rows.length) wanted('chat');
}, 2000);
setInterval(() => {
  if (document.hidden || place.view !== 'chat') return;
  refreshList(0);
  if (talk.fault) refreshTalk(0);
}, 20000);
refreshApprovals();
wanted('chat');
