// What is shown of everything? What is under way, what was lately, and who stands in which gate.
const fill = (list, ids) => {
  ids.forEach((id, index) => {
    const {li} = rowOf(items.get(id)) ?? rows.get(id);
    if (list.children[index] !== li) list.insertBefore(li, list.children[index] ?? null);
  });
  while (list.children.length > ids.length) list.lastChild.remove();
};
const drawGates = part($('gate-table'));
draws.list = () => {
  const all = [...items.values()].sort((one, other) => rank(one) - rank(other) || (one.began < other.began ? 1 : -1));
  const open = all.filter((item) => !item.over), late = all.filter((item) => item.over).sort((one, other) => one.updatedAt < other.updatedAt ? 1 : -1).slice(0, LATE);
  fill($('open'), open.map(({id}) => id));
  fill($('late'), late.map(({id}) => id));
  for (const id of rows.keys()) if (!items.has(id)) rows.delete(id);
  say($('open-count'), open.length ? count(open.length) : '');
  show($('open-empty'), !open.length);
  say($('open-empty'), askedOnce || !host || !mayCall() ? 'Nothing is under way.' : 'Asking…');
  show($('lately'), late.length > 0);
  const standing = models.flatMap(({modelId: model, currentGates, promotedAt: movedAt}) => [currentGates ?? []].flat().map((gate) => ({gate, model, movedAt}))).sort((one, other) => (one.gate < other.gate ? -1 : 1));
  show($('gates'), standing.length > 0);
  drawGates([standing, mayCall()], () => tableOf(standing, ['gate', ['Model', ({model}) => mayCall() ? button(model, () => select(model), {class: 'link'}) : model], 'movedAt']));
};

const TONES = {__proto__: null, connecting: ['◌', 'Connecting', 'muted'], live: ['●', 'Live', 'ok'], failing: ['✕', 'Not refreshed', 'err'], given: ['■', 'As the call gave it', 'muted'], gone: ['■', 'Closed', 'muted']};
draws.link = () => {
  const [glyph, word, tone] = TONES[link.state], [mark, text] = $('connection').children;
  attribute($('connection'), 'data-tone', tone);
  say(mark, glyph);
  say(text, word);
  show($('refresh'), mayCall() && !over);
  if (link.state === 'failing' && !(selected && answers.fault)) notice('err', `${sentence(link.fault)} The page asks again by itself.`, 'Ask now', lookAgain);
  else if ($('notice').lastChild?.textContent === 'Ask now') notice();
};
