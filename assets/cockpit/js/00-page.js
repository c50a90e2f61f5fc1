// How is the page built and changed? Elements are made with text only, and touched only when
// what they show differs.
const $ = (id) => document.getElementById(id);
const el = (tag, properties, ...children) => {
  const [name, ...classes] = tag.split('.');
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(' ');
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (key.startsWith('on:')) node.addEventListener(key.slice(3), value);
    else attribute(node, key, value);
  }
  node.append(...children.flat(2).filter((child) => child != null && child !== false && child !== ''));
  return node;
};
const attribute = (node, name, value) => {
  if (value == null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value === true ? '' : value)) node.setAttribute(name, value === true ? '' : value);
};
const say = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const show = (node, shown) => { if (node.hidden === shown) node.hidden = !shown; };
const button = (text, click, properties) => el('button', { type: 'button', 'on:click': click, ...properties }, text);

// A part that is built again only when what it is made of has changed; the focus stays.
const part = (node) => {
  let last;
  return (made, build) => {
    const key = JSON.stringify(made);
    if (key === last) return;
    last = key;
    const focused = node.contains(document.activeElement) && document.activeElement;
    const name = focused && (focused.dataset.name ?? focused.textContent);
    node.replaceChildren(...[build()].flat().filter(Boolean));
    if (name && document.activeElement !== focused) {
      const again = [...node.querySelectorAll('button, a, summary, select')].find((one) => (one.dataset.name ?? one.textContent) === name);
      (again ?? node.closest('[tabindex]'))?.focus();
    }
  };
};

// Rendering: what is dirty is drawn in one frame, ten times a second at most, and not while
// nobody sees it. While the page is paused, only what the reader did himself is drawn.
const draws = new Map();
const dirty = new Set(), asked = new Set();
let scheduled = false, lastFrame = 0, paused = false;
const frame = () => {
  scheduled = false;
  lastFrame = performance.now();
  const parts = [...draws.keys()].filter((name) => dirty.has(name) && (!paused || asked.has(name)));
  for (const name of parts) { dirty.delete(name); asked.delete(name); }
  for (const name of parts) draws.get(name)();
};
const schedule = () => {
  if (scheduled || document.hidden) return;
  scheduled = true;
  const wait = 100 - (performance.now() - lastFrame);
  if (wait > 0) setTimeout(() => requestAnimationFrame(frame), wait);
  else requestAnimationFrame(frame);
};
const changed = (...names) => { for (const name of names) dirty.add(name); schedule(); };
const wanted = (...names) => { for (const name of names) asked.add(name); changed(...names); };

const announce = (text) => { $('announce').textContent = text; };
let announced = '';
const alertLine = (text, id) => {
  if (text === announced) return;
  announced = text;
  const over = () => { announced = ''; $('alert').replaceChildren(); };
  $('alert').replaceChildren(el('p', null, text), button('Show', () => { select(id); over(); }, { class: 'small' }), button('Dismiss', over, { class: 'small' }));
};

const copy = async (text, what) => {
  let copied = false;
  try { await navigator.clipboard.writeText(text); copied = true; } catch {
    // Outside of secure contexts there is no clipboard interface.
    const area = el('textarea', { class: 'unseen', readonly: true, 'aria-hidden': 'true' }, text);
    const focused = document.activeElement;
    ($('dialog').open ? $('dialog') : document.body).append(area);
    area.select();
    copied = document.execCommand('copy');
    area.remove();
    focused?.focus();
  }
  flash(copied ? `${what} copied.` : `${what} could not be copied: the browser does not allow it.`);
};
const save = (blob, name) => {
  const link = el('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
