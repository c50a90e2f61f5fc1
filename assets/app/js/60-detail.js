// How is one thing shown? A job and a canary as in the cockpit, and of all else its story.
let shown = null, cameFrom = '';
const turnTo = (id) => {
  if (id !== selected) {answers = {}; show(askNode, false);}
  cameFrom = selected = id;
  attribute($('main'), 'data-screen', 'detail');
  changed('list', 'detail');
  lookAgain();
};
// Who chose it goes there; a host that names something leaves its reader where they are.
const select = (id) => {
  turnTo(id);
  if (!isWide()) $('detail').focus();
};
const unselect = () => {
  selected = '';
  show(askNode, false);
  attribute($('main'), 'data-screen', 'list');
  changed('list', 'detail');
  lookAgain();
  (rows.get(cameFrom)?.node ?? $('open').querySelector('button') ?? $('refresh')).focus();
};
const besideActions = () => [];
const belowStory = () => null;
const nothingChosen = () => {
  const text = mayCall() ? 'Choose a job, a canary or a model.' : '';
  return {item: null, article: el('div.empty', text)};
};
const storyOf = (id) => {
  const node = el('section.why'), where = el('p.muted'), drawStory = part(node);
  return {item: null, article: el('article', button('← All', unselect, {class: 'back'}), el('div.title', el('div', el('h2', id), where)), node), draw() {
    const {facts, fault} = answers, model = models.find(({modelId}) => modelId === id), gates = [model?.currentGates ?? []].flat();
    say(where, model ? `Model · ${gates.length ? `stands in ${gates.join(', ')}` : 'stands in no gate'}` : '');
    drawStory([facts?.length, fault], () => [fault && el('p.fault', fault), el('h3', 'Story'), facts ? el('ol.story', facts.map(({ts, message, actor, action}) => el('li', timeOf(ts), el('div', message, el('small', `${actor} · ${action}`))))) : !fault && el('p.muted', mayCall() ? 'Loading…' : 'It was not in what the call gave.')]);
  }};
};
draws.detail = () => {
  const item = items.get(selected) ?? null, key = item ? item.id : selected || 'none';
  if (!shown || shown.item !== item || shown.chosen !== key) {
    shown?.leave?.();
    shown = item ? (item.jobId ? jobDetail : canaryDetail)(item) : selected ? storyOf(selected) : nothingChosen();
    shown.chosen = key;
    shown.article.querySelector('.title')?.after(askNode);
    $('detail').replaceChildren(shown.article);
  }
  shown.draw?.();
};
