// How do numbers, times and states read?
let significant, whole, local;
const reckonIn = (language, timeZone) => {
  significant = new Intl.NumberFormat(language, {maximumSignificantDigits: 3});
  whole = new Intl.NumberFormat(language, {maximumFractionDigits: 0});
  local = new Intl.DateTimeFormat('sv', {dateStyle: 'short', timeStyle: 'medium', timeZone});
};
reckonIn('en');
const known = (words) => (value) => (Number.isFinite(value) ? words(value) : '–');
const count = known((value) => whole.format(value));
const number = known((value) => (Math.abs(value) < 1000 ? significant.format(value) : count(value)));
const percent = known((value) => `${number(value * 100)} %`);
const milliseconds = known((value) => `${number(value)} ms`);
const bytes = known((value) => `${number(value / 1e6)} MB`);
const duration = known((value) => {
  const seconds = Math.max(0, value), minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  return seconds < 120 ? `${seconds < 10 && seconds % 1 ? seconds.toFixed(1) : Math.round(seconds)} s` : minutes < 120 ? `${minutes} min ${Math.floor(seconds % 60)} s`.replace(' 0 s', '') : hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
});
const ago = (seconds) => (seconds < 10 ? 'now' : `${duration(seconds).split(' ').slice(0, 2).join(' ')} ago`);

// The server's clock: the reader's own may be wrong.
let clockOffset = 0;
const now = () => Date.now() + clockOffset;
const since = (iso) => Math.max(0, (now() - Date.parse(iso)) / 1000);
const clock = (iso) => {
  const text = known((time) => local.format(time))(Date.parse(iso));
  return text.startsWith(local.format(now()).slice(0, 10)) ? text.slice(11) : text;
};
const utc = (iso) => iso.replace('T', ' ').replace('Z', ' UTC');
const timeOf = (iso) => el('time', {datetime: iso, title: utc(iso)}, clock(iso));

const odds = known((value) => value <= 0 ? 'none' : value > 13.8 ? 'over a million to 1' : `${number(Math.exp(value))} to 1`);
const REASONS = {__proto__: null, conforms: 'its targets were met', error_rate_breach: 'too many requests failed', latency_breach: 'too many requests were slow', gap: 'nobody looked for too long', promoted_by_operator: 'somebody did not wait', inconclusive_coverage: 'too many looks saw nothing', inconclusive_stale: 'the last look is too old'};
const because = (reason) => REASONS[reason] ?? (reason ?? '').replace('inconclusive_', 'not sure: ').replaceAll('_', ' ');
const sentence = (text) => {
  const said = String(text ?? '').trim();
  return said && said[0].toUpperCase() + said.slice(1) + (/[.!?]$/.test(said) ? '' : '.');
};

const readable = (name) => {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase().replace(/\bid$/, 'ID');
  return words[0].toUpperCase() + words.slice(1).replace(/ (seconds|ms)$/, ' ($1)');
};

const STATES = {
  __proto__: null,
  QUEUED: '◌ queued muted', RUNNING: '● running accent', COMPLETED: '✓ completed ok', FAILED: '✕ failed err', CANCELLED: '■ cancelled muted', DRY_RUN: '◌ dry_run muted', PENDING: '◌ dry_run muted',
  PROMOTED: '↑ promoted ok', ROLLED_BACK: '↩ rolled_back err', awaiting_start: '◇ awaits_approval warn', entering: '● entering accent', observing: '● observing accent', paused: '‖ paused warn',
  awaiting_approval: '◇ awaits_approval warn', promoting: '↑ promoting accent', rolling_back: '↩ rolling_back err',
  closed: '✓ closed ok', open: '✕ open err', probing: '◇ probing warn', started: '● started accent', done: '✓ done ok',
};
const stateWords = (name) => (STATES[name] ?? STATES[name?.toUpperCase()] ?? `· ${name} muted`).split(' ').map((word) => word.replaceAll('_', ' '));
const stateOf = (item) => stateWords(item.kind === 'canary' && !item.over ? item.phase : item.status);
const chip = ([glyph, word, tone]) => el('span.chip', {'data-tone': tone}, el('span', {'aria-hidden': 'true'}, glyph), word);
