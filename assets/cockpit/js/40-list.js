// What is shown, in which order? No row moves under the pointer or the focus.
const SHOWN = 200;
const CHIPS = {
  all: ['All', () => true], running: ['Running', (item) => !item.over && item.status !== 'QUEUED'], attention: ['Attention', troubleOf],
  canaries: ['Canaries', (item) => item.kind === 'canary'], jobs: ['Jobs', (item) => item.kind === 'job'], done: ['Done', (item) => item.over],
};
const place = {view: 'work', show: 'all', query: '', chosen: '', talk: ''};
let selected = '', order = [], orderKey = '', pointed = false;

const textOf = (item) => `id:${item.id} kind:${item.kind} status:${item.status} is:${stateOf(item)[1]} model:${item.modelId} task:${item.taskId} config:${item.configId} from:${item.fromGate} to:${item.toGate} by:${item.principal}`.toLowerCase();
const matcher = (query) => {
  const words = query.toLowerCase().split(' ');
  return (item) => words.every((word) => textOf(item).includes(word));
};

draws.list = () => {
  const matches = matcher(place.query), fits = CHIPS[place.show][1], key = `${place.show} ${place.query}`, list = $('rows');
  const ranked = [...items.values()].filter((item) => fits(item) && matches(item)).map((item) => [rank(item), item.decidedAt ?? (item.over ? item.updatedAt : item.began), item.id]);
  const best = ranked.sort((one, other) => one[0] - other[0] || (one[1] < other[1] ? 1 : -1)).slice(0, SHOWN).map(([, , id]) => id);
  const holds = key === orderKey && order.length && (pointed || list.contains(document.activeElement));
  order = holds ? [...new Set([...order.filter((id) => items.has(id)), ...best])].slice(0, SHOWN) : best;
  orderKey = key;
  for (const id of order) if (!rows.has(id) || touched.has(id)) rowOf(items.get(id));
  touched.clear();
  order.forEach((id, index) => {const {li} = rows.get(id); if (list.children[index] !== li) list.insertBefore(li, list.children[index]);});
  while (list.children.length > order.length) list.lastChild.remove();
  if (rows.size > 600) for (const id of rows.keys()) if (!items.has(id)) rows.delete(id);
  say($('shown'), server ? `${order.length === items.size ? '' : `${order.length} of `}${items.size}` : '');
  show($('empty'), !order.length);
  if (!order.length) drawEmpty([!server, items.size, key, you?.open], emptyList);
  if (!selected && order.length && innerWidth > 720) {[selected] = order; selectionChanged('');}
  for (const [name, node] of chips) {
    const amount = name === 'attention' ? attentionCount() : 0;
    say(node, `${CHIPS[name][0]}${amount ? ` ${amount}` : ''}`);
    attribute(node, 'aria-pressed', place.show === name);
  }
};
const chips = Object.keys(CHIPS).map((name) => [name, button('', () => go({show: name}))]);
$('chips').append(...chips.map(([, node]) => node));
const drawEmpty = part($('empty'));
const emptyList = () => {
  const line = curlOf('run_eval', {taskId: 'smollm2.quick', configId: 'default'});
  return !server ? 'Loading…' : items.size ? [el('p', place.show === 'attention' ? 'Nothing needs you.' : 'Nothing matches.'), small('Show all', () => go({show: 'all', query: ''}))] : [el('p', 'Nothing has run here yet. Start an eval:'), el('pre', line), small('Copy', () => copy(line))];
};
const attentionCount = () => [...items.values()].filter(troubleOf).length;
const tiles = [
  ['Canaries running', 'running', 'kind:canary', () => [...items.values()].filter((item) => item.kind === 'canary' && !item.over).length, 'accent'], ['Jobs running', 'running', 'kind:job', () => total('jobs', 'RUNNING'), 'accent'],
  ['Queued', 'all', 'status:queued', () => total('jobs', 'QUEUED')], ['Needs attention', 'attention', '', attentionCount, 'err'],
  ['Done', 'done', '', () => total('jobs', 'COMPLETED', 'FAILED', 'CANCELLED') + total('canaries', 'PROMOTED', 'ROLLED_BACK', 'FAILED')], ['Events a second', '', '', () => eventRate()],
].map(([label, chosen, query, value, tone]) => {
  const figure = el('b', '–'), node = button([figure, el('span', label)], () => chosen ? go({show: chosen, query}) : $('events').focus());
  $('tiles').append(node);
  return () => {
    const amount = value();
    say(figure, number(amount));
    attribute(node, 'data-tone', amount > 0 && tone);
    if (chosen) attribute(node, 'aria-pressed', place.show === chosen && place.query === query);
  };
});
draws.tiles = () => {
  if (!server) return;
  for (const draw of tiles) draw();
  const attention = attentionCount();
  document.title = `${attention ? `(${attention}) ` : ''}Cockpit · ${server.name}`;
};
$('rows').addEventListener('pointerenter', (event) => {pointed = event.pointerType === 'mouse';});
for (const name of ['pointerleave', 'focusout']) $('rows').addEventListener(name, () => {pointed &&= name !== 'pointerleave'; changed('list');});
