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
const toneOf = ({ depth, limit }) => depth > 0.8 * (limit ?? Infinity) ? 'err' : 'ok';
const some = (value, tone) => el('span', { 'data-tone': value ? tone : null }, count(value));
const drawHealth = part($('supervision'));
draws.supervision = () => place.view === 'supervision' && drawHealth([health, healthFault], () => {
  const { actors = [], queues = [], adapters = [], database = {}, stream = {}, version, uptimeSeconds, startedAt, registry } = health ?? {}, { commitMs = {} } = database;
  const faults = [healthFault, ...actors.filter(({ restarts, givenUp }) => restarts || givenUp).map(({ actor, givenUp }) => `${actor} was ${givenUp ? 'given up' : 'restarted'}`), ...adapters.filter(({ state }) => ['open', 'probing'].includes(state)).map(({ adapter }) => `${adapter} does not answer`), ...queues.filter((queue) => toneOf(queue) === 'err').map(({ queue }) => `${queue}: nearly full`)].filter(Boolean);
  return [el('h2.unseen', 'Supervision'), el('p.verdict.wide', { 'data-tone': faults.length ? 'warn' : health ? 'ok' : 'muted' }, faults.map(sentence).join(' ') || (health ? 'Every part of the daemon is well.' : 'Loading…')),
    card('Daemon', '.wide', factsOf([['Version', version], ['Running for', duration(uptimeSeconds), startedAt && `since ${clock(startedAt)}`], ['Registry', registry], ['Database', bytes(database.bytes)], ['Commits', count(database.commits), `${count(database.failedOperations)} operations failed`],
      ['A commit takes', milliseconds(commitMs.p50), `99 % within ${milliseconds(commitMs.p99)}, longest ${milliseconds(commitMs.max)}`], ['Readers of events', count(stream.readers), `${count(stream.lagged)} fell behind, ${count(stream.refused)} refused`], ['Events', count(stream.published), `${count(stream.delivered)} delivered`]])),
    card('Actors', '', tableOf(actors, { Actor: 'actor', Alive: ({ alive }) => count(alive), Restarts: ({ restarts }) => some(restarts, 'warn'), 'Given up': ({ givenUp }) => some(givenUp, 'err'), 'Last failure': ({ lastFailureAt }) => lastFailureAt && timeOf(lastFailureAt) })),
    card('Queues', '', tableOf(queues, { Queue: 'queue', Waiting: ({ depth }) => count(depth), Limit: ({ limit }) => count(limit), Full: ({ queue, depth, limit }) => limit && el('progress.long', { max: limit, value: depth, 'data-tone': toneOf({ depth, limit }), 'aria-label': queue }) })),
    card('Adapters', '.wide', tableOf(adapters, { Adapter: 'adapter', Kind: 'kind', Breaker: ({ state }) => chip(stateWords(state)), Failures: ({ failures }) => count(failures), 'Last error': 'lastError', 'Next try': ({ retryInSeconds }) => retryInSeconds == null ? null : `in ${duration(retryInSeconds)}` }))];
});
