// What can be done, and how is it asked for first? A sandbox has no forms, so this is none.
const MEANS = {
  __proto__: null,
  abort: ({toGate}) => `The canary ends, and ${toGate} is given back what stood in it before.`,
  approve: (item) => `Its ${approvedOf(item)} goes ahead.`,
  resume: () => 'Its clock goes on, and it can be decided again.',
  pause: () => 'Its clock stands still, and nothing is decided until somebody resumes it.',
  promote: ({modelId, toGate}) => `${modelId} is promoted to ${toGate} without waiting for the evidence.`,
  cancel: () => 'Its run is ended, and there will be no result.',
};
const askNode = el('section.ask', {role: 'group', 'aria-labelledby': 'ask-head', hidden: ''});
const actionsOf = (item) => Object.keys(ACTIONS).filter((name) => mayCall() && !over && MEANS[name] && ACTIONS[name].when(item));
const leaveAsk = () => {
  if (askNode.hidden) return;
  const label = askNode.dataset.from;
  show(askNode, false);
  ([...$('detail').querySelectorAll('.title button')].find((one) => one.textContent === label) ?? $('detail')).focus();
};
const act = (name, item) => {
  const {tool, label, danger} = ACTIONS[name], {id, phase, kind} = item, needed = name === 'promote';
  const input = el('input', {id: 'ask-reason', maxlength: 500, autocomplete: 'off', 'aria-describedby': 'ask-problem', 'aria-required': needed || null}), problem = el('p.problem', {id: 'ask-problem', role: 'alert'});
  const go = async () => {
    const reason = input.value.trim();
    if (needed && !reason) {say(problem, 'Say why: the audit keeps it.'); return input.focus();}
    // Of a canary that went on meanwhile, something else would be approved.
    if (name === 'approve' && items.get(id)?.phase !== phase) return say(problem, 'It went on meanwhile: look again.');
    sure.disabled = true;
    say(problem, '');
    try {
      const {status, phase: next} = await call(tool, {[`${kind}Id`]: id, ...(reason && {reason})});
      leaveAsk();
      flash(`${label} ${item.name}: ${stateWords(kind === 'canary' && next !== 'over' ? next : status)[1]}.`);
      lookAgain();
    } catch (error) {say(problem, error.message);}
    sure.disabled = false;
  };
  const sure = button(label, go, {class: danger ? 'primary danger' : 'primary'});
  askNode.replaceChildren(el('h3', {id: 'ask-head', tabindex: -1}, `${label}${name === 'approve' ? ` the ${approvedOf(item)} of` : ''} ${item.name}?`), el('p', MEANS[name](item)),
    el('div.field', el('label', {for: 'ask-reason'}, 'Reason', el('span.muted', needed ? ' required' : ' for those who ask later')), input), problem, el('div.actions', button('Back', leaveAsk), sure));
  attribute(askNode, 'data-tone', danger ? 'err' : 'accent');
  askNode.dataset.from = `${label}…`;
  input.addEventListener('keydown', ({key}) => key === 'Enter' && !sure.disabled && go());
  show(askNode, true);
  askNode.scrollIntoView({block: 'nearest'});
  input.focus();
};
document.addEventListener('keydown', ({key}) => {
  if (key !== 'Escape') return;
  if (!askNode.hidden) leaveAsk(); else if (selected && !isWide()) unselect();
});
