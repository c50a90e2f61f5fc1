// What happened? A ring of events, shown by nodes that are used again; nothing moves while
// somebody reads.
const RING = 1000, NODES = 150;
const ring = [], fresh = [];
let logPaused = false, eventTimes = [], eventCount = 0;
const eventRate = () => {
  const from = performance.now() - 5000;
  eventTimes = eventTimes.filter(([at]) => at > from);
  return eventTimes.reduce((sum, [, amount]) => sum + amount, 0) / 5;
};
const tellEvent = (event) => {
  if (event.type === 'metric') return event.dataQuality === 'missing' ? 'no data' : `p95 ${milliseconds(event.latency_p95_ms)}, ${percent(event.error_rate)} failed`;
  if (event.error) return event.error;
  if (event.trouble) return event.trouble;
  if (event.progress) return `${percent(event.progress.fraction)}${event.progress.note ? ` · ${event.progress.note}` : ''}`;
  if (event.topic?.startsWith('model/')) return `${event.gate}: ${event.before ?? 'nothing'} → ${event.after ?? 'nothing'}`;
  if (event.reason) return because(event.reason);
  if (event.phase && event.type === 'update') return (STATES[event.phase] ?? ['', event.phase])[1];
  return event.configId ?? (event.toGate ? `${event.fromGate} → ${event.toGate}` : '');
};
const logEvent = (id, event, raw) => {
  eventCount += 1;
  const at = Math.floor(performance.now() / 250) * 250, newest = eventTimes.at(-1);
  if (newest?.[0] === at) newest[1] += 1; else eventTimes.push([at, 1]);
  if (event.type === 'metric' && !$('samples').checked) return;
  const subject = event.canaryId && !event.topic.startsWith('model/') ? event.canaryId : event.jobId ?? '';
  ring.push({ id, raw: raw.length < 4096 ? raw : JSON.stringify({ topic: event.topic, type: event.type, ts: event.ts, shortened: true }), ts: event.ts, type: event.type, subject, canary: event.canaryId, name: event.modelId ?? event.taskId ?? items.get(subject)?.name ?? subject, said: tellEvent(event) });
  if (ring.length > RING) ring.shift();
  fresh.push(ring.at(-1));
  if (fresh.length > NODES) fresh.shift();
  changed('log');
};
const logNode = () => {
  const [time, type, name, said] = ['time', 'span.type', 'span', 'span.said'].map((tag) => el(tag));
  const node = el('button', { type: 'button', tabindex: -1 }, time, el('p', null, type, name, said));
  const li = el('li', null, node);
  node.addEventListener('click', () => { const id = li.entry.subject || li.entry.canary; if (items.has(id)) select(id, true); });
  return Object.assign(li, { fill(entry) {
    li.entry = entry;
    const [glyph, word, tone] = EVENTS[entry.type] ?? ['·', entry.type, 'muted'];
    say(time, clock(entry.ts).slice(-8));
    attribute(time, 'datetime', entry.ts);
    attribute(time, 'title', utc(entry.ts));
    say(type, `${glyph} ${word}`);
    attribute(type, 'data-tone', tone);
    say(name, entry.name);
    say(said, entry.said);
  } });
};
const reading = () => logPaused || $('events').scrollTop > 4;
draws.set('log', () => {
  const list = $('events');
  show($('log-new'), reading() && fresh.length > 0);
  say($('log-new'), `${fresh.length >= NODES ? `${NODES} or more` : fresh.length} new: show`);
  if (reading()) return;
  for (const entry of fresh) {
    const node = list.children.length >= NODES ? list.lastChild : logNode();
    node.fill(entry);
    list.prepend(node);
  }
  fresh.length = 0;
});
$('events').addEventListener('scroll', () => { if (!reading() && fresh.length) changed('log'); }, { passive: true });
$('log-new').addEventListener('click', () => {
  if (logPaused) $('log-pause').click();
  $('events').scrollTop = 0;
  wanted('log');
});
$('log-pause').addEventListener('click', () => {
  logPaused = !logPaused;
  attribute($('log-pause'), 'aria-pressed', String(logPaused));
  wanted('log');
});
$('log-save').addEventListener('click', () => {
  save(new Blob(ring.map((entry) => `${entry.raw}\n`), { type: 'application/x-ndjson' }), 'cockpit-events.jsonl');
});
