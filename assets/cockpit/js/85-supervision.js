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
const healthParts = [part($('supervision'))];
let tables = [];
draws.supervision = () => {
  if (place.view !== 'supervision') return;
  if (!health) return healthParts[0](healthFault, () => [el('h1.unseen', 'Supervision'), el(healthFault ? 'p.fault.wide' : 'p.muted.wide', healthFault || 'Loading…')]);
  healthParts[0]('shown', () => {
    const [list, drawCells] = cells(), nodes = ['div.wide', 'div', 'div', 'div'].map((tag) => el(tag));
    tables = [drawCells, ...nodes.map(part)];
    return [el('h1.unseen', 'Supervision'), nodes[0], card('Daemon', '.wide', list), card('Actors', '', nodes[1]), card('Queues', '', nodes[2]), card('Adapters', '.wide', nodes[3])];
  });
  const { actors = [], queues = [], adapters = [], database = {}, stream = {}, version, uptimeSeconds, startedAt, registry } = health, { commitMs } = database, [drawCells, drawVerdict, drawActors, drawQueues, drawAdapters] = tables;
  const faults = [healthFault, ...actors.filter(({ givenUp }) => givenUp).map(({ actor }) => `${actor} was given up`), ...actors.filter(({ restarts, givenUp }) => restarts && !givenUp).map(({ actor, restarts }) => `${actor} was restarted, ${count(restarts)} in all`), ...adapters.filter(({ state }) => ['open', 'probing'].includes(state)).map(({ adapter }) => `${adapter} does not answer`), ...queues.filter((queue) => fill(queue) === 'err').map(({ queue }) => `${queue}: nearly full`)].filter(Boolean);
  drawVerdict(faults, () => el('p.verdict', { 'data-tone': faults.length ? 'warn' : 'ok' }, faults.length ? faults.map(sentence).join(' ') : 'Every part of the daemon is well.'));
  drawCells([['Version', version], ['Running for', duration(uptimeSeconds), `since ${clock(startedAt)}`], ['Registry', registry], ['Database', bytes(database.bytes)], ['Commits', count(database.commits), `${count(database.failedOperations)} operations failed`],
    commitMs && ['A commit takes', milliseconds(commitMs.p50), `99 % within ${milliseconds(commitMs.p99)}, longest ${milliseconds(commitMs.max)}`], ['Readers of events', count(stream.readers), `${count(stream.lagged)} fell behind, ${count(stream.refused)} refused`], ['Events', count(stream.published), `${count(stream.delivered)} delivered`]]);
  drawActors(actors, () => tableOf(['Actor', 'Alive', 'Restarts', 'Given up', 'Last failure'], actors.map(({ actor, alive, restarts, givenUp, lastFailureAt }) => [actor, count(alive), some(restarts, 'warn'), some(givenUp, 'err'), lastFailureAt && timeOf(lastFailureAt)]), 'No actor has failed.'));
  drawQueues(queues, () => tableOf(['Queue', 'Waiting', 'Limit', 'Full'], queues.map(({ queue, depth, limit }) => [queue, count(depth), limit == null ? 'none' : count(limit), limit && el('progress.long', { max: limit, value: depth, 'data-tone': fill({ depth, limit }), 'aria-label': queue })]), 'No queue is known.'));
  drawAdapters(adapters, () => tableOf(['Adapter', 'Kind', 'Breaker', 'Failures', 'Last error', 'Next try'], adapters.map(({ adapter, kind, state, failures, lastError, retryInSeconds }) => [adapter, kind, chip(stateWords(state)), count(failures), lastError, retryInSeconds == null ? null : `in ${duration(retryInSeconds)}`]), 'No adapter is in use.'));
};
