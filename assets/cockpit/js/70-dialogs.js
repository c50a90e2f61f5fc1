// What can be done, and how is it asked for? One dialog whose form is made of the tool's schema;
// no event closes or changes it.
const dialog = $('dialog'), close = () => dialog.close();
const open = (head, content, foot, submit) => {
  close();
  dialog.replaceChildren(el('form', { novalidate: true, 'on:submit': (event) => { event.preventDefault(); submit(); } }, el('h2', { id: 'dialog-title' }, head), content, el('div.foot', button('Back', close), foot)));
  dialog.showModal();
};
const primary = (text, danger) => el('button', { type: 'submit', class: danger ? 'primary danger' : 'primary' }, text);
const ofCanary = (phases) => (item) => item.kind === 'canary' && phases.includes(item.phase);
const LIVE = 'observing paused awaiting_approval';
const ACTIONS = {
  abort: { tool: 'abort_canary', label: 'Abort', what: 'the canary of', danger: true, when: ofCanary(`awaiting_start entering promoting ${LIVE}`), text: ({ dryRun, toGate }) => `It ends at once${dryRun ? '; a dry run changed no gate' : `, and ${toGate} is put back to what stood there before`}.` },
  approve: { tool: 'approve_canary', label: 'Approve', what: 'the canary of', when: ofCanary('awaiting_start awaiting_approval'), text: ({ phase, fromGate, toGate }) => `${phase === 'awaiting_start' ? 'It starts' : 'It is promoted'}, from ${fromGate} to ${toGate}.` },
  resume: { tool: 'resume_canary', label: 'Resume', what: 'the canary of', when: ofCanary('paused'), text: () => 'Its clock runs on from where it stopped.' },
  pause: { tool: 'pause_canary', label: 'Pause', what: 'the canary of', when: (item) => ofCanary('observing')(item) && !item.dryRun, text: ({ name }) => `Its clock stops and nothing is decided; ${name} stays where it is until somebody resumes or aborts it.` },
  promote: { tool: 'promote_canary_now', label: 'Promote now', what: '', danger: true, when: (item) => ofCanary(LIVE)(item) && !item.dryRun, text: () => 'Its evidence is not waited for; the reason stays in the audit beside what the evidence said until then.' },
  again: { tool: 'start_canary', label: 'Start again', what: 'a canary of', when: ofCanary('over'), initial: ({ modelId, fromGate, toGate, dryRun, policy: { windowSeconds, targets, ...policy } }) => ({ modelId, fromGate, toGate, windowSeconds, targets, ...(dryRun && { dryRun }), policy }) },
  cancel: { tool: 'cancel_job', label: 'Cancel', what: 'the eval of', danger: true, when: (item) => item.kind === 'job' && !item.over, text: () => 'Its run is ended, and there will be no result.' },
  rerun: { tool: 'run_eval', label: 'Run again', what: 'the eval of', when: (item) => item.kind === 'job' && item.over, initial: ({ taskId, configId }) => ({ taskId, configId }) },
};
const actionsOf = (item) => mayAct() ? Object.keys(ACTIONS).filter((name) => ACTIONS[name].when(item)) : [];
const act = (name, item) => {
  const { label, what, initial, text, ...action } = ACTIONS[name], member = `${item.kind}Id`;
  return toolDialog({ ...action, confirm: label, head: [label, what, item.name].filter(Boolean).join(' '), ...(initial ? { initial: initial(item) } : { initial: { [member]: item.id }, hidden: [member], id: item.id, text: text(item) }) });
};
const toolDialog = async ({ tool, head, text, id, confirm, danger, initial = {}, hidden = [] }) => {
  try {
    const { inputSchema } = await toolNamed(tool), seen = (...names) => [...new Set([...items.values()].flatMap((item) => names.map((name) => item[name])).filter(Boolean))];
    const gates = [...new Set([...seen('fromGate', 'toGate'), ...models.flatMap((model) => model.currentGates)])];
    const form = createForm(inputSchema, { initial, hidden: [...hidden, 'policy.targets', 'policy.windowSeconds', 'policy.dryRun'], first: ['windowSeconds', 'targets', 'reason'], suggestions: { modelId: models.map(({ modelId }) => modelId), taskId: seen('taskId'), configId: seen('configId'), gate: gates, fromGate: gates, toGate: gates } });
    const sent = el('pre', { tabindex: 0, role: 'region', 'aria-label': 'Call' }), confirming = primary(confirm, danger);
    const preview = () => say(sent, `${tool} ${JSON.stringify(form.read().value, null, 2)}`);
    const submit = async () => {
      const { value, problems } = form.read();
      form.show(problems);
      if (problems.length || confirming.disabled) return;
      confirming.disabled = true;
      try {
        const { status, canaryId, jobId } = await call(tool, value);
        if (form.element.isConnected) close();
        flash(`${head}: ${status ? stateWords(status)[1] : 'done'}.`);
        if (!id && (canaryId || jobId)) select(canaryId ?? jobId);
      } catch (error) {
        form.show([{ path: null, sentence: error.message }]);
        form.element.scrollIntoView();
      }
      confirming.disabled = false;
    };
    form.element.addEventListener('input', preview);
    preview();
    open(head, [text && el('p', text), id && el('p.hash', id), form.element, el('details', el('summary', 'What will be sent'), sent, small('Copy as curl', () => copy(curlOf(tool, form.read().value))))], confirming, submit);
    (form.element.querySelector('input, textarea, select') ?? confirming).focus();
  } catch (error) { flash(error.message, 'err'); }
};
const newEval = () => toolDialog({ tool: 'run_eval', head: 'New eval', confirm: 'Run the eval' });
const newCanary = (initial) => toolDialog({ tool: 'start_canary', head: 'New canary', confirm: 'Start the canary', initial });

const keyDialog = () => {
  const input = el('input', { id: 'api-key', type: 'password', autocomplete: 'off', 'aria-describedby': 'key-help' });
  const use = (key) => {
    if (key) sessionStorage.setItem('key', key); else sessionStorage.removeItem('key');
    close();
    notice();
    lastId = toolList = null;
    attempt = 0;
    connect();
  };
  open('Key', [el('p.muted', { id: 'key-help' }, 'One of the keys the daemon was given. It stays in this tab until that is closed, and goes in a header, never in an address.'), el('div.field', el('label', { for: 'api-key' }, 'API key'), input)],
    [apiKey() && button('Forget the key', () => use('')), primary('Use this key')], () => use(input.value.trim()));
};
const SHORTCUTS = { '/': 'Filter', j: 'Next', k: 'Previous', w: 'Why', a: 'Abort or cancel', c: 'Copy as curl', p: 'Pause the page', t: 'Theme', '?': 'Help', Esc: 'Back' };
const shortcutsOn = () => localStorage.getItem('shortcuts') !== 'off';
const helpDialog = () => {
  const box = el('input', { type: 'checkbox', 'on:change': () => localStorage.setItem('shortcuts', box.checked ? 'on' : 'off') });
  box.checked = shortcutsOn();
  open('Help', [el('p', 'What needs a person comes first. The filter takes text and status:, model:, task:, config:, kind: and id:, with blanks between.'),
    el('dl.keys', Object.entries(SHORTCUTS).map(([key, what]) => el('div', el('dt', el('kbd', key)), el('dd', what)))), el('label.check', box, 'These keys work'),
    server && el('p.muted', `${server.name} ${server.version} with the ${server.registry} registry. You are ${you.principal} and may ${you.role === 'read' ? 'only read' : 'read and act'}.`)], primary('Close'), close);
};
