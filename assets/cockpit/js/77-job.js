// What does a job show?
const between = (from, to) => duration((Date.parse(to ?? new Date(now()).toISOString()) - Date.parse(from)) / 1000);
const endOf = ({over, updatedAt}) => over ? updatedAt : undefined;
const jobVerdict = (item) => {
  const {status, progress, error, reason, runningAt} = item, [, word, tone] = stateOf(item), trouble = troubleOf(item), [name, metric] = Object.entries(answers.status?.result?.statistics ?? {})[0] ?? [];
  if (status === 'COMPLETED') return [`Completed after ${between(runningAt, endOf(item))}.`, name && `${name} ${number(metric.value)}${metric.stderr == null ? '' : ` ± ${number(metric.stderr)}`}`, tone];
  return [sentence(`${word}${error ? `: ${error}` : !item.over && progress ? `: ${percent(progress.fraction)} done` : ''}`), sentence((!item.over && trouble) || (item.over ? because(reason) : progress?.text)), trouble ? 'err' : tone];
};
const jobSteps = (item) => {
  const {status, began, runningAt, over, updatedAt} = item, [glyph, word, tone] = stateOf(item);
  return [['queued', began, runningAt || over ? 'done' : 'now'], ['running', runningAt, status === 'RUNNING' ? 'now' : runningAt ? 'done' : 'todo'], over ? [`${glyph} ${word}`, updatedAt, 'done', tone] : ['completed', '', 'todo']];
};
const jobFacts = (item) => [['Waited', between(item.began, item.runningAt ?? endOf(item))], ['Ran', item.runningAt ? between(item.runningAt, endOf(item)) : '–']];
const jobDetail = (item) => {
  const bar = el('progress.long', {max: 1, 'aria-label': 'Progress'}), result = el('section'), drawResult = part(result), output = el('pre', {tabindex: 0, role: 'region', 'aria-label': 'Output', hidden: ''});
  const read = (stream) => small(`Show ${stream}`, async () => {
    show(output, true);
    say(output, await call('job_logs', {jobId: item.id, stream}).then(({text}) => text || `Nothing was written to ${stream}.`, (error) => error.message));
    output.scrollTop = output.scrollHeight;
  });
  const frame = frameOf(item, jobVerdict, jobSteps, jobFacts, [bar, result, el('section.logs', el('h3', 'Output'), read('stdout'), read('stderr'), output)]);
  return {...frame, draw() {
    const found = answers.status?.result?.statistics;
    frame.draw();
    show(bar, item.status === 'RUNNING' && Boolean(item.progress));
    bar.value = item.progress?.fraction ?? 0;
    drawResult(found, () => found && [el('h3', 'Metrics'), tableOf(Object.entries(found).map(([metric, {value, stderr, n}]) => ({metric, value: number(value), '± standard error': number(stderr), samples: n})))]);
  }};
};
