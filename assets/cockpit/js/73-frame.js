// How is everything about one thing set out?
const headOf = (name) => readable(name).replace(/ \(.*| ms/, '');
const factsOf = (lines) => el('dl.facts', lines.filter(Boolean).map(([name, text, more, tone]) => el('div', el('dt', name), el('dd', {'data-tone': tone}, text, more && el('small', more)))));
const shownAs = (name, value) => value == null || value === '' ? '–' : name.endsWith('At') ? timeOf(value) : name === 'state' ? chip(stateWords(value)) : typeof value !== 'number' ? String(value)
  : /seconds$/i.test(name) ? duration(value) : /bytes$/i.test(name) ? bytes(value) : /ms\b/i.test(name) ? milliseconds(value) : count(value);
const tableOf = (things, columns = Object.keys(things[0] ?? {})) => things.length ? el('div.scroll', {tabindex: 0}, el('table', el('thead', el('tr', columns.map((column) => el('th', {scope: 'col'}, column.at(1).call ? column[0] : headOf(column))))),
  el('tbody', things.map((thing) => el('tr', columns.map((column) => el('td', column.at(1).call ? column[1](thing) : shownAs(column, thing[column])))))))) : el('p.muted', 'None.');
const frameOf = (item, verdictOf, stepsOf, factLines, middle) => {
  const nodes = ['div', 'div.actions', 'section.state', 'section.why'].map((tag) => el(tag)), [drawHead, drawActions, drawNow, drawWhy] = nodes.map(part), {id} = item;
  attribute(nodes[3], 'aria-labelledby', 'why');
  return {item, article: el('article', button('← All', unselect, {class: 'back'}), el('div.title', nodes[0], nodes[1]), nodes[2], middle, nodes[3]), draw(checks = []) {
    const able = actionsOf(item), verdict = verdictOf(item), steps = stepsOf(item), lines = factLines(item), {facts, fault, status} = answers, decision = status?.decisions?.at(-1);
    drawHead([item.name, stateOf(item), item.principal], () => [el('h2', el('span', item.name), chip(stateOf(item))), el('p.muted', el('code', id), ` · ${kindOf(item)} · ${pathOf(item)} · started `, timeOf(item.began), item.principal && ` by ${item.principal}`)]);
    drawActions(able, () => [...able.map((name) => button(`${ACTIONS[name].label}…`, () => act(name, item), {class: ACTIONS[name].danger && 'danger'})), ...besideActions(item)]);
    drawNow([verdict, steps, lines], () => [el('p.verdict', {'data-tone': verdict[2]}, verdict[0], verdict[1] && el('small', verdict[1])),
      el('ol.timeline', {'aria-label': 'Progress'}, steps.map(([name, at, state, tone = 'accent']) => el('li', {class: state, 'data-tone': state === 'todo' ? 'muted' : tone}, el('b', name), at?.endsWith('Z') ? timeOf(at) : at))), factsOf(lines)]);
    drawWhy([checks, decision, facts?.length, fault], () => [el('h3', {id: 'why', tabindex: -1}, 'Why'), fault && el('p.fault', fault),
      checks.length > 0 && tableOf(checks, ['check', 'observed', 'target', 'evidence', ['Verdict', ({verdict}) => chip(verdict)]]),
      decision?.counterfactual && el('p.other', decision.counterfactual.sentence), el('h4', 'Story'),
      facts ? el('ol.story', facts.map(({ts, message, actor, action}) => el('li', timeOf(ts), el('div', message, el('small', `${actor} · ${action}`))))) : el('p.muted', 'Loading…'),
      decision && el('p', el('code', `${decision.decisionId} · SHA-256 ${decision.hash}`)),
      belowStory(id)]);
  }};
};
const toWhy = () => {$('why')?.scrollIntoView(); $('why')?.focus();};
