// What does a canary show?
const METRICS = {latency_p95: ['p95 latency', 'latency_p95_ms', milliseconds, 'slow requests', 'latency_p95_ms'], error_rate: ['Error rate', 'error_rate', percent, 'failed requests', 'max_error_rate']};
const targetsOf = ({policy}) => Object.keys(METRICS).filter((metric) => policy?.targets[METRICS[metric][4]] != null);
const timeLeft = (item) => duration(Math.ceil(Math.max(most(item, 'secondsNeeded'), remaining(item))));
const seenAs = (item, member, format) => item.dataQuality === 'missing' ? 'no data' : format(item[member]);
const watchedIn = ({dryRun, policy, fromGate, toGate}) => dryRun || policy?.gateChange === 'at_promotion' ? fromGate : toGate;
const canaryVerdict = (item) => {
  const {phase, fromGate, toGate, over, reason, elapsedSeconds, dryRun, policy} = item, trouble = troubleOf(item), [, word, tone] = stateOf(item);
  if (over) return [sentence(`${word} after ${duration(elapsedSeconds)}${reason ? `: ${because(reason)}` : ''}`), answers.facts?.at(-1)?.message, reason === 'aborted' ? 'muted' : tone];
  const needed = most(item, 'requestsNeeded'), said = {__proto__: null, observing: `Watched in ${watchedIn(item)}: ${needed == null ? 'nothing is decided yet' : needed ? `${count(needed)} more requests, about ${timeLeft(item)}` : `proved so far, ${timeLeft(item)} to go`}.`, paused: 'Paused: its clock stands still and nothing is decided.', rolling_back: `${toGate} is being put back: ${because(reason)}.`};
  return [said[phase] ?? sentence(word), sentence(trouble) || targetsOf(item).map((metric) => `${METRICS[metric][0]}: ${betsOf(evidenceOf(item)[metric])}`).join(' '), trouble && tone !== 'warn' ? 'err' : tone];
};
const canarySteps = (item) => {
  const {phase, over, status, policy, began, fromGate, toGate, decidedAt, updatedAt, elapsedSeconds} = item, at = (action) => answers.facts?.find((fact) => fact.action === action)?.ts;
  const reached = over ? answers.facts && !at('canary_observe') ? 1 : 9 : {__proto__: null, awaiting_start: 0, entering: 1, awaiting_approval: 3, promoting: 4, rolling_back: 4}[phase] ?? 2, [glyph, word, tone] = over ? stateOf(item) : stateWords(phase === 'rolling_back' ? 'ROLLED_BACK' : 'PROMOTED');
  return [[`from ${fromGate}`, began], [`${watchedIn(item) === toGate ? 'enter' : 'stay in'} ${watchedIn(item)}`, at('canary_observe')], ['observe', policy && `${duration(Math.floor(over ? elapsedSeconds : policy.windowSeconds - remaining(item)))} of ${duration(policy.windowSeconds)}`], ['decide', decidedAt ?? at('canary_rollback')], [`${glyph} ${word}`, over && updatedAt]]
    .map(([name, when], index) => [name, when || '', reached > index || (over && index === 4) ? 'done' : reached === index ? 'now' : 'todo', index === 4 ? tone : undefined]);
};
const evidenceOf = (item) => item.evidence ?? {};
const most = (item, name) => {
  const all = targetsOf(item).map((metric) => evidenceOf(item)[metric]?.[name]);
  return all.length && all.every(Number.isFinite) ? Math.max(...all) : null;
};
const canaryFacts = (item) => {
  const {policy, over, phase, elapsedSeconds} = item, length = `of ${duration(policy?.windowSeconds)}`, needed = most(item, 'requestsNeeded');
  return [['Requests', count(most(item, 'requests')), policy?.minRequests && `at least ${count(policy.minRequests)}`],
    !over && ['Still needed', needed === 0 ? 'none' : count(needed), needed == null && most(item, 'requests') ? 'no proof in sight' : 'for a proof'],
    over ? ['Decided after', duration(elapsedSeconds), length] : ['Verdict in', phase === 'paused' ? 'stopped' : timeLeft(item), length],
    ...Object.values(METRICS).map(([name, member, format, , limit]) => {const target = policy?.targets[limit]; return [name, seenAs(item, member, format), target == null ? 'no target' : `at most ${format(target)}`, item[member] > target && 'err'];}),
    ...(answers.status?.evidence?.metrics ?? []).map(({metric, baseline: seen}) => seen?.requests > 0 && [`Baseline: ${METRICS[metric][3]}`, percent(seen.possibly_bad / seen.requests), `of ${count(seen.requests)}`])];
};
const betsOf = (found) => found ? `evidence that it is broken: ${odds(found.breach)} (rolled back at ${odds(found.breachAt)}); that it is met: ${odds(found.proof)} (proved at ${odds(found.proofAt)}).` : 'no requests counted.';
const checkOf = (item, metric) => {
  const [label, member, format, bad, limit] = METRICS[metric], found = evidenceOf(item)[metric], value = metric === 'error_rate' && found ? percent(found.estimate) : seenAs(item, member, format);
  return {check: label, observed: found ? `${value}: ${count(found.bad)} ${bad} of ${count(found.requests)}, surely ${percent(found.low)} to ${percent(found.high)}` : value, target: `≤ ${format(item.policy.targets[limit])}`, evidence: betsOf(found), verdict: found?.breach >= found?.breachAt ? ['✕', 'fail', 'err'] : found?.proof >= found?.proofAt ? ['✓', 'pass', 'ok'] : item.over ? ['–', 'not proved', 'warn'] : ['◌', 'open', 'accent']};
};

const canaryDetail = (item) => {
  const charts = el('div.charts'), frame = frameOf(item, canaryVerdict, canarySteps, canaryFacts, charts), views = [];
  let drawn = '';
  return {...frame, leave: () => views.forEach(({chart, bets}) => {chart.destroy(); bets.destroy();}), draw() {
    const {policy, over, elapsedSeconds} = item, {points} = answers, key = `${points?.length} ${points?.at(-1)?.elapsedSeconds} ${over}`, metrics = targetsOf(item);
    frame.draw(metrics.map((metric) => checkOf(item, metric)));
    if (!points || !metrics.length || key === drawn) return;
    drawn = key;
    if (!views.length) for (const metric of metrics) {
      const [title, , format] = METRICS[metric], chart = createChart({title, unit: metric === 'error_rate' ? '%' : 'ms', format}), bets = createChart({title: `${title}: evidence`, unit: 'log odds', format: (value) => value > 0 ? odds(value) : '1 to 1', names: ['broken', 'met']});
      charts.append(el('section', {role: 'group', 'aria-label': title}, chart.element, bets.element));
      views.push({metric, chart, bets});
    }
    const common = {window: [0, policy.windowSeconds], gapAfter: 3 * policy.pollSeconds, now: over ? undefined : elapsedSeconds};
    const series = (of) => points.map((point) => [point.elapsedSeconds, point.dataQuality === 'missing' ? null : of(point) ?? null]);
    for (const {metric, chart, bets} of views) {
      const [, member, format, , limit] = METRICS[metric], value = policy.targets[limit], found = evidenceOf(item)[metric], bet = (name, what) => ({points: series(({evidence}) => evidence?.[metric]?.[name]), limit: {value: found[`${name}At`], label: `${what} at ${odds(found[`${name}At`])}`}});
      chart.update({...common, points: series((point) => point[member]), limit: {value, label: `target at most ${format(value)}`}});
      show(bets.element, Boolean(found));
      if (found) bets.update({...common, ...bet('breach', 'rolled back'), second: bet('proof', 'proved')});
    }
  }};
};
