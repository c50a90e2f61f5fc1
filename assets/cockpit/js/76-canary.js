// What does a canary show? Where it stands, what was measured, and how far the evidence is.
const METRICS = { latency_p95: ['p95 latency', 'latency_p95_ms', milliseconds, 'slow requests', 'latency_p95_ms'], error_rate: ['Error rate', 'error_rate', percent, 'failed requests', 'max_error_rate'] };
const canaryVerdict = (item) => {
  const { phase, fromGate, toGate, over, reason, elapsedSeconds, dryRun, policy } = item, trouble = troubleOf(item), [, word, tone] = stateOf(item);
  if (over) return [`${sentence(`${word} after ${duration(elapsedSeconds)}${reason ? `: ${because(reason)}` : ''}`)}`, answers.facts?.findLast(({ action }) => /_(promote|rollback|abort)$/.test(action))?.message, reason === 'aborted' ? 'muted' : tone];
  return [{
    observing: `Watched in ${dryRun || policy?.gateChange === 'at_promotion' ? fromGate : toGate}: nothing is decided yet.`, paused: 'Paused: its clock stands still and nothing is decided.', rolling_back: `${toGate} is being put back: ${because(reason)}.`,
  }[phase] ?? sentence(word), sentence(trouble), trouble && tone !== 'warn' ? 'err' : tone];
};
const canarySteps = (item) => {
  const { phase, over, status, policy, began, fromGate, toGate, decidedAt, updatedAt, elapsedSeconds } = item, at = (action) => answers.facts?.find((fact) => fact.action === action)?.ts ?? '';
  const reached = over ? 9 : { awaiting_start: 0, entering: 1, observing: 2, paused: 2, awaiting_approval: 3, promoting: 4, rolling_back: 4 }[phase], bad = ['ROLLED_BACK', 'FAILED'].includes(status) || phase === 'rolling_back';
  const step = (index) => reached > index ? 'done' : reached === index ? 'now' : 'todo', [glyph, word] = over ? stateOf(item) : stateWords(bad ? 'rolled_back' : 'promoted');
  return [[`from ${fromGate}`, began, 'done'], [`enter ${toGate}`, at('canary_observe'), step(1)],
    ['observe', policy && `${duration(Math.floor(over ? elapsedSeconds : policy.windowSeconds - remaining(item)))} of ${duration(policy.windowSeconds)}`, step(2)],
    ['decide', decidedAt ?? (phase === 'awaiting_approval' ? 'awaits approval' : at('canary_rollback')), step(3)], [`${glyph} ${word}`, over ? updatedAt : '', step(4), bad ? 'err' : 'ok']];
};
const evidenceOf = (item) => item.evidence ?? Object.fromEntries((answers.status?.evidence?.metrics ?? []).filter(({ counts }) => counts).map(({ metric, counts: { logE: breach, conformance, interval, ...counts } }) => [metric, { ...counts, ...interval, ...conformance, requests: counts.requests, breach, proof: conformance.logE }]));
const betsOf = (found) => found ? `Broken: ${odds(found.breach)}, needs ${odds(found.breachAt)}. Met: ${odds(found.proof)}, needs ${odds(found.proofAt)}.` : 'Weak: single values, no counts of requests.';
const checkOf = (item, metric, found) => {
  const [label, member, format, bad, limit] = METRICS[metric], state = found ? (found.breach >= found.breachAt ? 'breach' : found.proof >= found.proofAt && 'conforms') : answers.status?.evidence?.metrics?.find((one) => one.metric === metric)?.state;
  return [label, found ? `${metric === 'error_rate' ? percent(found.estimate) : format(item[member])}: ${count(found.bad)} ${bad} of ${count(found.requests)}, surely between ${percent(found.low)} and ${percent(found.high)}` : format(item[member]), `≤ ${format(item.policy.targets[limit])}`,
    betsOf(found),
    state === 'breach' ? ['✕', 'fail', 'err'] : state === 'conforms' ? ['✓', 'pass', 'ok'] : item.over ? ['–', 'not proved', 'warn'] : ['◌', 'open', 'accent']];
};

const canaryDetail = (item) => {
  const frame = frameOf(item, canaryVerdict, canarySteps), [list, drawCells] = cells(), charts = el('div.charts'), views = [];
  frame.article.append(list, charts, frame.story);
  const view = (metric) => {
    const [title, , format] = METRICS[metric];
    const made = { metric, chart: createChart({ title, unit: metric === 'error_rate' ? '%' : 'ms', format }), bets: createChart({ title: `${title}: evidence`, unit: 'log odds', format: (value) => odds(value).replace('less than ', ''), names: ['broken', 'met'] }), line: el('p.odds') };
    charts.append(el('section', { role: 'group', 'aria-label': title }, made.chart.element, made.bets.element, made.line));
    views.push(made);
  };
  let drawn = '';
  return { ...frame, leave: () => views.forEach(({ chart, bets }) => { chart.destroy(); bets.destroy(); }), draw() {
    const { policy, over, dataQuality, phase, elapsedSeconds } = item, evidence = evidenceOf(item), left = remaining(item), length = duration(policy?.windowSeconds), metrics = policy ? Object.keys(METRICS).filter((metric) => policy.targets[METRICS[metric][4]] != null) : [];
    const most = (name) => { const all = metrics.map((metric) => evidence[metric]?.[name]); return all.includes(undefined) || all.includes(null) ? null : Math.max(...all); };
    const needed = most('requestsNeeded'), seconds = most('secondsNeeded');
    frame.draw(metrics.map((metric) => checkOf(item, metric, evidence[metric])));
    drawCells([
      ['Requests so far', count(most('requests')), policy?.minRequests && `at least ${count(policy.minRequests)}`],
      !over && ['Still needed', needed === 0 ? 'none' : count(needed), needed == null ? 'not on the way to a proof' : 'for a proof'],
      !over && ['Time to verdict', phase === 'paused' ? 'stopped' : duration(Math.ceil(Math.max(seconds ?? 0, left))), 'a breach decides at once'],
      over ? ['Decided after', duration(elapsedSeconds), `of ${length}`] : ['Window left', duration(Math.ceil(left)), `of ${length}`],
      ...Object.values(METRICS).map(([name, member, format, , limit]) => { const target = policy?.targets[limit], missing = dataQuality === 'missing'; return [name, missing ? 'no data' : format(item[member]), target == null ? 'no target' : `at most ${format(target)}`, missing ? 'warn' : item[member] > target && 'err']; }),
    ]);
    const { points } = answers, key = `${points?.length} ${points?.at(-1)?.elapsedSeconds} ${over}`;
    if (!points || !metrics.length || key === drawn) return;
    drawn = key;
    if (!views.length) metrics.forEach(view);
    const common = { window: [0, policy.windowSeconds], warmup: policy.warmupSeconds ? [0, policy.warmupSeconds] : undefined, gapAfter: 3 * policy.pollSeconds, now: over ? undefined : elapsedSeconds };
    const series = (of) => points.map((point) => [point.elapsedSeconds, point.dataQuality === 'missing' ? null : of(point) ?? null]);
    for (const { metric, chart, bets, line } of views) {
      const [, member, format, , limit] = METRICS[metric], target = policy.targets[limit], found = evidence[metric], bet = (name) => series(({ evidence: then }) => then?.[metric]?.[name]);
      chart.update({ ...common, points: series((point) => point[member]), limit: { value: target, label: `target at most ${format(target)}` } });
      show(bets.element, Boolean(found));
      if (found) bets.update({ ...common, points: bet('breach'), limit: { value: found.breachAt, label: `rolled back at ${odds(found.breachAt)}` }, second: { points: bet('proof'), limit: { value: found.proofAt, label: `proved at ${odds(found.proofAt)}` } } });
      say(line, betsOf(found));
    }
  } };
};
