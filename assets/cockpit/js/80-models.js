// Who stands in which gate, and how did it come so?
let moves = null, modelsFault = '', modelsTimer = 0;
const refreshModels = (wait = 500) => {
  clearTimeout(modelsTimer);
  if (place.view !== 'models') return;
  modelsTimer = setTimeout(async () => {
    try {
      const [list, history] = await Promise.all([call('list_models', { limit: 200 }), call('model_history', { limit: 100 })]);
      models.clear();
      for (const model of list.models) models.set(model.modelId, model);
      moves = history.moves;
      modelsFault = '';
    } catch (error) { modelsFault = error.message; }
    wanted('models');
  }, wait);
};
const promote = (initial) => toolDialog({ tool: 'promote_model', head: initial.modelId ? `Promote ${initial.modelId}` : 'Promote a model', confirm: 'Promote the model', danger: true, initial, first: ['reason'], text: 'It takes the place of another version of the same name at once, without a canary.' });
const rollBack = (modelId, gate) => toolDialog({ tool: 'rollback_model', head: `Roll ${modelId} back from ${gate}?`, confirm: 'Roll the model back', danger: true, initial: { modelId, gate }, hidden: ['modelId', 'gate'], id: modelId, text: 'The gate is put back to what stood there before.' });
const tableOf = (heads, lines, empty) => lines.length ? el('div.scroll', null, el('table.cards', null, el('thead', null, el('tr', null, heads.map((head) => el('th', { scope: 'col' }, head)))), el('tbody', null, lines.map((cells) => el('tr', null, cells.map((cell, index) => el('td', { 'data-label': heads[index] }, cell ?? '–'))))))) : el('p.muted', null, empty);
const card = (head, wide, ...content) => el(`section.card${wide ? '.wide' : ''}`, null, el('h2', null, head), content);
const drawModels = part($('models'));
const MOVES = { done: ['✓', 'done', 'ok'], open: ['●', 'open', 'accent'], abandoned: ['✕', 'not made', 'warn'], conflict: ['✕', 'conflict', 'err'] };
draws.set('models', () => {
  if (place.view !== 'models') return;
  const all = [...models.values()];
  drawModels([all, moves, modelsFault, mayAct()], () => {
    const places = all.flatMap((model) => model.currentGates.map((gate) => [gate, model])).sort();
    return [
      el('h2.unseen', null, 'Models'),
      modelsFault && el('p.fault.wide', null, modelsFault),
      card(['Gates', mayAct() && el('span.control', null, button('Promote a model…', () => promote({}), { class: 'small' }))], true, places.length ? el('div.gates', null, places.map(([gate, model]) => el('div.gate', null, el('h3', null, gate), el('b', null, model.modelId), el('span.muted', null, 'since ', model.promotedAt && timeOf(model.promotedAt)),
        mayAct() && el('div.actions', null, button('Roll back…', () => rollBack(model.modelId, gate), { class: 'small danger', 'aria-label': `Roll back… ${model.modelId} from ${gate}` }), button('Canary…', () => toolDialog({ tool: 'start_canary', head: 'New canary', confirm: 'Start the canary', initial: { toGate: gate }, first: ['windowSeconds', 'targets', 'dryRun'] }), { class: 'small', 'aria-label': `Canary… in ${gate}` }))))) : el('p.muted', null, 'No model stands in a gate yet. Start a canary, or promote a model.')),
      card('Models', false, tableOf(['Model', 'Gates', 'Last move', 'Action'], all.map((model) => [el('b', null, model.modelId), model.currentGates.join(', ') || el('span.muted', null, 'none'), model.promotedAt && timeOf(model.promotedAt), mayAct() && button('Promote…', () => promote({ modelId: model.modelId }), { class: 'small', 'aria-label': `Promote… ${model.modelId}` })]), 'No model is known yet.')),
      card('Moves of the gates', false, moves ? tableOf(['When', 'Gate', 'Change', 'By', 'State'], moves.map((move) => [timeOf(move.createdAt), move.gate, [`${move.before ?? 'nothing'} → ${move.after ?? 'nothing'}`, move.reason && el('small.muted', null, ` ${because(move.reason)}`), move.trouble && el('small.tone', { 'data-tone': 'err' }, ` ${move.trouble}`)],
        items.has(move.canaryId) ? button(`canary, ${move.actor}`, () => select(move.canaryId, true), { class: 'link' }) : move.actor, chip((([glyph, word, tone]) => ({ glyph, word, tone }))(MOVES[move.state] ?? ['·', move.state, 'muted']))]), 'No gate was moved yet.') : el('p.muted', null, 'Loading…')),
    ];
  });
});
