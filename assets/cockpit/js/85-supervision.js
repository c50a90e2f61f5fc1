// How is the daemon itself?
let health = null, healthFault = '', healthTimer = 0;
const refreshHealth = async () => {
  clearTimeout(healthTimer);
  if (place.view !== 'supervision') return;
  if (!document.hidden && !paused) {
    try {health = await call('get_infrastructure_status'); healthFault = '';} catch (error) {healthFault = error.message;}
    wanted('supervision');
  }
  clearTimeout(healthTimer);
  healthTimer = setTimeout(refreshHealth, 3000);
};
const membersOf = (thing) => factsOf(Object.entries(thing ?? {}).flatMap(([name, value]) => value?.constructor === Object ? Object.entries(value).map(([inner, one]) => [`${name} ${inner}`, one]) : [[name, value]]).map(([name, value]) => [headOf(name), shownAs(name, value)]));
const isFull = ({depth, limit}) => limit > 99 && depth > 0.8 * limit;
const drawHealth = part($('supervision'));
draws.supervision = () => place.view === 'supervision' && drawHealth([health, healthFault], () => {
  const {version, startedAt, uptimeSeconds, registry, database, stream, actors = [], queues = [], adapters = []} = health ?? {};
  const faults = [healthFault, ...actors.filter(({restarts, givenUp}) => restarts || givenUp).map(({actor}) => `${actor} failed`), ...adapters.filter(({state}) => STATES[state]?.endsWith('err')).map(({adapter}) => `${adapter} does not answer`), ...queues.filter(isFull).map(({queue}) => `${queue}: nearly full`)].filter(Boolean);
  return [el('h2.unseen', 'Supervision'), el('p.verdict.wide', {'data-tone': faults.length ? 'warn' : health ? 'ok' : 'muted'}, faults.map(sentence).join(' ') || (health ? 'Every part of the daemon is well.' : 'Loading…')),
    card('Daemon', '.wide', membersOf({version, startedAt, uptimeSeconds, registry})), card('Database', '', membersOf(database)), card('Stream', '', membersOf(stream)), card('Actors', '', tableOf(actors)),
    card('Queues', '', tableOf(queues, ['queue', 'depth', 'limit', ['Full', (queue) => queue.limit ? el('progress.long', {max: queue.limit, value: queue.depth, 'data-tone': isFull(queue) ? 'err' : 'ok', 'aria-label': queue.queue}) : '–']])), card('Adapters', '.wide', tableOf(adapters))];
});
