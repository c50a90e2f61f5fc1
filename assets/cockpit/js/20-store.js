// What is known of jobs, canaries and models? A snapshot, and the events after it.
const items = new Map(), models = new Map(), touched = new Set();
let counts = { jobs: {}, canaries: {} }, server = null, you = null;
const KEPT = 1200, DAY = 86400;
const kiosk = new URLSearchParams(location.search).get('kiosk') === '1';
const mayAct = () => Boolean(you) && you.role !== 'read' && !kiosk;
const isOver = (item) => item.kind === 'canary' ? item.phase === 'over' : !['QUEUED', 'RUNNING'].includes(item.status);
const settle = (item) => {
  item.over = isOver(item);
  item.began = item.createdAt ?? item.startedAt;
  item.name = item.kind === 'canary' ? item.modelId : item.taskId;
  item.text = `${item.id} ${item.name} ${item.configId ?? ''} ${item.fromGate ?? ''} ${item.toGate ?? ''} ${item.principal ?? ''}`.toLowerCase();
  return item;
};
const jobItem = (job) => settle({ ...job, kind: 'job', id: job.jobId });
const canaryItem = (canary) => settle({ ...canary, kind: 'canary', id: canary.canaryId });

const takeSnapshot = (snapshot) => {
  ({ server, you, counts } = snapshot);
  const offset = Date.parse(server.now) - Date.now();
  clockOffset = Math.abs(offset) > 1500 ? offset : 0;
  items.clear();
  models.clear();
  for (const job of snapshot.jobs) items.set(job.jobId, jobItem(job));
  for (const canary of snapshot.canaries) items.set(canary.canaryId, canaryItem(canary));
  for (const model of snapshot.models) models.set(model.modelId, model);
  for (const id of items.keys()) touched.add(id);
  changed('tiles', 'list', 'detail', 'models', 'controls');
  refreshDetail();
};

const move = (kind, from, to) => {
  const group = counts[kind === 'job' ? 'jobs' : 'canaries'];
  if (from && group[from]) group[from] -= 1;
  group[to] = (group[to] ?? 0) + 1;
};

const MEMBERS = ['phase', 'status', 'reason', 'trouble', 'error', 'progress', 'decisionId', 'latency_p95_ms', 'error_rate', 'dataQuality', 'elapsedSeconds', 'remainingSeconds', 'evidence', 'policy', 'modelId', 'fromGate', 'toGate', 'taskId', 'configId', 'dryRun', 'source'];
// What an event changes; a status that is terminal stays, and what is older than the item is old.
const takeEvent = (event) => {
  if (event.modelId && !event.canaryId && !event.jobId || event.topic?.startsWith('model/')) return takeMove(event);
  const id = event.canaryId ?? event.jobId;
  let item = items.get(id);
  if (item && (item.over || event.ts < item.updatedAt)) return;
  const before = item?.status;
  if (!item) {
    item = event.canaryId ? { kind: 'canary', id, canaryId: id, createdAt: event.ts, phase: 'observing' } : { kind: 'job', id, jobId: id, startedAt: event.ts };
    item.status = 'RUNNING';
    items.set(id, item);
    if (items.size > KEPT) forget();
    changed('list');
  }
  for (const name of MEMBERS) if (name in event) item[name] = event[name];
  if (event.type === 'running') item.runningAt = event.ts;
  if (event.metrics && event.canaryId) Object.assign(item, event.metrics);
  if (event.type === 'metric') item.looked = now();
  item.updatedAt = event.ts;
  if (item.kind === 'canary' && ['PROMOTED', 'ROLLED_BACK', 'FAILED'].includes(item.status)) { item.phase = 'over'; item.decidedAt ??= event.ts; }
  settle(item);
  if (item.status !== before) {
    move(item.kind, before, item.status);
    if (['FAILED', 'ROLLED_BACK'].includes(item.status) && item.reason !== 'aborted') alertLine(`${stateOf(item).glyph} ${item.name} ${item.kind === 'job' ? 'failed' : `was ${item.status === 'FAILED' ? 'not decided: it failed' : 'rolled back'}`}: ${item.kind === 'job' ? item.error ?? because(item.reason) : because(item.reason)}.`, id);
  }
  touched.add(id);
  changed('list', 'tiles');
  if (id === selected) liveDetail(event);
};
const takeMove = (event) => {
  const model = { currentGates: [], ...models.get(event.modelId), modelId: event.modelId };
  if (event.gate && (event.type === 'promoted' || event.state === 'done' || event.type === 'rolled_back')) {
    for (const other of models.values()) if (other.currentGates.includes(event.gate) && other.modelId.split(':')[0] === event.modelId.split(':')[0]) other.currentGates = other.currentGates.filter((gate) => gate !== event.gate);
    if (event.after) {
      const holder = event.after === event.modelId ? model : { currentGates: [], ...models.get(event.after), modelId: event.after };
      holder.currentGates = [...new Set([...holder.currentGates, event.gate])];
      holder.promoted = true;
      holder.promotedAt = event.ts;
      models.set(holder.modelId, holder);
    }
  }
  if (!models.has(model.modelId)) models.set(model.modelId, model);
  changed('models');
  refreshModels();
};
const forget = () => {
  for (const [id, item] of items) {
    if (items.size <= KEPT - 200) break;
    if (item.over && id !== selected) items.delete(id);
  }
};

// Why something needs a person; an empty text when it does not.
const troubleOf = (item) => {
  if (item.kind === 'job') {
    if (item.status === 'FAILED' && since(item.updatedAt) < DAY) return item.error ?? because(item.reason) ?? 'it failed';
    if (item.status === 'RUNNING' && since(item.updatedAt) > (item.progress ? 300 : 3600)) return `nothing was heard of it for ${duration(since(item.updatedAt))}`;
    return '';
  }
  if (item.trouble) return item.trouble;
  if (item.over) return ['ROLLED_BACK', 'FAILED'].includes(item.status) && item.reason !== 'aborted' && since(item.decidedAt ?? item.updatedAt) < DAY ? because(item.reason) : '';
  if (item.phase === 'awaiting_start') return 'waits for somebody to approve its start';
  if (item.phase === 'awaiting_approval') return 'waits for somebody to approve its promotion';
  for (const [metric, evidence] of Object.entries(item.evidence ?? {})) {
    if (evidence.breach > evidence.breachAt / 2) return `${metric === 'error_rate' ? 'failed requests' : 'slow requests'}: ${odds(evidence.breach)} that the target is broken, ${odds(evidence.breachAt)} rolls it back`;
  }
  return '';
};
const remaining = (item) => {
  if (item.over || !item.policy) return null;
  const left = item.remainingSeconds ?? Math.max(0, item.policy.windowSeconds - (item.elapsedSeconds ?? 0));
  return item.phase === 'observing' && item.looked ? Math.max(0, left - (now() - item.looked) / 1000) : left;
};
const worst = (item) => Object.values(item.evidence ?? {});
const total = (group, ...statuses) => statuses.reduce((sum, status) => sum + (counts[group]?.[status] ?? 0), 0);
