// Who stands in which gate, and how did it come so?
let moves = null, modelsFault = '', modelsTimer = 0;
const refreshModels = (wait = 500) => {
  clearTimeout(modelsTimer);
  if (place.view === 'models') modelsTimer = setTimeout(async () => {
    try {
      [{models}, {moves}] = await Promise.all([call('list_models', {limit: 200}), call('model_history', {limit: 100})]);
      modelsFault = '';
    } catch (error) {modelsFault = error.message;}
    wanted('models');
  }, wait);
};
const promote = (modelId) => toolDialog('promote_model', `Promote ${modelId ?? 'a model'}`, {confirm: 'Promote', danger: true, initial: {modelId}});
const rollBack = (modelId, gate) => toolDialog('rollback_model', `Roll ${modelId} back from ${gate}`, {confirm: 'Roll back', danger: true, initial: {modelId, gate}, hidden: ['modelId', 'gate'], id: modelId});
const card = (head, wide, ...content) => el(`section.card${wide}`, el('h2', head), ...content);
const drawModels = part($('models'));
draws.models = () => place.view === 'models' && drawModels([models, moves, modelsFault, mayAct()], () => [
  el('h2.unseen', 'Models and gates'), modelsFault && el('p.fault.wide', modelsFault),
  card(['Gates and models', mayAct() && el('span.control', small('Promote a model…', () => promote()))], '', tableOf(models.flatMap(({modelId: model, currentGates, promotedAt: movedAt}) => (currentGates.length ? currentGates : ['']).map((gate) => ({gate, model, movedAt}))).sort((one, other) => (one.gate < other.gate ? 1 : -1)),
    ['gate', 'model', 'movedAt', ...(mayAct() ? [['Actions', ({model, gate}) => gate ? small('Roll back…', () => rollBack(model, gate), `Roll back… ${model} from ${gate}`) : small('Promote…', () => promote(model), `Promote… ${model}`)]] : [])])),
  card('Moves of the gates', '', tableOf(moves ?? [], ['createdAt', 'gate', ['Change', ({before, after, trouble, reason}) => [`${before ?? 'nothing'} → ${after ?? 'nothing'}`, el('small', trouble ?? because(reason))]], ['By', ({canaryId, actor}) => items.has(canaryId) ? button(`canary, ${actor}`, () => select(canaryId), {class: 'link'}) : actor], 'state']))]);
