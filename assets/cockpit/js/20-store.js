// What is known? A snapshot, and the events after it.
const items = new Map(), touched = new Set();
let counts = {jobs: {}, canaries: {}}, server = null, you = null, models = [];
const KEPT = 1200;
const kiosk = new URLSearchParams(location.search).get('kiosk') === '1';
const mayAct = () => Boolean(you) && you.role !== 'read' && !kiosk;
const keep = (item) => {items.set(settle(item).id, item); touched.add(item.id);};

const takeSnapshot = (snapshot) => {
  ({server, you, counts, models} = snapshot);
  const offset = Date.parse(server.now) - Date.now();
  clockOffset = Math.abs(offset) > 1500 ? offset : 0;
  items.clear();
  [...snapshot.jobs, ...snapshot.canaries].reverse().forEach(keep);
  seedLog();
  changed('tiles', 'list', 'detail', 'models', 'controls');
  refreshDetail();
  refreshModels();
};

const moved = (item, before) => {
  if (item.status !== before) {
    const group = counts[item.canaryId ? 'canaries' : 'jobs'];
    if (group[before]) group[before] -= 1;
    group[item.status] = (group[item.status] ?? 0) + 1;
    if (item.over && troubleOf(item)) {
      const text = `${item.name} ${stateOf(item)[1]}: ${sentence(troubleOf(item))}`;
      say($('alert'), text);
      notice('err', text, 'Show', () => select(item.id));
    }
  }
};
// A status that is terminal stays, and what is older than the item changes nothing.
const takeEvent = (event) => {
  const {canaryId, jobId, ts, type} = event, id = canaryId ?? jobId;
  if (event.topic.startsWith('model/')) return refreshModels();
  const item = items.get(id) ?? {...(canaryId ? {canaryId, createdAt: ts, phase: 'observing'} : {jobId, startedAt: ts}), status: !jobId || type === 'queued' ? null : /^(run|can)/.test(type) ? 'QUEUED' : 'RUNNING'};
  if (item.over || ts < item.updatedAt) return;
  const before = item.status, {topic, result, metrics, ...seen} = event;
  Object.assign(item, seen, metrics, {updatedAt: ts});
  if (type === 'running') item.runningAt = ts;
  item.looked = type === 'metric' && now();
  if (canaryId && ['PROMOTED', 'ROLLED_BACK', 'FAILED'].includes(item.status)) {item.phase = 'over'; item.decidedAt ??= ts;}
  keep(item);
  if (items.size > KEPT && items.size % 50 === 0) for (const [old, one] of items) if (items.size > KEPT - 200 && one.over && old !== selected && (!troubleOf(one) || items.size > 2 * KEPT)) items.delete(old);
  moved(item, before);
  changed('list', 'tiles');
  if (id === selected) liveDetail(event);
};

const total = (group, ...statuses) => statuses.reduce((sum, status) => sum + (counts[group][status] ?? 0), 0);
