// What is known, and when is it asked for again? While somebody can see it, and never else.
const BUSY_MS = 3000, IDLE_MS = 15000, WORST_MS = 60000, LONG_MS = 10000, LONG_SERIES = 120, LATE = 5, FOLLOWED = 4;
const OPEN_JOBS = ['QUEUED', 'RUNNING'], OPEN_CANARIES = ['PENDING', 'RUNNING', 'PAUSED'];
const items = new Map(), link = {state: 'connecting', fault: ''};
let models = [], selected = '', answers = {}, timer = 0, rounds = 0, failures = 0, asking = false, again = false, over = false, inView = true, askedOnce = false;
// What only names a thing, as the answer of who began it does, says too little to be shown.
const keep = (found) => {
  const needed = found.canaryId ? [found.canaryId, found.phase, found.createdAt] : [found.jobId, found.startedAt];
  if ([...needed, found.status, found.updatedAt].some((value) => typeof value !== 'string')) return null;
  const item = items.get(found.canaryId ?? found.jobId) ?? {};
  items.set(settle(Object.assign(item, found)).id, item);
  item.looked = item.phase === 'observing' && now();
  return item;
};
const keepStanding = ({evidence, standing, series, decisions, observations, ...known}) => keep({...known, ...standing});
const isWide = () => innerWidth >= 860;
const listed = () => isWide() || !selected;
const openItems = () => [...items.values()].filter((item) => !item.over);

const askLists = async () => {
  const [{jobs}, {canaries}] = await Promise.all([call('list_jobs', {status: OPEN_JOBS, limit: 50}), call('list_canaries', {status: OPEN_CANARIES, limit: 50})]);
  const open = new Set([...jobs, ...canaries].map(keep).filter(Boolean).map(({id}) => id)), gone = openItems().some(({id}) => !open.has(id));
  if (rounds % 5 === 0 || gone) {
    const [late, later, gates] = await Promise.all([call('list_jobs', {limit: LATE}), call('list_canaries', {limit: LATE}), call('list_models', {limit: 100})]);
    const seen = [...late.jobs, ...later.canaries].map(keep).filter(Boolean).map(({id}) => id), stays = new Set([...open, ...seen, selected]);
    for (const id of items.keys()) if (!stays.has(id)) items.delete(id);
    models = [gates.models ?? []].flat();
  }
  const followed = openItems().filter(({kind, id}) => kind === 'canary' && id !== selected).slice(0, FOLLOWED);
  await Promise.all(followed.map(async ({id}) => {
    const {observations, ...known} = await call('canary_status', {canaryId: id, observations: 1}), {latency_p95_ms, error_rate, dataQuality} = observations.at(-1) ?? {};
    keepStanding({...known, standing: {latency_p95_ms, error_rate, dataQuality}});
  }));
};
const isJob = (id) => id.startsWith('job_'), isCanary = (id) => id.startsWith('canary_');
const askDetail = async () => {
  const id = selected, before = answers;
  const status = isJob(id) ? await call('status', {jobId: id}) : isCanary(id) ? await call('canary_status', {canaryId: id, series: true, observations: 0}) : null;
  const mark = `${status?.status} ${status?.phase} ${status?.reason}`;
  const facts = before.facts && before.mark === mark && rounds % 5 ? before.facts : (await call('why', {id})).facts;
  if (id !== selected) return;
  answers = {status, facts, mark, points: status?.series};
  if (status) keepStanding(status);
};

const isWatched = () => mayCall() && !over && !document.hidden && inView;
const waits = () => failures ? Math.min(WORST_MS, BUSY_MS * 2 ** failures) : !openItems().length ? IDLE_MS : selected && answers.points?.length > LONG_SERIES ? LONG_MS : BUSY_MS;
const plan = (wait = waits()) => {
  clearTimeout(timer);
  if (isWatched()) timer = setTimeout(round, wait);
};
const round = async () => {
  clearTimeout(timer);
  if (asking) return void (again = true);
  asking = true;
  again = false;
  const first = [selected && askDetail(), (listed() || rounds % 5 === 0) && askLists()];
  const faults = (await Promise.allSettled(first)).filter(({status}) => status === 'rejected').map(({reason}) => reason.message);
  asking = false;
  if (over) return;
  rounds += 1;
  askedOnce = true;
  failures = faults.length ? failures + 1 : 0;
  Object.assign(link, {state: faults.length ? 'failing' : 'live', fault: faults[0] ?? ''});
  if (selected && faults.length) answers = {...answers, fault: faults[0]};
  changed('link', 'list', 'detail');
  plan(again ? 0 : undefined);
};
const lookAgain = () => {failures = 0; plan(0);};
document.addEventListener('visibilitychange', () => isWatched() ? lookAgain() : clearTimeout(timer));
new IntersectionObserver(([{isIntersecting}]) => {
  if (inView === isIntersecting) return;
  inView = isIntersecting;
  if (inView) lookAgain(); else clearTimeout(timer);
}).observe(document.documentElement);
// Clocks go on between two answers.
setInterval(() => isWatched() && openItems().length && changed('list', 'detail'), 1000);
$('refresh').addEventListener('click', () => {lookAgain(); announce('Asked again.');});
