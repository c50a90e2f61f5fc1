// Where is the reader, and what do the keys do? The address is the state.
const VIEWS = ['work', 'models', 'supervision', 'chat'], THEMES = ['System', 'Dark', 'Light'], links = document.querySelectorAll('[data-view]');
const apply = (to) => {
  const before = selected, viewBefore = place.view;
  for (const name of ['view', 'show', 'query']) place[name] = to[name] ?? place[name];
  if (!VIEWS.includes(place.view)) place.view = 'work';
  if (!CHIPS[place.show]) place.show = 'all';
  if (to.selected != null) place.chosen = selected = /^(job|canary)_[\w-]+$/.test(to.selected) ? to.selected : '';
  if (to.talk != null) place.talk = /^[\w.:-]{1,128}$/.test(to.talk) ? to.talk : '';
  attribute($('work'), 'data-screen', place.chosen ? 'detail' : 'list');
  attribute($('chat'), 'data-talk', place.talk || null);
  if ($('filter').value !== place.query) $('filter').value = place.query;
  for (const name of VIEWS) show($(name), name === place.view);
  for (const node of links) attribute(node, 'aria-current', node.dataset.view === place.view && 'page');
  if (before !== selected) selectionChanged(before);
  if (place.view !== viewBefore || !moves) refreshModels(0);
  if (place.view !== viewBefore) refreshHealth();
  wanted('list', 'tiles', 'detail', 'models', 'supervision', 'chat');
};
const go = (to, replaces) => {
  apply(to.show || to.query != null ? {view: 'work', ...to} : to);
  const parts = {view: place.view === 'work' ? '' : place.view, show: place.show === 'all' ? '' : place.show, q: place.query, kiosk: kiosk ? '1' : ''}, query = new URLSearchParams(Object.entries(parts).filter(([, value]) => value)), hash = place.view === 'chat' ? place.talk : place.chosen;
  const address = `${location.pathname}${query.size ? `?${query}` : ''}${hash && `#${hash}`}`;
  if (address !== location.href.slice(location.origin.length)) history[replaces ? 'replaceState' : 'pushState'](null, '', address);
};
const fromAddress = () => {
  const query = new URLSearchParams(location.search), view = query.get('view') ?? 'work';
  apply({view, show: query.get('show') ?? 'all', query: query.get('q') ?? '', [view === 'chat' ? 'talk' : 'selected']: location.hash.slice(1)});
};
addEventListener('popstate', fromAddress);
$('filter').addEventListener('input', () => go({query: $('filter').value}, true));
for (const node of links) node.addEventListener('click', (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go({view: node.dataset.view});
});
document.querySelector('.skip').addEventListener('click', (event) => {event.preventDefault(); $('main').focus();});

const theme = (name) => {
  attribute(document.documentElement, 'data-theme', name !== 'System' && name.toLowerCase());
  localStorage.setItem('theme', name);
  say($('theme'), `Theme: ${name}`);
};
const themeNow = () => Math.max(0, THEMES.indexOf(localStorage.getItem('theme')));
const pausePage = () => {
  paused = !paused;
  attribute($('pause'), 'aria-pressed', paused);
  announce(paused ? 'Updates are paused.' : 'Updates go on.');
  wanted('link');
};
const step = (by) => {
  // A key may be faster than the frame that shows what the filter now leaves.
  if (asked.has('list')) draws.list();
  const next = order[Math.max(0, Math.min(order.length - 1, order.indexOf(selected) + by))];
  if (next) go({view: 'work', selected: next}, true);
  rows.get(next)?.node.focus();
};
const CLICKS = {theme: () => theme(THEMES[(themeNow() + 1) % 3]), pause: pausePage, key: keyDialog, help: helpDialog, retry: connect, 'new-eval': newEval, 'new-canary': newCanary};
for (const id in CLICKS) $(id).addEventListener('click', CLICKS[id]);
draws.controls = () => {
  for (const id of ['new-eval', 'new-canary']) show($(id), mayAct());
  if (server) chatOn(server.chat);
  wanted('detail', 'models');
};
const KEYS = {
  '/': () => $('filter').focus(), j: () => step(1), k: () => step(-1), p: pausePage, t: CLICKS.theme, '?': helpDialog, w: toWhy, c: () => shown?.item && copy(curlOf(...askFor(selected))),
  a: () => {const name = shown?.item && actionsOf(shown.item).find((one) => ['abort', 'cancel'].includes(one)); if (name) act(name, shown.item);},
};
addEventListener('keydown', (event) => {
  const {key, target} = event, typing = target.closest('input:not([type=checkbox]), textarea, select');
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || event.isComposing) return;
  if (key === 'Escape' && target === $('filter')) {go({query: ''}, true); $('filter').blur();}
  else if (key === 'Escape' && place.chosen && place.view === 'work') {const {node} = rows.get(selected) ?? {}; go({selected: ''}); node?.focus();}
  else if (!typing && shortcutsOn() && Object.hasOwn(KEYS, key)) {event.preventDefault(); KEYS[key]();}
});

let ticks = 0;
setInterval(() => {
  if (document.hidden) return;
  ticks += 1;
  for (const [id, {over}] of items) if (!over || ticks % 30 === 0) touched.add(id);
  changed('list', 'tiles', 'detail');
  if (link.state === 'waiting') wanted('link');
}, 1000);
attribute(document.documentElement, 'data-kiosk', kiosk);
theme(THEMES[themeNow()]);
fromAddress();
connect();
