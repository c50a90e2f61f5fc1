// How is the page built and changed? By text only, and only where it differs.
const $ = (id) => document.getElementById(id);
const el = (tag, ...children) => {
  const [name, ...classes] = tag.split('.'), node = document.createElement(name);
  if (classes.length) node.className = classes.join(' ');
  const properties = children[0]?.constructor === Object ? children.shift() : {};
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith('on:')) node.addEventListener(key.slice(3), value);
    else attribute(node, key, value);
  }
  node.append(...children.flat(2).filter((child) => child != null && child !== false));
  return node;
};
const attribute = (node, name, value) => {
  if (value == null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
};
const say = (node, text) => {if (node.textContent !== text) node.textContent = text;};
const show = (node, shown) => {if (node.hidden === shown) node.hidden = !shown;};
const button = (text, click, properties) => el('button', {type: 'button', 'on:click': click, ...properties}, text);
const small = (text, click, name) => button(text, click, {class: 'small', 'aria-label': name});

const part = (node) => {
  let last;
  return (made, build) => {
    const key = JSON.stringify(made), active = document.activeElement, focused = active !== node && node.contains(active) && active.textContent;
    if (key === last) return;
    last = key;
    node.replaceChildren(...[build()].flat().filter(Boolean));
    if (focused) ([...node.querySelectorAll('button, summary')].find((one) => one.textContent === focused) ?? node.closest('[tabindex]'))?.focus();
  };
};

// While the page is paused, only what the reader asked for is drawn.
const draws = {}, dirty = new Set(), asked = new Set();
let scheduled = false, lastFrame = 0, paused = false;
const frame = () => {
  scheduled = false;
  lastFrame = performance.now();
  const names = Object.keys(draws).filter((name) => dirty.has(name) && (!paused || asked.has(name)));
  for (const name of names) {dirty.delete(name); asked.delete(name);}
  for (const name of names) try {draws[name]();} catch (error) {reportError(error);}
};
const changed = (...names) => {
  for (const name of names) dirty.add(name);
  if (scheduled || document.hidden) return;
  scheduled = true;
  setTimeout(requestAnimationFrame, Math.max(0, 100 - performance.now() + lastFrame), frame);
};
const wanted = (...names) => {for (const name of names) asked.add(name); changed(...names);};

const announce = (text) => say($('announce'), text);
let ids = 0;
const notice = (tone, text, label = 'Dismiss', action = () => {}) => {
  show($('notice'), Boolean(text));
  attribute($('notice'), 'data-tone', tone);
  $('notice').replaceChildren(...(text ? [el('span', text), small(label, () => {notice(); action();})] : []));
};
const flash = (text, tone = 'ok') => {
  notice(tone, text);
  announce(text);
  const shown = $('notice').firstChild;
  setTimeout(() => shown.isConnected && notice(), tone === 'err' ? 20000 : 6000);
};
const copy = async (text) => {
  let copied = true;
  try {await navigator.clipboard.writeText(text);} catch {
    // Outside of secure contexts there is no clipboard interface.
    const area = el('textarea.unseen', text), focused = document.activeElement;
    (dialog.open ? dialog : document.body).append(area);
    area.select();
    copied = document.execCommand('copy');
    area.remove();
    focused?.focus();
  }
  flash(copied ? 'Copied.' : 'The browser does not let it be copied.', copied ? 'ok' : 'err');
};
const save = (blob, name) => {
  const link = el('a', {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
