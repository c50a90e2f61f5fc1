// What happened? Nothing moves while somebody reads.
const RING = 1000, NODES = 150;
const ring = [], fresh = [], times = [];
let logPaused = false;
const eventRate = () => {
  while (times[0] < performance.now() - 5000) times.shift();
  return times.length / 5;
};
const tellEvent = (event) => {
  const {type, topic, error, trouble, progress, gate, before, after, reason} = event;
  return type === 'metric' ? seenOf(event) || 'no requests' : topic.startsWith('model/') ? `${gate}: ${before ?? 'nothing'} → ${after ?? 'nothing'}` : progress ? [percent(progress.fraction), progress.text].filter(Boolean).join(' · ') : error ?? trouble ?? (because(reason) || pathOf(event));
};
let seeded = '';
const told = (id, at) => ring.some((entry) => entry.ts === at && entry.id === id);
const seedLog = () => {
  const from = seeded;
  seeded = server.now;
  for (const {id, kind, status, phase, over, updatedAt: ts, progress, trouble, ...item} of [...items.values()].filter((item) => item.over && item.updatedAt > from && !told(item.id, item.updatedAt)).sort((one, other) => (one.updatedAt < other.updatedAt ? -1 : 1)).slice(-50)) {
    addEvent({...item, topic: `${kind}/${id}`, type: status.toLowerCase(), ts});
  }
};
const logEvent = (event) => {
  times.push(performance.now());
  if (times.length > 20000) times.splice(0, 10000);
  if ((event.type === 'metric' || event.progress) && !$('samples').checked) return;
  if (event.ts > seeded || !told(event.canaryId ?? event.jobId, event.ts)) addEvent(event);
};
const addEvent = (event) => {
  const {type, ts, topic, canaryId, jobId, modelId, taskId} = event, id = canaryId ?? jobId;
  const entry = {raw: JSON.stringify({...event, result: undefined}), ts, id, type: (type === 'update' && event.phase) || type, name: modelId ?? taskId ?? id, said: tellEvent(event)};
  for (const [list, most] of [[ring, RING], [fresh, NODES]]) if (list.push(entry) > most) list.shift();
  changed('log');
};
const logNode = () => {
  const [time, type, name, said] = ['time', 'span.type', 'span', 'span.said'].map((tag) => el(tag));
  const li = el('li', button([time, el('span.told', type, name, said)], () => items.has(li.entry.id) && select(li.entry.id), {tabindex: -1}));
  li.fill = (entry) => {
    const [glyph, word, tone] = stateWords(entry.type);
    li.entry = entry;
    say(time, clock(entry.ts));
    attribute(time, 'title', utc(entry.ts));
    say(type, `${glyph} ${word}`);
    attribute(type, 'data-tone', tone);
    say(name, entry.name);
    say(said, entry.said);
  };
  return li;
};
draws.log = () => {
  const list = $('events'), reads = logPaused || list.scrollTop > 4;
  if (reads) return;
  for (const entry of fresh.splice(0)) {
    const node = list.children.length < NODES ? logNode() : list.lastChild;
    node.fill(entry);
    list.prepend(node);
  }
};
$('events').addEventListener('scroll', () => fresh.length && changed('log'), {passive: true});
$('log-pause').addEventListener('click', () => {
  logPaused = !logPaused;
  attribute($('log-pause'), 'aria-pressed', logPaused);
  wanted('log');
});
$('log-save').addEventListener('click', () => save(new Blob(ring.map(({raw}) => `${raw}\n`)), 'events.jsonl'));
