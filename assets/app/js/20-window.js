// How does the page fit the window that it is given? In the host's colours, numbers and times, as high as it needs.
const THEMED = /^--(color|font|border|shadow)-[a-z0-9-]+$/;
let context = {};
const dress = (styles) => {
  for (const [name, value] of Object.entries(styles?.variables ?? {})) {
    // What is named here must not be loaded from anywhere.
    if (THEMED.test(name) && typeof value === 'string' && value.length <= 200 && !/url|image/i.test(value)) document.documentElement.style.setProperty(name, value);
  }
};
const reckon = ({locale, timeZone}) => {
  for (const [language, zone] of [[locale, timeZone], [locale], ['en', timeZone], ['en']]) {
    try {return reckonIn(language ?? 'en', zone);} catch {continue;}
  }
};
const contextChanged = (changes) => {
  context = {...context, ...changes};
  const {theme, availableDisplayModes, displayMode} = context;
  attribute(document.documentElement, 'data-theme', ['light', 'dark'].includes(theme) ? theme : null);
  dress(changes.styles);
  if ('locale' in changes || 'timeZone' in changes) reckon(context);
  show($('larger'), [availableDisplayModes ?? []].flat().includes('fullscreen'));
  say($('larger'), displayMode === 'fullscreen' ? 'Smaller' : 'Larger');
  changed('list', 'detail');
};
hears['ui/notifications/host-context-changed'] = contextChanged;
$('larger').addEventListener('click', async () => {
  try {
    const {mode} = await request('ui/request-display-mode', {mode: context.displayMode === 'fullscreen' ? 'inline' : 'fullscreen'});
    contextChanged({displayMode: mode});
  } catch (error) {flash(error.message, 'err');}
});

let measured = '';
const measure = () => {
  const width = Math.ceil(innerWidth), height = Math.ceil(document.body.getBoundingClientRect().height), size = `${width} ${height}`;
  if (!host || size === measured) return;
  measured = size;
  tell('ui/notifications/size-changed', {width, height});
};
new ResizeObserver(measure).observe(document.body);
