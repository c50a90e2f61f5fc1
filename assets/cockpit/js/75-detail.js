// How is one thing shown?
let shown = null, answers = {}, refreshTimer = 0, refreshed = 0;
const select = (id) => {
  go({view: 'work', selected: id});
  if (innerWidth <= 720) scrollTo(0, 0);
};
const selectionChanged = (before) => {
  for (const id of [before, selected]) touched.add(id);
  answers = {};
  $('detail').scrollTop = 0;
  refreshDetail(0);
};
const askFor = (id) => id.startsWith('canary_') ? ['canary_status', {canaryId: id}] : ['status', {jobId: id}];
const refreshDetail = (wait = 300) => {
  clearTimeout(refreshTimer);
  if (selected) refreshTimer = setTimeout(async () => {
    const id = selected, turn = ++refreshed, [tool, args] = askFor(id);
    const [status, why] = await Promise.allSettled([call(tool, args.canaryId ? {...args, series: true, observations: 0} : args), call('why', {id})]);
    if (turn !== refreshed || id !== selected) return;
    answers = {status: status.value ?? answers.status, facts: why.value?.facts ?? answers.facts, points: status.value?.series ?? answers.points, fault: (status.reason ?? why.reason)?.message};
    const item = items.get(id), {evidence, standing, series, decisions, observations, ...answered} = status.value ?? {}, known = {...answered, ...standing}, before = item?.status;
    // The answer may be older than what came by the stream meanwhile.
    if (status.value) keep(!item ? known : Object.assign(item, item.over || known.updatedAt < item.updatedAt ? {...known, ...item} : known));
    if (item) moved(item, before);
    (wait ? changed : wanted)('detail', 'list');
  }, wait);
};
const liveDetail = (event) => {
  if (event.type === 'metric') answers.points?.push(event);
  else if (!event.progress) refreshDetail();
  if (answers.points?.length > 1000) answers.points = answers.points.filter((_, index) => index % 2);
  changed('detail');
};

const headOf = (name) => readable(name).replace(/ \(.*| ms/, '');
const factsOf = (lines) => el('dl.facts', lines.filter(Boolean).map(([name, text, more, tone]) => el('div', el('dt', name), el('dd', {'data-tone': tone}, text, more && el('small', more)))));
const shownAs = (name, value) => value == null || value === '' ? '–' : name.endsWith('At') ? timeOf(value) : name === 'state' ? chip(stateWords(value)) : typeof value !== 'number' ? String(value)
  : /seconds$/i.test(name) ? duration(value) : /bytes$/i.test(name) ? bytes(value) : /ms\b/i.test(name) ? milliseconds(value) : count(value);
const tableOf = (things, columns = Object.keys(things[0] ?? {})) => things.length ? el('div.scroll', {tabindex: 0}, el('table', el('thead', el('tr', columns.map((column) => el('th', {scope: 'col'}, column.at(1).call ? column[0] : headOf(column))))),
  el('tbody', things.map((thing) => el('tr', columns.map((column) => el('td', column.at(1).call ? column[1](thing) : shownAs(column, thing[column])))))))) : el('p.muted', 'None.');
const frameOf = (item, verdictOf, stepsOf, factLines, middle) => {
  const nodes = ['div', 'div.actions', 'section.state', 'section.why'].map((tag) => el(tag)), [drawHead, drawActions, drawNow, drawWhy] = nodes.map(part), {id} = item;
  attribute(nodes[3], 'aria-labelledby', 'why');
  return {item, article: el('article', button('← All', () => go({selected: ''}), {class: 'back'}), el('div.title', nodes[0], nodes[1]), nodes[2], middle, nodes[3]), draw(checks = []) {
    const able = actionsOf(item), verdict = verdictOf(item), steps = stepsOf(item), lines = factLines(item), {facts, fault, status} = answers, decision = status?.decisions?.at(-1);
    drawHead([item.name, stateOf(item), item.principal], () => [el('h2', el('span', item.name), chip(stateOf(item))), el('p.muted', el('code', id), ` · ${kindOf(item)} · ${pathOf(item)} · started `, timeOf(item.began), item.principal && ` by ${item.principal}`)]);
    drawActions(able, () => [...able.map((name) => button(`${ACTIONS[name].label}…`, () => act(name, item), {class: ACTIONS[name].danger && 'danger'})), button('Why', toWhy), button('Copy as curl', () => copy(curlOf(...askFor(id))))]);
    drawNow([verdict, steps, lines], () => [el('p.verdict', {'data-tone': verdict[2]}, verdict[0], verdict[1] && el('small', verdict[1])),
      el('ol.timeline', {'aria-label': 'Progress'}, steps.map(([name, at, state, tone = 'accent']) => el('li', {class: state, 'data-tone': state === 'todo' ? 'muted' : tone}, el('b', name), at?.endsWith('Z') ? timeOf(at) : at))), factsOf(lines)]);
    drawWhy([checks, decision, facts?.length, fault], () => [el('h3', {id: 'why', tabindex: -1}, 'Why'), fault && el('p.fault', fault),
      checks.length > 0 && tableOf(checks, ['check', 'observed', 'target', 'evidence', ['Verdict', ({verdict}) => chip(verdict)]]),
      decision?.counterfactual && el('p.other', decision.counterfactual.sentence), el('h4', 'Story'),
      facts ? el('ol.story', facts.map(({ts, message, actor, action}) => el('li', timeOf(ts), el('div', message, el('small', `${actor} · ${action}`))))) : el('p.muted', 'Loading…'),
      decision && el('p', el('code', `${decision.decisionId} · SHA-256 ${decision.hash}`)),
      el('div.actions', 'Report', ['md', 'json', 'csv'].map((format) => small(format, () => report(id, format), `Report as ${format}`)), small('Print', () => print()))]);
  }};
};
const toWhy = () => {$('why')?.scrollIntoView(); $('why')?.focus();};

draws.detail = () => {
  const item = items.get(selected), key = selected || items.size === 0 ? sentence(answers.fault) || (server && !selected ? 'What runs is shown here.' : 'Loading…') : 'Select a job or a canary.';
  if (!shown || shown.item !== item || (!item && shown.key !== key)) {
    shown?.leave?.();
    shown = item ? (item.jobId ? jobDetail : canaryDetail)(item) : {key, article: el('div.empty', selected && el('h2', selected), el('p', key), selected && button('← All', () => go({selected: ''})))};
    $('detail').replaceChildren(shown.article);
  }
  shown.draw?.();
};
