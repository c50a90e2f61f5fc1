// How is one thing shown?
let shown = null, answers = {}, refreshTimer = 0, refreshed = 0;
const select = (id) => {
  go({view: 'work', selected: id});
  if (innerWidth <= 720) scrollTo(0, 0);
};
const selectionChanged = (before) => {
  for (const id of [before, selected]) touched.add(id);
  answers = {};
  $('detail').scrollTop = 0;
  refreshDetail(0);
};
const unselect = () => go({selected: ''});
const askFor = (id) => id.startsWith('canary_') ? ['canary_status', {canaryId: id}] : ['status', {jobId: id}];
const refreshDetail = (wait = 300) => {
  clearTimeout(refreshTimer);
  if (selected) refreshTimer = setTimeout(async () => {
    const id = selected, turn = ++refreshed, [tool, args] = askFor(id);
    const [status, why] = await Promise.allSettled([call(tool, args.canaryId ? {...args, series: true, observations: 0} : args), call('why', {id})]);
    if (turn !== refreshed || id !== selected) return;
    answers = {status: status.value ?? answers.status, facts: why.value?.facts ?? answers.facts, points: status.value?.series ?? answers.points, fault: (status.reason ?? why.reason)?.message};
    const item = items.get(id), {evidence, standing, series, decisions, observations, ...answered} = status.value ?? {}, known = {...answered, ...standing}, before = item?.status;
    // The answer may be older than what came by the stream meanwhile.
    if (status.value) keep(!item ? known : Object.assign(item, item.over || known.updatedAt < item.updatedAt ? {...known, ...item} : known));
    if (item) moved(item, before);
    (wait ? changed : wanted)('detail', 'list');
  }, wait);
};
const liveDetail = (event) => {
  if (event.type === 'metric') answers.points?.push(event);
  else if (!event.progress) refreshDetail();
  if (answers.points?.length > 1000) answers.points = answers.points.filter((_, index) => index % 2);
  changed('detail');
};
const besideActions = ({id}) => [button('Why', toWhy), button('Copy as curl', () => copy(curlOf(...askFor(id))))];
const belowStory = (id) => el('div.actions', 'Report', ['md', 'json', 'csv'].map((format) => small(format, () => report(id, format), `Report as ${format}`)), small('Print', () => print()));

draws.detail = () => {
  const item = items.get(selected), key = selected || items.size === 0 ? sentence(answers.fault) || (server && !selected ? 'What runs is shown here.' : 'Loading…') : 'Select a job or a canary.';
  if (!shown || shown.item !== item || (!item && shown.key !== key)) {
    shown?.leave?.();
    shown = item ? (item.jobId ? jobDetail : canaryDetail)(item) : {key, article: el('div.empty', selected && el('h2', selected), el('p', key), selected && button('← All', unselect))};
    $('detail').replaceChildren(shown.article);
  }
  shown.draw?.();
};
