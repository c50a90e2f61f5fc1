// Where is the reader, and what do the keys do? The address is the state: view, chip, query, selection.
const THEMES = ['System', 'Dark', 'Light'];
const address = () => {
  const query = new URLSearchParams();
  if (place.view !== 'work') query.set('view', place.view);
  if (place.show !== 'all') query.set('show', place.show);
  if (place.query) query.set('q', place.query);
  if (kiosk) query.set('kiosk', '1');
  return `${location.pathname}${query.size ? `?${query}` : ''}${selected ? `#${selected}` : ''}`;
};
const apply = ({ view = place.view, show: chosen = place.show, query = place.query, selected: id = selected }) => {
  const before = selected;
  Object.assign(place, { view: ['models', 'supervision'].includes(view) ? view : 'work', show: CHIPS[chosen] || HIDDEN_CHIPS[chosen] ? chosen : 'all', query });
  selected = /^(job|canary)_[\w-]+$/.test(id) ? id : '';
  if ($('filter').value !== place.query) $('filter').value = place.query;
  for (const name of ['work', 'models', 'supervision']) show($(name), name === place.view);
  for (const node of document.querySelectorAll('[data-view]')) attribute(node, 'aria-current', node.dataset.view === place.view && 'page');
  if (before !== selected) selectionChanged(before);
  if (place.view === 'models') refreshModels(0);
  if (place.view === 'supervision') refreshHealth();
  wanted('list', 'tiles', 'detail', 'models', 'supervision');
};
const go = (to, replace = false) => {
  apply(to.show || to.query != null ? { view: 'work', ...to } : to);
  if (address() !== `${location.pathname}${location.search}${location.hash}`) history[replace ? 'replaceState' : 'pushState'](null, '', address());
};
const fromAddress = () => {
  const query = new URLSearchParams(location.search);
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { id = ''; }
  apply({ view: query.get('view') ?? 'work', show: query.get('show') ?? 'all', query: query.get('q') ?? '', selected: id });
};
addEventListener('popstate', fromAddress);
$('filter').addEventListener('input', () => go({ query: $('filter').value }, true));
for (const node of document.querySelectorAll('[data-view]')) node.addEventListener('click', (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go({ view: node.dataset.view });
});
document.querySelector('.skip').addEventListener('click', (event) => { event.preventDefault(); $('main').focus(); });

const theme = (name) => {
  const root = document.documentElement;
  if (name === 'System') root.removeAttribute('data-theme'); else root.dataset.theme = name.toLowerCase();
  localStorage.setItem('theme', name);
  say($('theme'), `${name}`);
  attribute($('theme'), 'aria-label', `Theme: ${name}`);
};
const nextTheme = () => theme(THEMES[(THEMES.indexOf(localStorage.getItem('theme') ?? 'System') + 1) % 3]);
const pausePage = () => {
  paused = !paused;
  say($('pause'), paused ? 'Go on' : 'Pause');
  attribute($('pause'), 'aria-pressed', String(paused));
  announce(paused ? 'Updates are paused' : 'Updates go on');
  wanted('link');
};
$('theme').addEventListener('click', nextTheme);
$('pause').addEventListener('click', pausePage);
$('key').addEventListener('click', keyDialog);
$('help').addEventListener('click', helpDialog);
$('retry').addEventListener('click', connect);
$('new-eval').addEventListener('click', newEval);
$('new-canary').addEventListener('click', newCanary);
draws.set('controls', () => { show($('new-eval'), mayAct()); show($('new-canary'), mayAct()); wanted('detail', 'models'); });

const step = (by) => {
  if (!order.length) return;
  const at = order.indexOf(selected), next = order[at < 0 ? 0 : Math.max(0, Math.min(order.length - 1, at + by))];
  go({ view: 'work', selected: next }, true);
  rows.get(next)?.node.focus();
};
const SHORT = {
  '/': () => $('filter').focus(), j: () => step(1), k: () => step(-1), p: pausePage, t: nextTheme, '?': helpDialog,
  w: why, c: () => shownDetail?.item && copy(curlOf(...(shownDetail.item.kind === 'canary' ? ['canary_status', { canaryId: selected }] : ['status', { jobId: selected }])), 'The command'),
  a: () => { const found = shownDetail?.item && actionsOf(shownDetail.item).find(([name]) => ['abort', 'cancel'].includes(name)); if (found) act(found[0], shownDetail.item); },
};
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || event.isComposing) return;
  const field = event.target.closest?.('input:not([type=checkbox], [type=range]), textarea, select');
  if (event.key === 'Escape') {
    if (field === $('filter')) { if (place.query) go({ query: '' }, true); $('filter').blur(); }
    else if (selected && place.view === 'work') { const id = selected; go({ selected: '' }); rows.get(id)?.node.focus(); }
    return;
  }
  if (field || !shortcutsOn() || !Object.hasOwn(SHORT, event.key)) return;
  event.preventDefault();
  SHORT[event.key]();
});
document.addEventListener('click', (event) => { for (const box of document.querySelectorAll('details.menu[open]')) if (!box.contains(event.target)) box.open = false; });

// Times go on by themselves: of what is open each second, of the rest every half minute.
let ticks = 0;
setInterval(() => {
  if (document.hidden) return;
  ticks += 1;
  if (link.state === 'waiting') wanted('link');
  for (const [id, item] of items) if ((!item.over && rows.has(id)) || ticks % 30 === 0) touched.add(id);
  changed('list', 'tiles', 'detail');
}, 1000);

if (kiosk) document.documentElement.dataset.kiosk = '';
theme(THEMES.includes(localStorage.getItem('theme')) ? localStorage.getItem('theme') : 'System');
fromAddress();
connect();
