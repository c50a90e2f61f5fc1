// Who stands in which gate, and how did it come so?
let moves = null, modelsFault = '', modelsTimer = 0;
const refreshModels = (wait = 500) => {
  clearTimeout(modelsTimer);
  if (place.view === 'models') modelsTimer = setTimeout(async () => {
    try {
      [{ models }, { moves }] = await Promise.all([call('list_models', { limit: 200 }), call('model_history', { limit: 100 })]);
      modelsFault = '';
    } catch (error) { modelsFault = error.message; }
    wanted('models');
  }, wait);
};
const promote = (modelId) => toolDialog('promote_model', modelId ? `Promote ${modelId}` : 'Promote a model', { confirm: 'Promote', danger: true, initial: { modelId } });
const rollBack = (modelId, gate) => toolDialog('rollback_model', `Roll ${modelId} back from ${gate}`, { confirm: 'Roll back', danger: true, initial: { modelId, gate }, hidden: ['modelId', 'gate'], id: modelId });
const card = (head, wide, ...content) => el(`section.card${wide}`, el('h2', head), ...content);
const drawModels = part($('models'));
draws.models = () => place.view === 'models' && drawModels([models, moves, modelsFault, mayAct()], () => {
  const gates = models.flatMap((model) => model.currentGates.map((gate) => [gate, model])).sort(([one], [other]) => (one < other ? -1 : 1));
  return [el('h1.unseen', 'Models'), modelsFault && el('p.fault.wide', modelsFault),
    card(['Gates', mayAct() && el('span.control', small('Promote a model…', () => promote()))], '.wide', gates.length ? el('div.gates', gates.map(([gate, { modelId, promotedAt }]) => el('div.gate', el('h3', gate), el('b', modelId), promotedAt && el('span.muted', 'since ', timeOf(promotedAt)),
      mayAct() && el('div.actions', small('Roll back…', () => rollBack(modelId, gate), `Roll back… ${modelId} from ${gate}`), small('New canary…', () => newCanary({ toGate: gate }), `New canary… in ${gate}`))))) : el('p.muted', 'No model stands in a gate yet. Start a canary, or promote a model.')),
    card('Models', '', tableOf(['Model', 'Gates', 'Last move', ...(mayAct() ? ['Action'] : [])], models.map(({ modelId, currentGates, promotedAt }) => [el('b', modelId), currentGates.join(', ') || 'none', promotedAt && timeOf(promotedAt), ...(mayAct() ? [small('Promote…', () => promote(modelId), `Promote… ${modelId}`)] : [])]))),
    card('Moves of the gates', '', moves ? tableOf(['When', 'Gate', 'Change', 'By', 'State'], moves.map((move) => [timeOf(move.createdAt), move.gate, [`${move.before ?? 'nothing'} → ${move.after ?? 'nothing'}`, (move.trouble ?? move.reason) && el('small', { class: 'muted' }, move.trouble ?? because(move.reason))],
      items.has(move.canaryId) ? button(`canary, ${move.actor}`, () => select(move.canaryId), { class: 'link' }) : move.actor, chip(stateWords(move.state))])) : el('p.muted', 'Loading…'))];
});
