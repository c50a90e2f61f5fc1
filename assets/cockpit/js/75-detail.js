// How is one thing shown? The frame around what canaries and jobs have of their own.
let shownDetail = null, answers = {}, refreshTimer = 0, refreshed = 0;
const select = (id, byHand) => {
  if (id === selected && place.view === 'work') return byHand && wanted('detail');
  go({ view: 'work', selected: id });
  if (byHand && id && matchMedia('(max-width: 720px)').matches) { scrollTo(0, 0); $('detail').focus(); }
};
const selectionChanged = (before) => {
  for (const id of [before, selected]) if (id) touched.add(id);
  shownDetail?.leave?.();
  shownDetail = null;
  answers = {};
  attribute($('work'), 'data-screen', selected ? 'detail' : 'list');
  $('detail').replaceChildren();
  $('detail').scrollTop = 0;
  wanted('detail', 'list');
  refreshDetail(0);
};
// What the stream does not carry is asked for: at the selection, and again when something happened.
const refreshDetail = (wait = 400) => {
  clearTimeout(refreshTimer);
  if (!selected) return;
  refreshTimer = setTimeout(async () => {
    const id = selected, turn = ++refreshed, isCanary = id.startsWith('canary_');
    const asks = { status: call(isCanary ? 'canary_status' : 'status', isCanary ? { canaryId: id, series: true, observations: 0 } : { jobId: id }), why: call('why', { id }) };
    for (const [name, answer] of Object.entries(asks)) {
      answer.then((told) => ({ [name]: told, fault: undefined }), (error) => ({ fault: error.message })).then((told) => {
        if (id !== selected || turn !== refreshed) return;
        answers = { ...answers, ...told };
        if (name === 'status' && told.status) merge(id, told.status, isCanary);
        wanted('detail');
      });
    }
  }, wait);
};
// An answer may be older than what came by the stream meanwhile.
const merge = (id, status, isCanary) => {
  const item = items.get(id), { evidence, series, decisions, observations, ...plain } = status;
  if (!item) { items.set(id, (isCanary ? canaryItem : jobItem)(plain)); changed('list'); }
  else if (!item.over && plain.updatedAt >= item.updatedAt) { Object.assign(item, plain); settle(item); }
  else { for (const name of ['policy', 'principal', 'result', 'createdAt', 'runningAt']) item[name] ??= plain[name]; settle(item); }
  if (isCanary) answers.points = series ?? [];
  touched.add(id);
};
const liveDetail = (event) => {
  if (event.type === 'metric') answers.points?.push({ elapsedSeconds: event.elapsedSeconds, latency_p95_ms: event.latency_p95_ms, error_rate: event.error_rate, dataQuality: event.dataQuality, evidence: event.evidence });
  else if (event.type !== 'update' || event.phase) refreshDetail();
  if (answers.points?.length > 1000) answers.points = answers.points.filter((_, index) => index % 2);
  changed('detail');
};

const facts = () => {
  const list = el('dl.facts'), cells = new Map();
  return [list, (rows) => {
    for (const [label, cell] of cells) if (!rows.some((row) => row && row[0] === label)) { cell.node.remove(); cells.delete(label); }
    for (const row of rows) {
      if (!row) continue;
      const [label, text, more = '', tone] = row;
      if (!cells.has(label)) {
        const value = el('span'), small = el('small'), dd = el('dd', null, value, small);
        cells.set(label, { node: el('div', null, el('dt', null, label), dd), value, small, dd });
        list.append(cells.get(label).node);
      }
      const cell = cells.get(label);
      say(cell.value, String(text));
      say(cell.small, more);
      attribute(cell.dd, 'data-tone', tone);
    }
  }];
};
const menu = (item) => {
  const one = (text, what) => button(text, () => { box.open = false; what(); });
  const ask = item.kind === 'canary' ? ['canary_status', { canaryId: item.id }] : ['status', { jobId: item.id }];
  const box = el('details.menu', { 'on:focusout': (event) => { if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false; } }, el('summary', { class: 'button' }, 'More ▾'), el('div', null,
    one('Copy as curl', () => copy(curlOf(...ask), 'The command')), one('Copy the id', () => copy(item.id, 'The id')), one('Copy the link', () => copy(location.href, 'The link')),
    one('Report as Markdown', () => report(item.id, 'md')), one('Report as JSON', () => report(item.id, 'json')), one('Report as CSV', () => report(item.id, 'csv')), one('Print', () => print())));
  return box;
};
const frameOf = (item) => {
  const head = el('div'), actions = el('div.actions'), verdict = el('p.verdict'), line = el('ol.timeline', { 'aria-label': 'Progress' });
  const drawHead = part(head), drawActions = part(actions), drawVerdict = part(verdict), drawLine = part(line);
  const article = el('article', null, button('← All', () => go({ selected: '' }), { class: 'back' }), el('div.title', null, head, actions), verdict, line);
  return { article, draw() {
    drawHead([item.name, item.status, item.phase, item.principal, item.dryRun], () => [el('h2', null, el('span', null, item.name), chip(stateOf(item))),
      el('p.muted', null, el('span.mono', null, item.id), ' · ', item.kind === 'canary' ? `canary${item.dryRun ? ', dry run' : ''}, ${item.fromGate} → ${item.toGate}` : `eval with ${item.configId}`, ' · started ', timeOf(item.began), item.principal ? ` by ${item.principal}` : '')]);
    const able = actionsOf(item);
    drawActions([able.map(([name]) => name), item.id], () => [...able.map(([name, action]) => button(action.label, () => act(name, item), { class: action.danger ? 'danger' : action.primary ? 'primary' : '', 'data-name': name })), button('Why', why, { 'data-name': 'why' }), menu(item)]);
    const [text, more, tone] = (item.kind === 'canary' ? canaryVerdict : jobVerdict)(item);
    attribute(verdict, 'data-tone', tone);
    drawVerdict([text, more], () => [text, more && el('small', null, more)]);
    const steps = (item.kind === 'canary' ? canarySteps : jobSteps)(item);
    drawLine(steps, () => steps.map(([label, at, state, tone = 'accent']) => el('li', { class: state, 'data-tone': state === 'todo' ? 'muted' : tone, 'aria-current': state === 'now' ? 'step' : null }, el('b', null, label), at && (/T.*Z$/.test(at) ? timeOf(at) : at))));
  } };
};
const why = () => { const head = $('why-title'); head?.scrollIntoView({ block: 'start' }); head?.focus({ preventScroll: true }); };

draws.set('detail', () => {
  const item = items.get(selected);
  if (!item) {
    const key = !selected ? 'none' : answers.fault ?? 'loading';
    if (shownDetail?.key === key) return;
    shownDetail = { key };
    $('detail').replaceChildren(el('div.empty', null, el('h2', null, key === 'none' ? 'Nothing selected' : key === 'loading' ? 'Loading…' : 'Not found'),
      el('p', null, key === 'none' ? 'Select a job or a canary to see its numbers, its reasons and what can be done.' : key === 'loading' ? selected : key), selected && button('← All', () => go({ selected: '' }))));
    return;
  }
  if (shownDetail?.item !== item) {
    shownDetail?.leave?.();
    shownDetail = { item, ...(item.kind === 'canary' ? canaryDetail : jobDetail)(item) };
    $('detail').replaceChildren(shownDetail.article);
  }
  shownDetail.draw();
});

// WHY: the checks, what would have changed it, and the story, as the daemon tells them.
const whyPanel = () => {
  const node = el('section.why', { 'aria-labelledby': 'why-title' }, el('h3', { id: 'why-title', tabindex: -1 }, 'Why'));
  const body = el('div', { class: 'why-body' }), draw = part(body);
  node.append(body);
  return { node, draw(checks, decision) {
    const story = answers.why?.facts;
    draw([checks, decision, story?.length, answers.fault], () => [
      answers.fault && el('p.fault', null, answers.fault),
      checks.length > 0 && el('div.scroll', null, el('table.cards', null, el('thead', null, el('tr', null, ['Check', 'Observed', 'Target', 'Evidence', 'Verdict'].map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', null, checks.map((cells) => el('tr', null, ['Check', 'Observed', 'Target', 'Evidence', 'Verdict'].map((label, index) => el('td', { 'data-label': label }, Array.isArray(cells[index]) ? chip({ glyph: cells[index][0], word: cells[index][1], tone: cells[index][2] }) : cells[index]))))))),
      decision?.counterfactual?.sentence && el('p.other', null, decision.counterfactual.sentence),
      el('h4', null, 'Story'),
      story ? el('ol.story', null, story.map((fact) => el('li', null, timeOf(fact.ts), el('div', null, fact.message, el('small', null, `${fact.actor} · ${fact.action}`))))) : el('p.muted', null, answers.fault ? 'The story could not be read.' : 'Loading…'),
      decision && el('p.hash', null, `${decision.decisionId} · SHA-256 ${decision.hash}`)]);
  } };
};
