// How does one thing look that was said, called, asked or decided?
const tokensOf = (cost) => cost && [cost.total_tokens ? `${cost.is_estimate ? '≈ ' : ''}${count(cost.total_tokens)} tokens` : '', cost.cost_micros ? `cost ${priceOf(cost.cost_micros / 1e6)}` : ''].filter(Boolean).join(' · ');
const priceOf = (cost) => cost < 0.01 ? cost.toPrecision(2) : cost.toFixed(2);
const leftOf = (expires) => {
  const seconds = (Date.parse(expires) - now()) / 1000;
  return seconds > 0 ? `can be answered for ${duration(seconds < 120 ? Math.ceil(seconds) : seconds).split(' ').slice(0, 2).join(' ')}` : 'it is too late to answer';
};
const askedOf = ({server: from, tool, args, reason, expires, approval}, more) => {
  const buttons = el('div.actions', mayAct() && [['once', 'Allow once', 'primary'], ['always', 'Always in this conversation'], ['deny', 'Deny', 'danger']].map(([decision, label, look]) => button(label, () => decide(approval, decision, buttons), {class: look, 'aria-label': `${label}: ${exact(tool)} of ${exact(from)}`})));
  return [el('p.question', 'May ', el('code', exact(tool)), ' of ', el('code', exact(from)), ' be called?', el('small', `${exact(reason)}; ${leftOf(expires)}.`)), argumentsOf(args), more, buttons];
};
const argumentsOf = (args) => el('pre', {tabindex: 0, role: 'region', 'aria-label': 'Arguments'}, jsonOf(args ?? {}));
const folded = (head, text) => el('details', {'data-fold': head}, el('summary', head), el('pre', {tabindex: 0, role: 'region', 'aria-label': head}, exact(text)));
const PARTS = {
  user: ({text}) => [el('h3.who', 'You'), el('div.prose', el('p', visible(text)))],
  waits: ({text, fault}) => [el('h3.who', 'You'), el('div.prose', el('p', visible(text))), el('p.muted', fault || 'Sent; it waits for its turn.')],
  assistant: ({text, finish, model}) => [el('h3.who', 'Assistant', model && el('span.muted', exact(model))), el('div.prose', proseOf(text)), finish === 'length' && el('p.muted', 'It might say no more at once.'), finish === 'cancelled' && el('p.muted', 'It was stopped here.'), finish === 'interrupted' && el('p.muted', 'It broke off here.')],
  live: ({text}) => [el('h3.who', 'Assistant', el('span.muted', 'answers…')), el('div.prose', proseOf(text))],
  call: (call) => {
    const {name, server: from, tool, args, state, result, by, denial, note} = call, look = OUTCOMES[state] ?? OUTCOMES.unknown;
    return [el('div.call-head', el('h3', el('code', exact(tool ?? name))), from && el('span.muted', exact(from)), chip(look)),
      state === 'asks' ? askedOf(call) : folded('Arguments', jsonOf(args ?? {})), note && el('p.muted', exact(note)),
      by && by !== 'policy' && el('p.muted', `${state === 'denied' ? 'Denied' : 'Allowed'} by ${exact(by)}.`), denial && el('p.muted', sentence(exact(denial))), result != null && folded('Result', result)];
  },
  end: ({seq, at, status, message, retryable, cost, by}) => [status === 'error' && el('p.fault', sentence(visible(message)), retryable && mayAct() && small('Try again', () => again(seq))), el('div.took', el('span', {'data-tone': status === 'complete' ? 'ok' : status === 'error' ? 'err' : 'muted'}, status === 'complete' ? '✓' : status === 'error' ? '✕ failed' : `■ stopped by ${exact(by)}`), timeOf(at), el('span', tokensOf(cost)), mayAct() && small('Fork', () => fork(seq), `Fork after event ${seq}`))],
  note: ({text, other}) => el('p.muted', visible(text), other && button(other, () => visit(other), {class: 'link'})),
  waiting: () => el('p.muted', {role: 'status'}, 'The model is at work…'),
};
const drawn = new Map();
// A question of a server stays as it is until it is answered: somebody may be typing.
const questionOf = (asked) => {
  const {elicitation_id: id, server: from, message, schema, url} = asked, form = schema?.properties ? createForm(schema) : null, problem = el('p.problem', {role: 'alert'});
  const answer = async (action) => {
    const {value, problems} = form && action === 'accept' ? form.read() : {problems: []};
    form?.show(problems);
    if (problems.length) return;
    try {
      await call('answer_question', {conversationId: talk.id, elicitationId: id, action, ...(action === 'accept' && form && {content: value ?? {}})});
      talk.asked.delete(id);
    } catch (error) {say(problem, error.message);}
    wanted('chat');
  };
  const target = url && URL.parse?.(url), links = target && ['http', 'https'].includes(target.protocol.slice(0, -1));
  return el('li.call', {'data-tone': 'warn'}, el('h3', el('code', exact(from)), ' asks'), el('p.prose', visible(message)), url && el('p', links ? el('a', {href: target.href, target: '_blank', rel: 'noopener noreferrer'}, exact(url)) : el('code', exact(url))), form?.element, problem,
    mayAct() && el('div.actions', button(url ? 'I did it' : 'Answer', () => answer('accept'), {class: 'primary'}), button('Decline', () => answer('decline')), button('Cancel', () => answer('cancel'))));
};
const lineFor = (key, of) => {
  if (!drawn.has(key)) {
    const li = el('li');
    drawn.set(key, {li, draw: part(li)});
  }
  const {li, draw} = drawn.get(key), {kind, state, seq} = of;
  if (li.className !== kind) li.className = kind;
  if (seq) li.dataset.seq = seq;
  attribute(li, 'data-tone', state && (OUTCOMES[state] ?? OUTCOMES.unknown)[2]);
  const {text, result, by, fault, note, expires, retryable} = of;
  draw([kind, state, seq, text?.length, result?.length, by, fault, note, retryable, expires && leftOf(expires), mayAct()], () => {
    const folds = [...li.querySelectorAll('details[open]')].map(({dataset}) => dataset.fold), made = [PARTS[kind](of)].flat(2).filter(Boolean);
    for (const one of made) if (folds.includes(one.dataset.fold)) one.open = true;
    return made;
  });
  return li;
};
