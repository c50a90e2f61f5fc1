// How is the daemon itself? Its actors, queues, store, adapters and stream, asked again while shown.
let health = null, healthFault = '', healthTimer = 0;
const refreshHealth = async () => {
  clearTimeout(healthTimer);
  if (place.view !== 'supervision') return;
  if (!document.hidden && !paused && link.state !== 'refused') {
    try { health = await call('get_infrastructure_status'); healthFault = ''; } catch (error) { healthFault = error.message; }
    wanted('supervision');
  }
  healthTimer = setTimeout(refreshHealth, 3000);
};
const pairs = (rows) => el('dl.facts', null, rows.filter(([, value]) => value != null).map(([name, value, more]) => el('div', null, el('dt', null, name), el('dd', null, value, more && el('small', null, more)))));
const BREAKERS = { closed: ['✓', 'closed', 'ok'], open: ['✕', 'open', 'err'], probing: ['◇', 'probing', 'warn'], unused: ['◌', 'unused', 'muted'] };
const spell = ([glyph, word, tone]) => chip({ glyph, word, tone });
const drawHealth = part($('supervision'));
draws.set('supervision', () => {
  if (place.view !== 'supervision') return;
  drawHealth([health, healthFault], () => {
    if (!health) return el('p.wide', { class: healthFault ? 'fault wide' : 'muted wide' }, healthFault || 'Loading…');
    const { actors = [], queues = [], adapters = [], database = {}, stream = {}, commitMs = database.commitMs } = health;
    const failing = actors.filter((actor) => actor.givenUp || actor.restarts), ailing = adapters.filter((adapter) => ['open', 'probing'].includes(adapter.state)), full = queues.filter((queue) => queue.limit && queue.depth > 0.8 * queue.limit);
    const faults = [...failing.map((actor) => actor.givenUp ? `${actor.actor} was given up` : `${actor.actor} was restarted ${actor.restarts} times`), ...ailing.map((adapter) => `${adapter.adapter} (${adapter.kind}) does not answer`), ...full.map((queue) => `${queue.queue} is nearly full`)];
    return [
      el('h2.unseen', null, 'Supervision'),
      healthFault && el('p.fault.wide', null, healthFault),
      el('p.verdict.wide', { 'data-tone': faults.length ? 'warn' : 'ok' }, faults.length ? sentence(faults.join('; ')) : 'Every part of the daemon is well.'),
      card('Daemon', true, pairs([['Version', health.version], ['Running for', duration(health.uptimeSeconds), `since ${clock(health.startedAt)}`], ['Registry', health.registry], ['Database', bytes(database.bytes)], ['Commits', count(database.commits), database.failedOperations ? `${count(database.failedOperations)} operations failed` : 'none failed'],
        ['Commit, half within', milliseconds(commitMs?.p50), commitMs && `99 % within ${milliseconds(commitMs.p99)}, longest ${milliseconds(commitMs.max)}`], ['Readers of events', count(stream.readers), stream.lagged != null && `${count(stream.lagged)} fell behind, ${count(stream.refused)} refused`], ['Events', count(stream.published), stream.delivered != null && `${count(stream.delivered)} delivered`]])),
      card('Actors', false, tableOf(['Actor', 'Alive', 'Restarts', 'Given up', 'Last failure'], actors.map((actor) => [actor.actor, count(actor.alive), actor.restarts ? el('span.tone', { 'data-tone': 'warn' }, count(actor.restarts)) : '0', actor.givenUp ? el('span.tone', { 'data-tone': 'err' }, count(actor.givenUp)) : '0', actor.lastFailureAt && timeOf(actor.lastFailureAt)]), 'No actor has failed.')),
      card('Queues', false, tableOf(['Queue', 'Waiting', 'Limit', 'Full'], queues.map((queue) => [queue.queue, count(queue.depth), queue.limit == null ? 'none' : count(queue.limit), queue.limit ? el('div.queue', { 'data-tone': queue.depth > 0.8 * queue.limit ? 'err' : queue.depth > 0.5 * queue.limit ? 'warn' : 'ok' }, el('progress', { max: queue.limit, value: queue.depth, 'aria-label': `${queue.queue}: ${queue.depth} of ${queue.limit}` })) : '–']), 'No queue is known.')),
      card('Adapters', true, tableOf(['Adapter', 'Kind', 'Breaker', 'Failures', 'Last error', 'Next try'], adapters.map((adapter) => [adapter.adapter, adapter.kind, spell(BREAKERS[adapter.state] ?? ['·', adapter.state, 'muted']), count(adapter.failures), adapter.lastError, adapter.retryInSeconds != null ? `in ${duration(adapter.retryInSeconds)}` : null]), 'No adapter is in use.')),
    ];
  });
});
