// How is the daemon itself? Its actors, queues, store, adapters and stream, asked again while shown.
let health = null, healthFault = '', healthTimer = 0;
const refreshHealth = async () => {
  clearTimeout(healthTimer);
  if (place.view !== 'supervision') return;
  if (!document.hidden && !paused) {
    try { health = await call('get_infrastructure_status'); healthFault = ''; } catch (error) { healthFault = error.message; }
    wanted('supervision');
  }
  clearTimeout(healthTimer);
  healthTimer = setTimeout(refreshHealth, 3000);
};
const fill = ({ depth, limit }) => !limit ? 'ok' : depth > 0.8 * limit ? 'err' : depth > 0.5 * limit ? 'warn' : 'ok';
const some = (value, tone) => value ? el('b.tone', { 'data-tone': tone }, count(value)) : '0';
const drawHealth = part($('supervision'));
draws.supervision = () => place.view === 'supervision' && drawHealth([health, healthFault], () => {
  const { actors = [], queues = [], adapters = [], database = {}, stream = {}, version, uptimeSeconds, startedAt, registry } = health ?? {}, { commitMs } = database, [list, drawCells] = cells();
  const faults = [healthFault, ...actors.filter(({ givenUp }) => givenUp).map(({ actor }) => `${actor} was given up`), ...actors.filter(({ restarts, givenUp }) => restarts && !givenUp).map(({ actor, restarts }) => `${actor} was restarted, ${count(restarts)} in all`), ...adapters.filter(({ state }) => ['open', 'probing'].includes(state)).map(({ adapter }) => `${adapter} does not answer`), ...queues.filter((queue) => fill(queue) === 'err').map(({ queue }) => `${queue}: nearly full`)].filter(Boolean);
  drawCells([['Version', version ?? '–'], ['Running for', duration(uptimeSeconds), startedAt && `since ${clock(startedAt)}`], ['Registry', registry ?? '–'], ['Database', bytes(database.bytes)], ['Commits', count(database.commits), `${count(database.failedOperations)} operations failed`],
    commitMs && ['A commit takes', milliseconds(commitMs.p50), `99 % within ${milliseconds(commitMs.p99)}, longest ${milliseconds(commitMs.max)}`], ['Readers of events', count(stream.readers), `${count(stream.lagged)} fell behind, ${count(stream.refused)} refused`], ['Events', count(stream.published), `${count(stream.delivered)} delivered`]]);
  return [el('h1.unseen', 'Supervision'), el('p.verdict.wide', { 'data-tone': faults.length ? 'warn' : health ? 'ok' : 'muted' }, faults.length ? faults.map(sentence).join(' ') : health ? 'Every part of the daemon is well.' : 'Loading…'), card('Daemon', '.wide', list),
    card('Actors', '', tableOf(['Actor', 'Alive', 'Restarts', 'Given up', 'Last failure'], actors.map(({ actor, alive, restarts, givenUp, lastFailureAt }) => [actor, count(alive), some(restarts, 'warn'), some(givenUp, 'err'), lastFailureAt && timeOf(lastFailureAt)]))),
    card('Queues', '', tableOf(['Queue', 'Waiting', 'Limit', 'Full'], queues.map(({ queue, depth, limit }) => [queue, count(depth), count(limit), limit && el('progress.long', { max: limit, value: depth, 'data-tone': fill({ depth, limit }), 'aria-label': queue })]))),
    card('Adapters', '.wide', tableOf(['Adapter', 'Kind', 'Breaker', 'Failures', 'Last error', 'Next try'], adapters.map(({ adapter, kind, state, failures, lastError, retryInSeconds }) => [adapter, kind, chip(stateWords(state)), count(failures), lastError, retryInSeconds == null ? null : `in ${duration(retryInSeconds)}`])))];
});
