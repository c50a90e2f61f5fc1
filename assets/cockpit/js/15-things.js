// How does a thing stand, and what can be done about it?
const DAY = 86400;
const settle = (item) => {
  const isCanary = 'canaryId' in item;
  return Object.assign(item, {kind: isCanary ? 'canary' : 'job', id: item.canaryId ?? item.jobId, name: (isCanary ? item.modelId : item.taskId) ?? '…', began: item.createdAt ?? item.startedAt, over: isCanary ? item.phase === 'over' : !['QUEUED', 'RUNNING'].includes(item.status)});
};
const troubleOf = (item) => {
  const quiet = since(item.updatedAt);
  if (item.over) return ['FAILED', 'ROLLED_BACK'].includes(item.status) && item.reason !== 'aborted' && quiet < DAY ? item.error ?? because(item.reason) : '';
  if (item.kind === 'job') return link.state === 'live' && item.status === 'RUNNING' && quiet > (item.progress ? 300 : 3600) ? `nothing was heard of it for ${duration(quiet)}` : '';
  if (item.trouble) return item.trouble;
  if (item.phase.startsWith('awaiting')) return `waits for somebody to approve its ${approvedOf(item)}`;
  const [metric, doubt] = Object.entries(item.evidence ?? {}).find(([, {breach, breachAt}]) => breach > breachAt / 2) ?? [];
  return metric ? `${METRICS[metric]?.[3]}: ${odds(doubt.breach)} that the target is broken, ${odds(doubt.breachAt)} decides` : '';
};
const remaining = ({over, policy, remainingSeconds, elapsedSeconds = 0, phase, looked}) => over || !policy ? null : Math.max(0, (remainingSeconds ?? policy.windowSeconds - elapsedSeconds) - (phase === 'observing' && looked && link.state === 'live' ? (now() - looked) / 1000 : 0));
const approvedOf = ({phase}) => phase === 'awaiting_start' ? 'start' : 'promotion';

const rank = (item) => troubleOf(item) ? (item.over ? 1 : 0) : item.over ? 4 : item.status === 'QUEUED' ? 3 : 2;
const seenOf = (item) => item.dataQuality === 'missing' ? 'no data' : [item.latency_p95_ms != null && milliseconds(item.latency_p95_ms), item.error_rate != null && `${percent(item.error_rate)} failed`].filter(Boolean).join(' · ');
const kindOf = ({kind, dryRun}) => kind === 'job' ? 'eval' : dryRun ? 'canary, dry run' : 'canary';
const pathOf = ({configId, fromGate, toGate}) => configId ?? `${fromGate} → ${toGate}`;
const lineOf = (item) => {
  const {kind, over, reason, progress, phase} = item, trouble = troubleOf(item);
  if (trouble) return [sentence(trouble).slice(0, -1), phase?.startsWith('awaiting') ? 'warn' : 'err'];
  return [[pathOf(item), ...(over ? [because(reason)] : kind === 'job' ? [progress && percent(progress.fraction), progress?.text] : [seenOf(item)])].filter(Boolean).join(' · ')];
};
const whenOf = (item) => item.over ? ago(since(item.decidedAt ?? item.updatedAt)) : item.phase === 'observing' && item.policy ? `${duration(Math.ceil(remaining(item)))} left` : duration(Math.floor(since(item.runningAt ?? item.began)));

const rows = new Map();
const rowOf = (item) => {
  if (!rows.has(item.id)) {
    const node = button('', () => select(item.id), {class: 'row', 'data-id': item.id});
    rows.set(item.id, {node, li: el('li', node), draw: part(node)});
  }
  const {node, draw} = rows.get(item.id), state = stateOf(item), [line, tone] = lineOf(item), when = whenOf(item), {kind, name} = item;
  const fraction = kind === 'job' ? item.status === 'RUNNING' && item.progress?.fraction : remaining(item) != null && 1 - remaining(item) / item.policy.windowSeconds, value = Number.isFinite(fraction) && fraction.toFixed(2);
  attribute(node, 'aria-current', item.id === selected);
  draw([state, line, tone, when, name, value], () => [el('span.name', el('span.kind', kindOf(item)), name), chip(state), el('span.what', {'data-tone': tone}, line), el('span.when', when), value && el('progress', {max: 1, value, 'aria-hidden': 'true'})]);
};

const ofCanary = (phases, dryToo) => (item) => phases.includes(item.phase ?? '-') && (dryToo || !item.dryRun);
const LIVE = 'observing paused awaiting_approval';
const ACTIONS = {
  abort: {tool: 'abort_canary', label: 'Abort', danger: true, when: ofCanary(`awaiting_start entering promoting ${LIVE}`, true)},
  approve: {tool: 'approve_canary', label: 'Approve', when: ofCanary('awaiting_start awaiting_approval')},
  resume: {tool: 'resume_canary', label: 'Resume', when: ofCanary('paused')},
  pause: {tool: 'pause_canary', label: 'Pause', when: ofCanary('observing')},
  promote: {tool: 'promote_canary_now', label: 'Promote now', when: ofCanary(LIVE)},
  again: {tool: 'start_canary', label: 'Start again', when: ofCanary('over', true), initial: ({modelId, fromGate, toGate, dryRun, policy: {windowSeconds, targets, ...policy}}) => ({modelId, fromGate, toGate, windowSeconds, targets, dryRun, policy})},
  cancel: {tool: 'cancel_job', label: 'Cancel', danger: true, when: (item) => item.jobId && !item.over},
  rerun: {tool: 'run_eval', label: 'Run again', when: (item) => item.jobId && item.over, initial: ({taskId, configId}) => ({taskId, configId})},
};
