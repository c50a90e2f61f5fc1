// How do numbers, times and states read?
const significant = new Intl.NumberFormat('en', {maximumSignificantDigits: 3}), whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const known = (value, words) => (Number.isFinite(value) ? words(value) : '–');
const number = (value) => known(value, (some) => (Math.abs(some) < 1000 ? significant : whole).format(some));
const count = (value) => known(value, (amount) => whole.format(amount));
const percent = (share) => known(share, (value) => `${number(value * 100)} %`);
const milliseconds = (value) => known(value, (time) => `${number(time)} ms`);
const bytes = (value) => known(value, (size) => size < 1e6 ? `${number(size / 1e3)} kB` : size < 1e9 ? `${number(size / 1e6)} MB` : `${number(size / 1e9)} GB`);
const duration = (value) => known(value, (asked) => {
  const seconds = Math.max(0, asked), minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  if (seconds && seconds < 1) return `${Math.ceil(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds < 10 && seconds % 1 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  return minutes < 120 ? `${minutes} min ${Math.floor(seconds % 60)} s`.replace(' 0 s', '') : hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
});
const ago = (seconds) => (seconds < 10 ? 'now' : `${duration(seconds).split(' ').slice(0, 2).join(' ')} ago`);

// The server's clock: the reader's own may be wrong.
let clockOffset = 0;
const now = () => Date.now() + clockOffset;
const since = (iso) => Math.max(0, (now() - Date.parse(iso)) / 1000);
const local = new Intl.DateTimeFormat('sv', {dateStyle: 'short', timeStyle: 'medium'});
const clock = (iso) => {
  const text = known(Date.parse(iso), (at) => local.format(at));
  return text.startsWith(local.format(now()).slice(0, 10)) ? text.slice(11) : text;
};
const utc = (iso) => `${iso.replace('T', ' ').replace('Z', '')} UTC`;
const timeOf = (iso) => el('time', {datetime: iso, title: utc(iso)}, clock(iso));

const odds = (log) => known(log, (value) => value <= 0 ? 'none' : value > 13.8 ? 'over a million to 1' : `${number(Math.exp(value))} to 1`);
const REASONS = {__proto__: null, conforms: 'its targets were met', error_rate_breach: 'too many requests failed', latency_breach: 'too many requests were slow'};
const because = (reason) => REASONS[reason] ?? (reason ?? '').replaceAll('_', ' ');
const sentence = (text) => {
  const said = String(text ?? '').trim();
  return said && said[0].toUpperCase() + said.slice(1) + (/[.!?]$/.test(said) ? '' : '.');
};

const STATES = {
  __proto__: null,
  QUEUED: '◌ queued muted', RUNNING: '● running accent', COMPLETED: '✓ completed ok', FAILED: '✕ failed err', CANCELLED: '■ cancelled muted', DRY_RUN: '◌ dry_run muted', PENDING: '◌ dry_run muted',
  PROMOTED: '↑ promoted ok', ROLLED_BACK: '↩ rolled_back err', awaiting_start: '◇ awaits_approval warn', entering: '● entering accent', observing: '● observing accent', paused: '‖ paused warn',
  awaiting_approval: '◇ awaits_approval warn', promoting: '↑ promoting accent', rolling_back: '↩ rolling_back err',
  closed: '✓ closed ok', open: '✕ open err', probing: '◇ probing warn', started: '● started accent', metric: '· metric muted', update: '· update muted', done: '✓ done ok',
};
const stateWords = (name) => (STATES[name] ?? STATES[name?.toUpperCase()] ?? `· ${name} muted`).split(' ').map((word) => word.replaceAll('_', ' '));
const stateOf = (item) => stateWords(item.kind === 'canary' && !item.over ? item.phase : item.status);
const chip = ([glyph, word, tone]) => el('span.chip', {'data-tone': tone}, el('span', {'aria-hidden': 'true'}, glyph), word);
