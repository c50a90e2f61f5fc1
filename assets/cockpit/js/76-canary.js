// What does a canary show? Where it stands, what was measured, and how far the evidence is.
const METRICS = { latency_p95: ['p95 latency', 'latency_p95_ms', milliseconds, 'slow requests'], error_rate: ['Error rate', 'error_rate', percent, 'failed requests'] };
const targetOf = (item, metric) => metric === 'error_rate' ? item.policy?.targets?.max_error_rate : item.policy?.targets?.latency_p95_ms;
const canaryVerdict = (item) => {
  const last = answers.why?.facts?.at(-1);
  if (item.over) {
    const [, , tone] = STATES[item.status] ?? STATES.PENDING;
    const word = { PROMOTED: 'Promoted', ROLLED_BACK: 'Rolled back', FAILED: 'Failed' }[item.status] ?? 'Over';
    return [`${word} after ${duration(item.elapsedSeconds)}${item.reason ? `, because ${because(item.reason)}` : ''}.`, last && /_(promote|rollback)$/.test(last.action) ? last.message : '', item.reason === 'aborted' ? 'muted' : tone];
  }
  const trouble = troubleOf(item);
  const about = {
    awaiting_start: 'Waits for somebody to approve its start.', entering: `${item.modelId} is being put into ${item.toGate}.`,
    observing: `Watched ${item.policy?.gateChange === 'at_promotion' || item.dryRun ? `in ${item.fromGate}` : `in ${item.toGate}`}: nothing is decided yet.`,
    paused: 'Paused: its clock stands still and nothing is decided.', awaiting_approval: 'The evidence is in. Waits for somebody to approve its promotion.',
    promoting: `${item.modelId} is being confirmed in ${item.toGate}.`, rolling_back: `${item.toGate} is being put back, because ${because(item.reason)}.`,
  }[item.phase] ?? item.phase;
  return [about, trouble && !item.phase.startsWith('awaiting') ? sentence(trouble) : '', item.trouble || item.phase === 'rolling_back' || (trouble && item.phase === 'observing') ? 'err' : trouble || item.phase === 'paused' ? 'warn' : 'accent'];
};
const canarySteps = (item) => {
  const facts = answers.why?.facts ?? [], at = (action, phase) => facts.findLast((fact) => fact.action === action && (!phase || fact.details?.phase === phase))?.ts;
  const phases = ['awaiting_start', 'entering', 'observing', 'awaiting_approval', 'promoting', 'over'];
  const found = { paused: 2, rolling_back: 4 }[item.phase] ?? phases.indexOf(item.phase);
  const entered = at('canary_observe') ?? (item.policy?.gateChange === 'at_start' ? null : item.began);
  const bad = ['ROLLED_BACK', 'FAILED'].includes(item.status) || item.phase === 'rolling_back';
  const end = stateOf({ ...item, over: true, status: item.over ? item.status : item.phase === 'rolling_back' ? 'ROLLED_BACK' : 'PROMOTED' });
  const decided = item.over || found >= 3;
  const stage = (index) => found > index ? 'done' : found === index ? 'now' : 'todo';
  return [
    [`from ${item.fromGate}`, item.began, 'done'],
    [`enter ${item.toGate}`, entered ?? (item.phase === 'awaiting_start' ? 'awaits approval' : ''), item.over && !entered ? 'todo' : stage(1)],
    ['observe', item.policy ? `${duration(item.over ? item.elapsedSeconds : item.policy.windowSeconds - remaining(item))} of ${duration(item.policy.windowSeconds)}` : '', item.over ? (entered ? 'done' : 'todo') : stage(2)],
    ['decide', item.decidedAt ?? at('canary_rollback', 'decided') ?? (item.phase === 'awaiting_approval' ? 'awaits approval' : ''), item.over ? 'done' : decided ? (found === 3 ? 'now' : 'done') : 'todo'],
    [`${end.glyph} ${item.over || bad ? end.word : 'promoted'}`, item.over ? item.updatedAt : item.phase === 'rolling_back' ? 'putting back' : '', item.over ? 'done' : ['rolling_back', 'promoting'].includes(item.phase) ? 'now' : 'todo', bad ? 'err' : 'ok'],
  ];
};
const evidenceOf = (item) => Object.keys(item.evidence ?? {}).length ? item.evidence : Object.fromEntries((answers.status?.evidence?.metrics ?? []).filter(({ counts }) => counts).map(({ metric, target, counts: { logE, breachAt, requests, bad, estimate, interval, conformance } }) =>
  [metric, { breach: logE, breachAt, proof: conformance?.logE, proofAt: conformance?.proofAt, requests, bad, estimate, target, low: interval?.low, high: interval?.high, requestsNeeded: conformance?.requestsNeeded, secondsNeeded: conformance?.secondsNeeded }]));

const checksOf = (item, evidence) => ['error_rate', 'latency_p95'].filter((metric) => targetOf(item, metric) != null).map((metric) => {
  const [label, member, format, bad] = METRICS[metric], found = evidence[metric], target = targetOf(item, metric);
  const scalars = answers.status?.evidence?.metrics?.find((one) => one.metric === metric);
  const seen = metric === 'error_rate' && found ? percent(found.estimate) : known(item[member], format);
  const state = found ? (found.breach >= found.breachAt ? 'breach' : found.proof >= found.proofAt ? 'conforms' : 'open') : scalars?.state;
  return [label,
    found ? `${seen}: ${count(found.bad)} ${bad} of ${count(found.requests)}, surely between ${percent(found.low)} and ${percent(found.high)}` : seen,
    `≤ ${format(target)}`,
    found ? `${odds(found.breach)} that it is broken (needs ${odds(found.breachAt)}); ${odds(found.proof)} that it is met (needs ${odds(found.proofAt)})` : 'weak: single values, no counts',
    state === 'breach' ? ['✕', 'fail', 'err'] : state === 'conforms' ? ['✓', 'pass', 'ok'] : item.over ? ['–', 'not proved', 'warn'] : ['◌', 'open', 'accent']];
});

const canaryDetail = (item) => {
  const frame = frameOf(item), [factList, drawFacts] = facts(), panel = whyPanel();
  const charts = Object.entries(METRICS).filter(([metric]) => targetOf(item, metric) != null || !item.policy).map(([metric, [label, member, format]]) => ({
    metric, member, format,
    chart: createChart({ title: label, unit: metric === 'error_rate' ? '%' : 'ms', format }),
    odds: createChart({ title: `${label}: evidence`, unit: 'log odds', format: (value) => odds(value).replace('less than 1 to 1', '1 to 1'), names: ['broken', 'met'] }),
    line: el('p.odds'),
  }));
  frame.article.append(factList, el('div.charts', null, charts.map(({ chart, odds, line, metric }) => el('section', { 'aria-label': METRICS[metric][0] }, chart.element, odds.element, line))), panel.node);
  let drawn = '';
  return { article: frame.article, leave() { for (const { chart, odds } of charts) { chart.destroy(); odds.destroy(); } }, draw() {
    frame.draw();
    const evidence = evidenceOf(item), known = Object.values(evidence), left = remaining(item);
    const most = (name) => known.length && known.every((one) => one[name] != null) ? Math.max(...known.map((one) => one[name])) : null;
    const requests = known.length ? Math.max(...known.map((one) => one.requests ?? 0)) : null;
    const needed = most('requestsNeeded'), seconds = most('secondsNeeded');
    drawFacts([
      ['Requests so far', count(requests), item.policy?.minRequests ? `at least ${count(item.policy.minRequests)}` : ''],
      !item.over && ['Still needed', needed == null ? '–' : needed ? `${count(needed)}` : 'none', needed == null ? 'not on the way to a proof' : 'requests for a proof'],
      !item.over && ['Time to verdict', item.phase === 'paused' ? 'stopped' : known.length && seconds != null ? `${duration(Math.ceil(Math.max(seconds, left ?? 0)))}` : duration(left == null ? null : Math.ceil(left)), 'a breach decides at once'],
      item.over ? ['Decided after', duration(item.elapsedSeconds), `of ${duration(item.policy?.windowSeconds)}`] : ['Window left', duration(left == null ? null : Math.ceil(left)), `of ${duration(item.policy?.windowSeconds)}`],
      ['p95 latency', item.dataQuality === 'missing' ? 'no data' : milliseconds(item.latency_p95_ms), targetOf(item, 'latency_p95') != null ? `at most ${milliseconds(targetOf(item, 'latency_p95'))}` : 'no target', item.latency_p95_ms > targetOf(item, 'latency_p95') ? 'err' : null],
      ['Error rate', item.dataQuality === 'missing' ? 'no data' : percent(item.error_rate), targetOf(item, 'error_rate') != null ? `at most ${percent(targetOf(item, 'error_rate'))}` : 'no target', item.error_rate > targetOf(item, 'error_rate') ? 'err' : null],
    ]);
    const points = answers.points, key = `${points?.length} ${points?.at(-1)?.elapsedSeconds} ${item.over}`;
    if (points && item.policy && key !== drawn) {
      drawn = key;
      const { windowSeconds, warmupSeconds, pollSeconds } = item.policy;
      const common = { window: [0, windowSeconds], warmup: warmupSeconds ? [0, warmupSeconds] : undefined, gapAfter: 3 * pollSeconds, now: item.over ? undefined : points.at(-1)?.elapsedSeconds };
      for (const { metric, member, format, chart, odds: bets, line } of charts) {
        const target = targetOf(item, metric), found = evidence[metric];
        chart.update({ ...common, points: points.map((point) => [point.elapsedSeconds, point.dataQuality === 'missing' ? null : point[member] ?? null]), limit: target == null ? null : { value: target, label: `target at most ${format(target)}` } });
        const bet = (name) => points.map((point) => [point.elapsedSeconds, point.evidence?.[metric]?.[name] ?? null]);
        show(bets.element, Boolean(found));
        if (!found) { say(line, 'Measured by single values: there is no count of requests, so the evidence is weak.'); continue; }
        bets.update({ ...common, points: bet('breach'), limit: { value: found.breachAt, label: `rolled back at ${odds(found.breachAt)}` }, second: { points: bet('proof'), limit: { value: found.proofAt, label: `proved at ${odds(found.proofAt)}` } } });
        say(line, `Broken: ${odds(found.breach)}; needs ${odds(found.breachAt)}. Met: ${odds(found.proof)}; needs ${odds(found.proofAt)}.`);
      }
    }
    panel.draw(checksOf(item, evidence), answers.status?.decisions?.at(-1));
  } };
};
