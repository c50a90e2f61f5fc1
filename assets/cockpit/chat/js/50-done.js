// What can be done in a conversation? Every sending has a name, so that it counts once however often it is tried.
const drawName = (prefix) => `${prefix}_${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(36).padStart(2, '0')).join('')}`;
const send = async (text, request = drawName('req')) => {
  const fresh = !talk.id;
  if (fresh) {
    const id = drawName('conv');
    drafts.delete('');
    talk = blank(id);
    drawn.clear();
    visit(id, true);
  }
  const mine = talk;
  mine.waits.set(request, {kind: 'waits', text, at: now()});
  mine.bottom = true;
  wanted('chat');
  try {
    await call('send_message', {text, conversationId: mine.id, requestId: request, waitSeconds: 0});
  } catch (error) {
    Object.assign(mine.waits.get(request) ?? {}, {fault: `It was not taken: ${error.message}`});
    flash(error.message, 'err');
  }
  if (mine !== talk) return;
  talk.loaded = true;
  readTalk();
  if (fresh) refreshList(0);
};
const again = (seq) => {
  const asked = talk.events.findLast((event) => event.seq < seq && event.type === 'user_message');
  if (asked) send(asked.content);
};
const stop = async (request) => {
  try {
    await call('cancel_message', {conversationId: talk.id, requestId: request});
    announce('Stopped.');
  } catch (error) {flash(error.message, 'err');}
  refreshTalk(0);
};
const fork = async (seq) => {
  try {
    const {conversationId} = await call('fork_conversation', {conversationId: talk.id, seq});
    refreshList(0);
    visit(conversationId);
    flash('This is the fork; the other stays as it is.');
  } catch (error) {flash(error.message, 'err');}
};
// Asks in a dialog, which says why it was not done.
const inDialog = (head, content, label, danger, act) => {
  const confirming = primary(label, danger), problem = el('p.problem', {role: 'alert'});
  open(head, [content, problem], confirming, async () => {
    confirming.disabled = true;
    try {
      await act();
      close();
      refreshList(0);
    } catch (error) {say(problem, error.message);}
    confirming.disabled = false;
  });
};
const remove = () => inDialog(`Remove ${titleOf(talk)}`, el('p', 'What was said is forgotten. What its tools did, and what it cost, stays recorded.'), 'Remove', true, async () => {
  await call('remove_conversation', {conversationId: talk.id});
  visit('');
  flash('Removed.');
});
const rename = () => {
  const input = el('input', {id: 'chat-title', autocomplete: 'off', maxlength: 200});
  input.value = talk.title;
  inDialog('Rename', el('div.field', el('label', {for: 'chat-title'}, 'Title'), input), 'Rename', false, async () => {
    await askSocket('rename', {conversation_id: talk.id, title: input.value.trim()});
    readTalk();
    refreshList(0);
  });
  input.select();
};
const titleOf = ({title, conversationId, id}) => visible(title) || (conversationId ?? id ? 'Untitled' : 'New conversation');
