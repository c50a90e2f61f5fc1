// What does a job show? Its progress, its metrics with their errors, and what it wrote.
const jobVerdict = (item) => {
  const ran = item.runningAt ? (Date.parse(item.updatedAt) - Date.parse(item.runningAt)) / 1000 : null;
  switch (item.status) {
    case 'QUEUED': return ['Waits for a place to run.', '', 'muted'];
    case 'RUNNING': return [item.progress ? `Running: ${percent(item.progress.fraction)} done.` : 'Running.', troubleOf(item) ? sentence(troubleOf(item)) : item.progress?.note ?? '', troubleOf(item) ? 'err' : 'accent'];
    case 'COMPLETED': return [`Completed after ${duration(ran)}.`, headline(answers.status?.result), 'ok'];
    case 'FAILED': return [`Failed${ran == null ? '' : ` after ${duration(ran)}`}: ${sentence(item.error ?? because(item.reason))}`, item.reason ? sentence(because(item.reason)) : '', 'err'];
    case 'CANCELLED': return ['Cancelled.', item.reason ? sentence(item.reason) : '', 'muted'];
    default: return [`${sentence(stateOf(item).word)}`, '', 'muted'];
  }
};
const exact = (value) => known(value, (some) => Number.isInteger(some) ? count(some) : some.toFixed(4));
const metricText = ({ value, stderr }) => `${exact(value)}${stderr == null ? '' : ` ± ${exact(stderr)}`}`;
const headline = (result) => {
  const [name, metric] = Object.entries(result?.statistics ?? {})[0] ?? [];
  return name ? `${name} ${metricText(metric)}` : '';
};
const jobSteps = (item) => {
  const state = stateOf(item), began = Boolean(item.runningAt);
  return [
    ['queued', item.began, item.status === 'QUEUED' ? 'now' : 'done'],
    ['running', item.runningAt ?? '', item.status === 'RUNNING' ? 'now' : began ? 'done' : 'todo'],
    [item.over ? `${state.glyph} ${state.word}` : 'completed', item.over ? item.updatedAt : '', item.over ? 'done' : 'todo', state.tone],
  ];
};
const jobDetail = (item) => {
  const frame = frameOf(item), [factList, drawFacts] = facts(), panel = whyPanel();
  const bar = el('progress', { max: 1, 'aria-label': 'Progress of the job' }), progress = el('div.running', null, bar);
  const result = el('section'), drawResult = part(result), output = el('section.logs'), logs = el('pre', { tabindex: 0, hidden: true, 'aria-label': 'Output' });
  const read = (stream) => async () => {
    show(logs, true);
    say(logs, 'Loading…');
    try {
      const { text } = await call('job_logs', { jobId: item.id, stream });
      say(logs, text || `Nothing was written to ${stream}.`);
      logs.scrollTop = logs.scrollHeight;
    } catch (error) { say(logs, error.message); }
  };
  output.append(el('div.tabs', null, el('h3', null, 'Output'), button('Show stdout', read('stdout'), { class: 'small' }), button('Show stderr', read('stderr'), { class: 'small' })), logs);
  frame.article.append(progress, factList, result, output, panel.node);
  return { article: frame.article, draw() {
    frame.draw();
    show(progress, item.status === 'RUNNING' && item.progress != null);
    if (item.progress) bar.value = item.progress.fraction;
    const end = item.over ? Date.parse(item.updatedAt) : now();
    drawFacts([
      ['Task', item.taskId], ['Configuration', item.configId],
      ['Waited', duration(((item.runningAt ? Date.parse(item.runningAt) : end) - Date.parse(item.began)) / 1000)],
      ['Ran', item.runningAt ? duration((end - Date.parse(item.runningAt)) / 1000) : '–'],
    ]);
    const found = answers.status?.result;
    show(result, Boolean(found));
    drawResult(found ?? null, () => found && [el('h3', null, 'Metrics'), el('div.scroll', null, el('table', null, el('thead', null, el('tr', null, ['Metric', 'Value', '± standard error', 'Samples'].map((name, index) => el('th', { scope: 'col', class: index ? 'number' : null }, name)))),
      el('tbody', null, Object.entries(found.statistics ?? found.metrics ?? {}).map(([name, metric]) => el('tr', null, el('td', null, name), el('td.number', null, exact(metric.value ?? metric)), el('td.number', null, exact(metric.stderr)), el('td.number', null, count(metric.n)))))))]);
    panel.draw([], null);
  } };
};
