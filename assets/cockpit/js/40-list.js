// Which jobs and canaries are shown, in which order? What needs a person comes first, and a row
// never moves under the pointer or the focus.
const SHOWN = 200;
const CHIPS = {
  all: ['All', () => true],
  running: ['Running', (item) => !item.over && item.status !== 'QUEUED'],
  attention: ['Attention', (item) => troubleOf(item) !== ''],
  canaries: ['Canaries', (item) => item.kind === 'canary'],
  jobs: ['Jobs', (item) => item.kind === 'job'],
  done: ['Done', (item) => item.over],
};
const HIDDEN_CHIPS = { queued: ['Queued', (item) => item.status === 'QUEUED'], 'canaries-running': ['Canaries running', (item) => item.kind === 'canary' && !item.over], 'jobs-running': ['Jobs running', (item) => item.kind === 'job' && item.status === 'RUNNING'] };
const chipOf = (name) => CHIPS[name] ?? HIDDEN_CHIPS[name] ?? CHIPS.all;
const place = { view: 'work', show: 'all', query: '' };
let selected = '', order = [], orderKey = '', pointed = false;
const rows = new Map();

const FIELDS = { status: (item) => `${item.status} ${stateOf(item).word} ${item.phase ?? ''}`, model: (item) => item.modelId ?? '', task: (item) => item.taskId ?? '', config: (item) => item.configId ?? '', gate: (item) => `${item.fromGate ?? ''} ${item.toGate ?? ''}`, kind: (item) => item.kind, id: (item) => item.id };
const matcher = (query) => {
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const [, field, value] = /^(\w+):(.+)$/.exec(word) ?? [];
    const of = FIELDS[field];
    return of ? (item) => of(item).toLowerCase().replaceAll('_', ' ').includes(value.replaceAll('_', ' ')) : (item) => item.text.includes(word);
  });
  return (item) => tests.every((test) => test(item));
};
const rank = (item) => troubleOf(item) ? (item.over ? 1 : 0) : item.over ? 4 : item.status === 'QUEUED' ? 3 : 2;

const detailLine = (item) => {
  const trouble = troubleOf(item);
  if (trouble) return [sentence(trouble).slice(0, -1), item.over ? 'err' : ['awaiting_start', 'awaiting_approval'].includes(item.phase) && !item.trouble ? 'warn' : 'err'];
  if (item.kind === 'job') {
    const progress = item.status === 'RUNNING' && item.progress ? ` · ${percent(item.progress.fraction)}` : '';
    return [`${item.configId ?? ''}${progress}${item.progress?.note && !item.over ? ` · ${item.progress.note}` : ''}${item.reason && item.over ? ` · ${because(item.reason)}` : ''}`, null];
  }
  const gates = `${item.fromGate} → ${item.toGate}`;
  if (item.over) return [`${gates} · ${item.reason === 'aborted' ? 'aborted' : because(item.reason)}`, null];
  const seen = item.dataQuality === 'missing' ? 'no data' : [item.latency_p95_ms != null && milliseconds(item.latency_p95_ms), item.error_rate != null && `${percent(item.error_rate)} failed`].filter(Boolean).join(' · ');
  return [[gates, seen].filter(Boolean).join(' · '), null];
};
const whenOf = (item) => {
  if (item.over) return ago(since(item.decidedAt ?? item.updatedAt));
  const left = item.kind === 'canary' ? remaining(item) : null;
  return left != null && item.phase === 'observing' ? `${duration(Math.ceil(left))} left` : duration(Math.floor(since(item.runningAt ?? item.began)));
};

const rowOf = (item) => {
  let row = rows.get(item.id);
  if (!row) {
    const [kind, name, what, when, state] = ['span.kind', 'span', 'span.what', 'span.when', 'span'].map((tag) => el(tag));
    const bar = el('progress', { max: 1, 'aria-hidden': 'true', hidden: true });
    const node = el('button.row', { type: 'button', 'data-id': item.id, 'data-name': item.id, 'on:click': () => select(item.id, true) }, el('span.name', null, kind, name), state, what, when, bar);
    row = { node, li: el('li', null, node), kind, name, what, when, state, bar, word: '' };
    if (link.state === 'live') node.classList.add('fresh');
    rows.set(item.id, row);
  }
  const state = stateOf(item), [line, tone] = detailLine(item);
  say(row.kind, item.kind === 'canary' ? (item.dryRun ? 'canary, dry run' : 'canary') : 'eval');
  say(row.name, item.name ?? '');
  say(row.what, line);
  attribute(row.what, 'data-tone', tone);
  say(row.when, whenOf(item));
  if (row.word !== state.word) { row.word = state.word; row.state.replaceChildren(chip(state)); }
  attribute(row.node, 'aria-current', item.id === selected && 'true');
  const fraction = item.over ? null : item.kind === 'job' ? (item.status === 'RUNNING' ? item.progress?.fraction : null) : item.policy ? Math.min(1, 1 - remaining(item) / item.policy.windowSeconds) : null;
  show(row.bar, fraction != null);
  if (fraction != null && Math.abs(row.bar.value - fraction) > 0.002) row.bar.value = fraction;
  return row;
};

const held = () => pointed || $('rows').contains(document.activeElement);
let waiting = 0;
draws.set('list', () => {
  const matches = matcher(place.query), fits = chipOf(place.show)[1];
  const all = [...items.values()].filter((item) => fits(item) && matches(item));
  const ranked = all.map((item) => [rank(item), item.over ? item.decidedAt ?? item.updatedAt : item.began, item]);
  ranked.sort((one, other) => one[0] - other[0] || (one[1] < other[1] ? 1 : one[1] > other[1] ? -1 : 0));
  const best = ranked.slice(0, SHOWN).map(([, , item]) => item.id);
  const key = `${place.show} ${place.query}`;
  waiting = 0;
  if (key === orderKey && held() && order.length) {
    const stay = order.filter((id) => items.has(id));
    waiting = best.reduce((sum, id, index) => sum + (stay[index] === id ? 0 : 1), 0);
    order = stay;
  } else order = best;
  orderKey = key;
  const list = $('rows');
  for (const id of order) if (!rows.has(id) || touched.has(id)) rowOf(items.get(id));
  touched.clear();
  order.forEach((id, index) => { const { li } = rows.get(id); if (list.children[index] !== li) list.insertBefore(li, list.children[index] ?? null); });
  while (list.children.length > order.length) list.lastChild.remove();
  if (rows.size > 600) for (const id of rows.keys()) if (!items.has(id)) rows.delete(id);
  say($('held'), `The order has changed: sort again`);
  show($('held'), waiting > 0);
  say($('shown'), all.length > order.length || all.length < items.size ? `${order.length} of ${items.size}` : `${items.size}`);
  emptyList(all.length);
  drawChips();
});
const emptyPart = part($('empty'));
const emptyList = (found) => {
  show($('empty'), found === 0);
  if (found) return;
  const kind = !server ? 'loading' : items.size ? 'none' : 'new';
  emptyPart([kind, place.show, you?.open], () => {
    if (kind === 'loading') return el('p', null, 'Loading…');
    if (kind === 'none') return [el('p', null, place.show === 'attention' && !place.query ? 'Nothing needs you. All is well.' : 'Nothing matches this filter.'), button('Show all', () => go({ show: 'all', query: '' }), { class: 'small' })];
    const line = curlOf('run_eval', { taskId: 'smollm2.quick', configId: 'default' });
    return [el('p', null, 'Nothing has run here yet. Start an eval:'), el('pre', { tabindex: 0, 'aria-label': 'Command' }, line), button('Copy', () => copy(line, 'The command'), { class: 'small' })];
  });
};
const chipButtons = new Map();
const drawChips = () => {
  for (const [name, [label, fits]] of Object.entries(CHIPS)) {
    if (!chipButtons.has(name)) {
      const amount = el('b');
      chipButtons.set(name, [button([label, amount], () => go({ show: name })), amount]);
      $('chips').append(chipButtons.get(name)[0]);
    }
    const [node, amount] = chipButtons.get(name);
    let sum = 0;
    for (const item of items.values()) if (fits(item)) sum += 1;
    say(amount, name === 'attention' && sum ? String(sum) : '');
    attribute(node, 'aria-pressed', String(place.show === name));
  }
};

const attentionCount = () => { let sum = 0; for (const item of items.values()) if (troubleOf(item)) sum += 1; return sum; };
const TILES = [
  ['Canaries running', 'canaries-running', () => total('canaries', 'RUNNING', 'PENDING'), 'accent'],
  ['Jobs running', 'jobs-running', () => total('jobs', 'RUNNING'), 'accent'],
  ['Queued', 'queued', () => total('jobs', 'QUEUED'), 'muted'],
  ['Needs attention', 'attention', attentionCount, 'err'],
  ['Done', 'done', () => total('jobs', 'COMPLETED', 'FAILED', 'CANCELLED') + total('canaries', 'PROMOTED', 'ROLLED_BACK', 'FAILED'), 'muted'],
  ['Events a second', '', () => eventRate(), 'muted'],
];
const tiles = TILES.map(([label, name]) => {
  const value = el('b', null, '–');
  const node = el('button', { type: 'button', 'on:click': () => name ? go({ show: place.show === name ? 'all' : name }) : $('events').focus() }, value, el('span', null, label));
  $('tiles').append(node);
  return { node, value };
});
draws.set('tiles', () => {
  TILES.forEach(([, name, value, tone], index) => {
    const amount = server ? value() : null;
    say(tiles[index].value, known(amount, (known) => name ? count(known) : number(known)));
    attribute(tiles[index].node, 'data-tone', amount > 0 && tone !== 'muted' ? tone : null);
    if (name) attribute(tiles[index].node, 'aria-pressed', String(place.show === name));
  });
  const attention = server ? attentionCount() : 0;
  const title = `${attention ? `(${attention}) ` : ''}Cockpit · lukhas-mcp`;
  if (document.title !== title) document.title = title;
});
$('rows').addEventListener('pointerenter', (event) => { pointed = event.pointerType === 'mouse'; });
$('rows').addEventListener('pointerleave', () => { pointed = false; changed('list'); });
$('rows').addEventListener('focusout', () => changed('list'));
$('held').addEventListener('click', () => { orderKey = ''; $('held').blur(); wanted('list'); });
