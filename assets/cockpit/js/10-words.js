// How do numbers, times and states read?
const significant = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const number = (value) => (Math.abs(value) < 1000 ? significant : whole).format(value);
const known = (value, words) => (typeof value === 'number' && Number.isFinite(value) ? words(value) : '–');
const percent = (share) => known(share, (value) => `${number(value * 100)} %`);
const milliseconds = (value) => known(value, (time) => `${number(time)} ms`);
const count = (value) => known(value, (amount) => whole.format(amount));
const bytes = (value) => known(value, (size) => size < 1e3 ? `${size} B` : size < 1e6 ? `${number(size / 1e3)} kB` : size < 1e9 ? `${number(size / 1e6)} MB` : `${number(size / 1e9)} GB`);
const duration = (value) => known(value, (asked) => {
  const seconds = Math.max(0, asked);
  if (seconds && seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 10 && seconds % 1) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
});
const ago = (seconds) => seconds < 10 ? 'now' : seconds < 60 ? `${Math.floor(seconds)} s ago` : seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : seconds < 86400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86400)} d ago`;

// The server's clock: the reader's own may be wrong.
let clockOffset = 0;
const now = () => Date.now() + clockOffset;
const since = (iso) => Math.max(0, (now() - Date.parse(iso)) / 1000);
const two = (value) => String(value).padStart(2, '0');
const clock = (iso) => {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '–';
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return at.toDateString() === new Date(now()).toDateString() ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
};
const utc = (iso) => `${String(iso).replace('T', ' ').replace('Z', '')} UTC`;
const timeOf = (iso) => el('time', { datetime: iso, title: utc(iso) }, clock(iso));

// Evidence is kept as natural logarithms and read as a bet.
const odds = (log) => known(log, (value) => value <= 0 ? 'less than 1 to 1' : value > 13.8 ? 'over a million to 1' : `${whole.format(Math.exp(value) < 10 ? Math.round(Math.exp(value) * 10) / 10 : Math.exp(value))} to 1`);

const REASONS = {
  conforms: 'the evidence proves that its targets were met',
  error_rate_breach: 'too many requests failed',
  latency_breach: 'too many requests were slow',
  no_data: 'there was nothing to see three times in a row',
  inconclusive_no_data: 'the window is over and nothing was ever seen',
  inconclusive_too_few_requests: 'the window is over and too few requests came in',
  inconclusive_above_target: 'the window is over and what was seen is worse than the target, though not for sure',
  inconclusive_not_proven: 'the window is over and what was seen could be good by chance',
  inconclusive_coverage: 'the window is over and too many looks gave nothing',
  inconclusive_stale: 'the window is over and what was seen last is too old',
  inconclusive_shared_with_baseline: 'the window is over, and the gate it comes from is as bad',
  aborted: 'it was aborted',
  promoted_by_operator: 'somebody would not wait for the evidence',
  approved: 'somebody approved it',
  supervisor_gave_up: 'the part of the daemon that watches it failed again and again',
  not_entered: 'its model could not be put into the gate',
  not_confirmed: 'the registry could not be asked whether the model stands in the gate',
  gate_moved: 'somebody else moved the gate',
  gap: 'nobody observed it for too long',
  clock_jump: 'the clock was set, so that nobody knows how long it was observed',
  evals_unproved: 'the evals that are asked for do not show it',
};
const because = (reason) => REASONS[reason] ?? String(reason ?? '').replaceAll('_', ' ');
const sentence = (text) => { const said = String(text ?? ''); return said && said[0].toUpperCase() + said.slice(1) + (/[.!?]$/.test(said) ? '' : '.'); };

// A state is a glyph, a word and a tone: never colour alone.
const STATES = {
  QUEUED: ['◌', 'queued', 'muted'], RUNNING: ['●', 'running', 'accent'], COMPLETED: ['✓', 'completed', 'ok'],
  FAILED: ['✕', 'failed', 'err'], CANCELLED: ['■', 'cancelled', 'muted'], DRY_RUN: ['◌', 'dry run', 'muted'],
  PROMOTED: ['↑', 'promoted', 'ok'], ROLLED_BACK: ['↩', 'rolled back', 'err'], PENDING: ['◌', 'dry run', 'muted'],
  awaiting_start: ['◇', 'awaits approval', 'warn'], entering: ['●', 'entering', 'accent'], observing: ['●', 'observing', 'accent'],
  paused: ['‖', 'paused', 'warn'], awaiting_approval: ['◇', 'awaits approval', 'warn'], promoting: ['↑', 'promoting', 'accent'],
  rolling_back: ['↩', 'rolling back', 'err'],
};
const stateOf = (item) => {
  const [glyph, word, tone] = STATES[item.kind === 'canary' && !item.over ? item.phase : item.status] ?? ['●', String(item.status).toLowerCase(), 'muted'];
  return { glyph, word, tone };
};
const chip = ({ glyph, word, tone }) => el('span.chip', { 'data-tone': tone }, el('span', { 'aria-hidden': 'true' }, glyph), word);
const EVENTS = {
  queued: STATES.QUEUED, running: STATES.RUNNING, completed: STATES.COMPLETED, failed: STATES.FAILED, cancelled: STATES.CANCELLED,
  started: ['●', 'started', 'accent'], metric: ['·', 'metric', 'muted'], promoted: STATES.PROMOTED, rolled_back: STATES.ROLLED_BACK, update: ['·', 'update', 'muted'],
};
