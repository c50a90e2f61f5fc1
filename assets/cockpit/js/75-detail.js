// How is one thing shown? The frame around what canaries and jobs have of their own.
let shown = null, answers = {}, refreshTimer = 0, refreshed = 0;
const select = (id) => {
  go({ view: 'work', selected: id });
  if (id && matchMedia('(max-width: 720px)').matches) { scrollTo(0, 0); $('detail').focus(); }
};
const selectionChanged = (before) => {
  for (const id of [before, selected]) touched.add(id);
  answers = {};
  attribute($('work'), 'data-screen', selected ? 'detail' : 'list');
  $('detail').scrollTop = 0;
  refreshDetail(0);
};
const askFor = (id) => id.startsWith('canary_') ? ['canary_status', { canaryId: id }] : ['status', { jobId: id }];
// What the stream does not carry is asked for: at the selection, and when something has happened.
const refreshDetail = (wait = 300) => {
  clearTimeout(refreshTimer);
  if (selected) refreshTimer = setTimeout(async () => {
    const id = selected, turn = ++refreshed, [tool, args] = askFor(id);
    const [status, why] = await Promise.allSettled([call(tool, args.canaryId ? { ...args, series: true, observations: 0 } : args), call('why', { id })]);
    if (turn !== refreshed || id !== selected) return;
    answers = { status: status.value ?? answers.status, facts: why.value?.facts ?? answers.facts, fault: (status.reason ?? why.reason)?.message };
    if (status.value) merge(status.value);
    wanted('detail');
  }, wait);
};
// The answer may be older than what came by the stream meanwhile.
const merge = ({ evidence, series, decisions, observations, ...status }) => {
  const item = items.get(selected);
  if (series) answers.points = series;
  keep(!item ? status : item.over || status.updatedAt < item.updatedAt ? Object.assign(item, { ...status, ...item }) : Object.assign(item, status));
  changed('list');
};
const liveDetail = (event) => {
  const { points } = answers;
  if (event.type === 'metric') points?.push(event);
  else if (!event.progress) refreshDetail();
  if (points?.length > 1000) answers.points = points.filter((_, index) => index % 2);
  changed('detail');
};

// Cells of a name, a value and what it means; only texts change.
const cells = () => {
  const list = el('dl.facts'), redraw = part(list);
  return [list, (lines) => {
    const some = lines.filter(Boolean);
    redraw(some.map(([name]) => name), () => some.map(([name]) => el('div', el('dt', name), el('dd', el('span'), el('small')))));
    some.forEach(([, text, more, tone], index) => {
      const dd = list.children[index].lastChild;
      say(dd.firstChild, text);
      say(dd.lastChild, more || '');
      attribute(dd, 'data-tone', tone);
    });
  }];
};
const tableOf = (heads, lines, empty = 'None.') => lines.length ? el('div.scroll', el('table.cards', el('thead', el('tr', heads.map((head) => el('th', { scope: 'col' }, head)))), el('tbody', lines.map((line) => el('tr', line.map((cell, index) => el('td', { 'data-label': heads[index] }, cell ?? '–'))))))) : el('p.muted', empty);
const menu = ({ id }) => {
  const one = (text, what) => button(text, () => { box.open = false; what(); });
  const box = el('details.menu', el('summary.button', 'More ▾'), el('div', one('Copy as curl', () => copy(curlOf(...askFor(id)))), [['Markdown', 'md'], ['JSON', 'json'], ['CSV', 'csv']].map(([name, format]) => one(`Report as ${name}`, () => report(id, format))), one('Print', () => print())));
  return box;
};
const frameOf = (item, verdictOf, stepsOf) => {
  const [head, actions, verdict, line, story] = [el('div'), el('div.actions'), el('p.verdict'), el('ol.timeline', { 'aria-label': 'Progress' }), el('section.why', { 'aria-labelledby': 'why' })], [drawHead, drawActions, drawVerdict, drawLine, drawStory] = [head, actions, verdict, line, story].map(part);
  return { item, story, article: el('article', button('← All', () => go({ selected: '' }), { class: 'back' }), el('div.title', head, actions), verdict, line), draw(checks) {
    const able = actionsOf(item), [text, more, tone] = verdictOf(item), steps = stepsOf(item), { facts, fault } = answers, decision = answers.status?.decisions?.at(-1);
    drawHead([item.name, stateOf(item), item.principal], () => [el('h2', el('span', item.name), chip(stateOf(item))), el('p.muted', el('code', item.id), item.kind === 'job' ? ` · eval with ${item.configId}` : ` · canary${item.dryRun ? ', dry run' : ''}, ${item.fromGate} → ${item.toGate}`, ' · started ', timeOf(item.began), item.principal && ` by ${item.principal}`)]);
    drawActions(able, () => [...able.map((name) => button(`${ACTIONS[name].label}…`, () => act(name, item), { class: ACTIONS[name].danger && 'danger' })), button('Why', toWhy), menu(item)]);
    attribute(verdict, 'data-tone', tone);
    drawVerdict([text, more], () => [text, more && el('small', more)]);
    drawLine(steps, () => steps.map(([name, at, state, stepTone = 'accent']) => el('li', { class: state, 'data-tone': state === 'todo' ? 'muted' : stepTone, 'aria-current': state === 'now' && 'step' }, el('b', name), at && (at.endsWith('Z') ? timeOf(at) : at))));
    drawStory([checks, decision, facts?.length, fault], () => [el('h3', { id: 'why', tabindex: -1 }, 'Why'), fault && el('p.fault', fault),
      checks && tableOf(['Check', 'Observed', 'Target', 'Evidence', 'Verdict'], checks.map((cell) => [...cell.slice(0, 4), chip(cell[4])])),
      decision?.counterfactual && el('p.other', decision.counterfactual.sentence), el('h4', 'Story'),
      facts ? el('ol.story', facts.map((fact) => el('li', timeOf(fact.ts), el('div', fact.message, el('small', `${fact.actor} · ${fact.action}`))))) : el('p.muted', 'Loading…'),
      decision && el('p', el('code', `${decision.decisionId} · SHA-256 ${decision.hash}`))]);
  } };
};
const toWhy = () => { $('why')?.scrollIntoView(); $('why')?.focus(); };

draws.detail = () => {
  const item = items.get(selected), key = !selected ? 'none' : answers.fault ?? 'Loading…';
  if (shown?.item === item && (item || shown?.key === key)) return shown?.draw?.();
  shown?.leave?.();
  shown = item ? (item.kind === 'canary' ? canaryDetail : jobDetail)(item) : { key };
  $('detail').replaceChildren(shown.article ?? el('div.empty', el('h2', selected ? selected : 'Nothing selected'), el('p', selected ? key : 'Select a job or a canary to see its numbers, its reasons and what can be done.'), selected && button('← All', () => go({ selected: '' }))));
  shown.draw?.();
};
