// What can be done, and how is it asked for? No event closes a dialog.
const dialog = $('dialog'), close = () => dialog.close();
const open = (head, content, foot, submit) => {
  close();
  dialog.replaceChildren(el('form', {novalidate: true, 'on:submit': (event) => {event.preventDefault(); submit();}}, el('h2', {id: 'dialog-title'}, head), content, el('div.foot', button('Back', close), foot)));
  dialog.showModal();
};
const primary = (text, danger) => el('button', {type: 'submit', class: danger ? 'primary danger' : 'primary'}, text);
const actionsOf = (item) => Object.keys(ACTIONS).filter((name) => mayAct() && ACTIONS[name].when(item));
const act = (name, item) => {
  const {tool, label, initial, danger} = ACTIONS[name], member = `${item.kind}Id`, {id, phase} = item;
  // Of a canary that went on meanwhile, something else would be approved.
  const still = () => name !== 'approve' || items.get(id)?.phase === phase;
  return toolDialog(tool, `${label}${name === 'approve' ? ` the ${approvedOf(item)} of` : ''} ${item.name}`, {confirm: label, danger, still, ...(initial ? {initial: initial(item)} : {initial: {[member]: item.id}, hidden: [member], id: item.id})});
};
const toolDialog = async (tool, head, {id, confirm = head, danger, initial, hidden = [], still = () => true} = {}) => {
  try {
    const {inputSchema, description} = await toolNamed(tool), known = (name) => [...new Set([...items.values(), ...models].flatMap((item) => item[name] ?? []))];
    const form = createForm(inputSchema, {initial, hidden: [...hidden, 'policy.targets', 'policy.windowSeconds', 'policy.dryRun'], first: ['windowSeconds', 'targets', 'reason'], known});
    const sent = el('pre', {tabindex: 0, role: 'region', 'aria-label': 'Call'}), confirming = primary(confirm, danger), value = () => form.read().value;
    const preview = () => say(sent, `${tool} ${JSON.stringify(value(), null, 2)}`);
    form.element.addEventListener('input', preview);
    preview();
    open(head, [id && el('code', id), el('p.muted', description.replaceAll('`', '')), form.element, el('details', el('summary', 'What will be sent'), sent, small('Copy as curl', () => copy(curlOf(tool, value()))))], confirming, async () => {
      const {problems} = form.read();
      form.show(problems);
      if (problems.length || confirming.disabled) return;
      confirming.disabled = true;
      try {
        if (!still()) throw new Refusal('It went on meanwhile: close this and look again.');
        const {status, canaryId, jobId} = await call(tool, value());
        if (form.element.isConnected) close();
        flash(`${head}: ${status ? stateWords(status)[1] : 'done'}.`);
        if (!id && (canaryId ?? jobId)) select(canaryId ?? jobId);
      } catch (error) {
        // A refusal names its field: `start_canary: policy.alpha: …`.
        form.show([{path: /: ([\w.]+): /.exec(error.message)?.[1], sentence: error.message}]);
        form.element.scrollIntoView({block: 'nearest'});
      }
      confirming.disabled = false;
    });
    (form.element.querySelector('input, textarea, select') ?? confirming).focus();
  } catch (error) {flash(error.message, 'err');}
};
const newEval = () => toolDialog('run_eval', 'New eval', {confirm: 'Run the eval'});
const newCanary = () => toolDialog('start_canary', 'New canary', {confirm: 'Start the canary'});

const keyDialog = () => {
  const input = el('input', {id: 'api-key', type: 'password', autocomplete: 'off', 'aria-describedby': 'key-help'});
  const use = (key) => {
    if (key) sessionStorage.setItem('key', key); else sessionStorage.removeItem('key');
    close();
    notice();
    lastId = toolList = null;
    attempt = 0;
    connect();
  };
  open('Key', [el('p.muted', {id: 'key-help'}, 'It stays in this tab, and is never in an address.'), el('div.field', el('label', {for: 'api-key'}, 'API key'), input)],
    primary('Use this key'), () => use(input.value.replace(/[^!-~]/g, '')));
};
const shortcutsOn = () => localStorage.getItem('shortcuts') !== 'off';
const helpDialog = () => {
  const box = el('input', {type: 'checkbox', 'on:change': () => localStorage.setItem('shortcuts', box.checked ? 'on' : 'off')});
  box.checked = shortcutsOn();
  open('Help', [el('p', 'Filter: text, status:, model:, task:, config:, from:, to:, by:, kind: or id:.'), el('p', 'Keys: / filter, j next, k previous, w why, a abort or cancel, c curl, p pause, t theme, ? help, Esc back.'), el('label.check', box, 'Keys work'),
    you && el('p.muted', `${server.name} ${server.version}. You are ${you.principal}, role ${you.role}.`)], primary('Close'), close);
};
