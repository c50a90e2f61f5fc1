// What can be done, and how is it asked for? One dialog whose form is made of the tool's schema;
// no event closes or changes it.
const dialog = $('dialog');
const open = (...content) => {
  if (dialog.open) dialog.close();
  dialog.replaceChildren(...content);
  dialog.showModal();
};
const close = () => dialog.close();
const title = (text) => el('h2', { id: 'dialog-title' }, text);

const ACTIONS = {
  abort: { tool: 'abort_canary', label: 'Abort…', danger: true, confirm: 'Abort the canary', when: (item) => item.kind === 'canary' && !item.over && item.phase !== 'rolling_back', head: (item) => `Abort the canary of ${item.name}?`, text: (item) => item.dryRun ? 'It ends at once; it is a dry run and changed no gate.' : `It ends at once, and ${item.toGate} is put back to what stood there before.` },
  approve: { tool: 'approve_canary', label: 'Approve…', primary: true, confirm: 'Approve', when: (item) => ['awaiting_start', 'awaiting_approval'].includes(item.phase), head: (item) => `Approve ${item.phase === 'awaiting_start' ? 'the start' : 'the promotion'} of ${item.name}?`, text: (item) => `From ${item.fromGate} to ${item.toGate}.` },
  resume: { tool: 'resume_canary', label: 'Resume…', primary: true, confirm: 'Resume', when: (item) => item.phase === 'paused', head: (item) => `Resume the canary of ${item.name}?`, text: () => 'Its clock runs on from where it was stopped.' },
  pause: { tool: 'pause_canary', label: 'Pause…', confirm: 'Pause the canary', when: (item) => item.phase === 'observing' && !item.dryRun, head: (item) => `Pause the canary of ${item.name}?`, text: (item) => `Its clock stops and nothing is decided; ${item.name} stays where it is until somebody resumes or aborts it.` },
  promote: { tool: 'promote_canary_now', label: 'Promote now…', danger: true, confirm: 'Promote now', when: (item) => ['observing', 'paused', 'awaiting_approval'].includes(item.phase) && !item.dryRun, head: (item) => `Promote ${item.name} to ${item.toGate} now?`, text: () => 'Its evidence is not waited for. The reason stays in the audit beside what the evidence said until then.' },
  again: { tool: 'start_canary', label: 'Start again…', confirm: 'Start the canary', when: (item) => item.kind === 'canary' && item.over, head: (item) => `Start a canary of ${item.name} again`, initial: ({ modelId, fromGate, toGate, dryRun, policy: { windowSeconds, targets, ...policy } }) => ({ modelId, fromGate, toGate, windowSeconds, targets, ...(dryRun ? { dryRun } : {}), policy }) },
  cancel: { tool: 'cancel_job', label: 'Cancel…', danger: true, confirm: 'Cancel the job', when: (item) => item.kind === 'job' && !item.over, head: (item) => `Cancel the eval of ${item.name}?`, text: () => 'Its run is ended; what it has found so far is not kept as a result.' },
  rerun: { tool: 'run_eval', label: 'Run again…', confirm: 'Run the eval', when: (item) => item.kind === 'job' && item.over, head: (item) => `Run the eval of ${item.name} again`, initial: ({ taskId, configId }) => ({ taskId, configId }) },
};
const actionsOf = (item) => mayAct() ? Object.entries(ACTIONS).filter(([, action]) => action.when(item)) : [];
const act = (name, item) => {
  const action = ACTIONS[name], id = item.kind === 'canary' ? 'canaryId' : 'jobId';
  const about = action.initial ? { initial: action.initial(item) } : { initial: { [id]: item.id }, hidden: [id] };
  return toolDialog({ ...action, ...about, head: action.head(item), text: action.text?.(item), id: action.initial ? '' : item.id });
};
const values = (...names) => [...new Set([...items.values()].flatMap((item) => names.map((name) => item[name])).filter(Boolean))].slice(0, 50);
const toolDialog = async ({ tool, head, text, id, confirm, danger, initial = {}, hidden = [], first = [] }) => {
  let schema;
  try {
    schema = (await tools()).get(tool)?.inputSchema;
    if (!schema) throw new Refusal(`This daemon has no tool ${tool}.`);
  } catch (error) { return flash(error.message, 'err'); }
  const gates = [...values('fromGate', 'toGate'), ...[...models.values()].flatMap((model) => model.currentGates)];
  const form = createForm(schema, { initial, hidden, first, suggestions: { modelId: [...models.keys()], taskId: values('taskId'), configId: values('configId'), gate: [...new Set(gates)], fromGate: [...new Set(gates)], toGate: [...new Set(gates)] } });
  const fault = el('p.fault', { role: 'alert' }), sent = el('pre.sent', { tabindex: 0, 'aria-label': 'Call' });
  const doit = el('button.primary', { type: 'submit', class: danger ? 'primary danger' : 'primary' }, confirm);
  const preview = () => say(sent, `${tool} ${JSON.stringify(form.read().value, null, 2)}`);
  let asked = false;
  const submit = async (event) => {
    event.preventDefault();
    const { value, problems } = form.read();
    form.show(problems);
    if (problems.length || asked) return;
    asked = true;
    doit.disabled = true;
    say(fault, '');
    try {
      const answer = await call(tool, value);
      if (!node.isConnected) return;
      close();
      flash(`${head.replace(/\?$/, '')}: done${answer.status ? ` (${(STATES[answer.status]?.[1] ?? answer.status)})` : ''}.`);
      const made = answer.canaryId ?? answer.jobId;
      if (made && items.has(made) && !id) select(made, true);
      else if (made && !id) go({ selected: made });
    } catch (error) {
      say(fault, error instanceof Refusal ? error.message : 'The page could not read the answer. Look whether it was done.');
      fault.scrollIntoView({ block: 'nearest' });
    }
    asked = false;
    doit.disabled = false;
  };
  const node = el('form', { novalidate: true, 'on:submit': submit, 'on:input': preview }, title(head), text && el('p', null, text), id && el('p.hash', null, id), fault, form.element,
    el('details', null, el('summary', null, 'What will be sent'), sent, button('Copy as curl', () => copy(curlOf(tool, form.read().value), 'The command'), { class: 'small' })),
    el('div.foot', null, button('Back', close), doit));
  preview();
  open(node);
  (node.querySelector('.form input, .form textarea, .form select') ?? doit).focus();
};
const newEval = () => toolDialog({ tool: 'run_eval', head: 'New eval', confirm: 'Run the eval' });
const newCanary = () => toolDialog({ tool: 'start_canary', head: 'New canary', confirm: 'Start the canary', first: ['windowSeconds', 'targets', 'dryRun'] });

const keyDialog = () => {
  const input = el('input', { id: 'api-key', type: 'password', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'key-help' });
  const use = (key) => {
    if (key) sessionStorage.setItem('key', key); else sessionStorage.removeItem('key');
    close();
    notice();
    lastId = null;
    toolList = null;
    attempt = 0;
    connect();
  };
  open(el('form', { 'on:submit': (event) => { event.preventDefault(); use(input.value.trim()); } }, title('Key'),
    el('p', { id: 'key-help', class: 'muted' }, 'One of the keys the daemon was given. It stays in this tab until it is closed, and is sent in a header, never in an address.'),
    el('div', null, el('label', { for: 'api-key' }, 'API key'), input),
    el('div.foot', null, button('Back', close), apiKey() && button('Forget the key', () => use('')), el('button.primary', { type: 'submit' }, 'Use this key'))));
};

const SHORTCUTS = { '/': 'Filter', 'j k': 'Next, previous', w: 'Why', a: 'Abort or cancel', c: 'Copy as curl', p: 'Pause the page', t: 'Theme', '?': 'This help', Esc: 'Back' };
const shortcutsOn = () => localStorage.getItem('shortcuts') !== 'off';
const helpDialog = () => {
  const box = el('input', { type: 'checkbox', id: 'shortcuts', 'on:change': () => localStorage.setItem('shortcuts', box.checked ? 'on' : 'off') });
  box.checked = shortcutsOn();
  open(el('div', null, title('Help'),
    el('p', null, 'What needs a person is shown first. Click a row for its numbers, its reasons and what can be done. The filter takes text and status:, model:, task:, config:, gate:, kind: and id:, joined by spaces.'),
    el('dl.keys', null, Object.entries(SHORTCUTS).map(([keys, what]) => [el('dt', null, keys.split(' ').map((key) => [el('kbd', null, key), ' '])), el('dd', null, what)])),
    el('label.check', null, box, 'Shortcuts of one key are on'),
    server && el('p.muted', null, `${server.name} ${server.version}, registry ${server.registry}; you are ${you.principal} and may ${you.role === 'read' ? 'read' : 'read and act'}.`),
    el('div.foot', null, button('Close', close, { class: 'primary' }))));
};
