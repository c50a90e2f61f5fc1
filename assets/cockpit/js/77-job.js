// What does a job show? Its progress, its metrics with their errors, and what it wrote.
const exact = (value) => known(value, (some) => Number.isInteger(some) ? count(some) : some.toFixed(4));
const ranFor = ({ runningAt, over, updatedAt }) => runningAt ? ((over ? Date.parse(updatedAt) : now()) - Date.parse(runningAt)) / 1000 : NaN;
const jobVerdict = (item) => {
  const { status, progress, error, reason } = item, [, word, tone] = stateOf(item), trouble = troubleOf(item), [name, metric] = Object.entries(answers.status?.result?.statistics ?? {})[0] ?? [];
  return {
    QUEUED: ['Waits for a place to run.', '', tone], RUNNING: [progress ? `Running: ${percent(progress.fraction)} done.` : 'Running.', sentence(trouble) || progress?.note, trouble ? 'err' : tone],
    COMPLETED: [`Completed after ${duration(ranFor(item))}.`, name && `${name} ${exact(metric.value)}${metric.stderr == null ? '' : ` ± ${exact(metric.stderr)}`}`, tone], FAILED: [`Failed: ${sentence(error ?? because(reason))}`, error && reason && sentence(because(reason)), tone],
  }[status] ?? [sentence(word), reason && sentence(reason), tone];
};
const jobSteps = (item) => {
  const { status, began, runningAt, over, updatedAt } = item, [glyph, word, tone] = stateOf(item);
  return [['queued', began, status === 'QUEUED' ? 'now' : 'done'], ['running', runningAt, status === 'RUNNING' ? 'now' : runningAt ? 'done' : 'todo'], over ? [`${glyph} ${word}`, updatedAt, 'done', tone] : ['completed', '', 'todo']];
};
const jobDetail = (item) => {
  const frame = frameOf(item, jobVerdict, jobSteps), [list, drawCells] = cells();
  const bar = el('progress.long', { max: 1, 'aria-label': 'Progress' }), result = el('section'), drawResult = part(result), output = el('pre', { tabindex: 0, role: 'region', 'aria-label': 'Output', hidden: '' });
  const read = (stream) => small(`Show ${stream}`, async () => {
    show(output, true);
    say(output, 'Loading…');
    say(output, await call('job_logs', { jobId: item.id, stream }).then(({ text }) => text || `Nothing was written to ${stream}.`, (error) => error.message));
    output.scrollTop = output.scrollHeight;
  });
  frame.article.append(bar, list, result, el('section.logs', el('h3', 'Output'), read('stdout'), read('stderr'), output), frame.story);
  return { ...frame, draw() {
    const { status, progress, taskId, configId, runningAt, began, over, updatedAt } = item, found = answers.status?.result;
    frame.draw();
    show(bar, status === 'RUNNING' && Boolean(progress));
    if (progress) bar.value = progress.fraction;
    drawCells([['Task', taskId], ['Configuration', configId], ['Waited', duration(((runningAt ? Date.parse(runningAt) : over ? Date.parse(updatedAt) : now()) - Date.parse(began)) / 1000)], ['Ran', duration(ranFor(item))]]);
    drawResult(found, () => found && [el('h3', 'Metrics'), tableOf(['Metric', 'Value', '± standard error', 'Samples'], Object.entries(found.statistics ?? found.metrics ?? {}).map(([name, metric]) => [name, exact(metric.value ?? metric), exact(metric.stderr), count(metric.n)]))]);
  } };
};
