// How is a series of samples drawn, read and told? One SVG in CSS pixels. A missing sample breaks the
// line, one beyond its limit has a mark of its own shape; a sentence, a slider and a table tell the same.
const CHART_HEIGHT = 148;
let chartCount = 0;
const shape = (parent, tag, attributes) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const name in attributes) attribute(node, name, attributes[name]);
  parent.append(node);
  return node;
};
const chartTime = (seconds) => {
  const [size, unit] = seconds < 120 ? [1, 's'] : seconds < 7200 ? [60, 'min'] : [3600, 'h'];
  return `${Math.round(seconds / size * 10) / 10} ${unit}`;
};
// About four round values that cover the range; odds go in powers of ten.
const chartSteps = (low, high, odds) => {
  const rough = (high - low) / 3, base = odds ? Math.LN10 : 10 ** Math.floor(Math.log10(rough));
  const step = base * (odds ? Math.ceil(rough / base) : [1, 2, 2.5, 5, 10].find((times) => times * base >= rough));
  const first = Math.floor(low / step + 1e-9), amount = Math.ceil(high / step - 1e-9) - first + 1;
  return Array.from({ length: amount }, (_, index) => (first + index) * step);
};
const chartSentence = (name, { points, limit }, format) => {
  const values = points.map(([, y]) => y).filter((y) => y !== null), missing = points.length - values.length;
  if (!values.length) return `${name}: no samples yet`;
  const over = limit && `, ${limit.label}, ${values.filter((y) => y > limit.value).length} of ${values.length} samples over it`;
  return `${name}: latest ${format(values.at(-1))}${over || ''}${missing ? `, ${missing} without data` : ''}`;
};

// `unit` "log odds" is cut at twice its limits; `names` are those of the two lines. `update` takes
// `points` and `second.points`: [seconds, value or null], oldest first, at the same seconds; `limit`:
// {value, label} or null; `window` and `warmup`: [from, to]; `gapAfter`: seconds that break the line.
const createChart = ({ title, unit, format = String, names = [title] }) => {
  const id = `chart-${++chartCount}`, legend = el('span.chart-legend'), readout = el('span.chart-value');
  const slider = el('input', { type: 'range', min: 0, 'aria-label': `Samples of ${title}` }), toggle = el('button.chart-toggle', { type: 'button' });
  const plot = el('div.chart-plot'), table = el('div.chart-table', { role: 'region', tabindex: 0, 'aria-label': `Table of ${title}` });
  const picture = shape(plot, 'svg', { role: 'img', 'aria-labelledby': id, height: CHART_HEIGHT, width: '100%' }), told = shape(picture, 'title', { id });
  const lines = shape(picture, 'g', { fill: 'none' }), labels = shape(picture, 'g', { 'font-size': 11, fill: 'var(--muted)', stroke: 'var(--s1)', 'stroke-width': 3, 'paint-order': 'stroke' });
  const element = el('figure.chart', null, el('figcaption.chart-head', null, el('span.chart-title', null, title), legend, readout), plot, toggle, table);
  plot.append(slider);
  plot.style.position = 'relative';
  slider.style.cssText = 'position:absolute;inset:0;width:100%;height:100%;margin:0;opacity:0;cursor:crosshair';
  const drawn = {};
  let data = null, width = 0, scale = null, reading = null;
  const put = (name, tag, attributes) => {
    drawn[name] ??= shape(lines, tag, { class: `chart-${name}` });
    for (const key in attributes) attribute(drawn[name], key, attributes[key]);
  };
  const both = () => [data, data.second].filter(Boolean);
  const textOf = ({ points }, index) => points[index]?.[1] == null ? 'no data' : format(points[index][1]);
  const sample = (index) => `${both().map((series, line) => `${data.second ? `${names[line]} ` : ''}${textOf(series, index)}`).join(', ')} at ${chartTime(data.points[index][0])}`;
  const showSample = () => {
    const last = data.points.length - 1, found = data.points.findIndex(([x]) => x === reading), index = found < 0 ? last : found;
    attribute(slider, 'max', Math.max(0, last));
    attribute(slider, 'aria-valuetext', last < 0 ? 'no samples yet' : sample(index));
    slider.value = index;
    say(readout, found >= 0 ? sample(found) : last < 0 || data.second ? '' : textOf(data, last));
    put('cursor', 'path', { d: found < 0 || !scale ? '' : `M${scale.x(reading)} 10V${scale.bottom}`, stroke: 'var(--muted)' });
  };
  const trace = ({ points, limit }, mark) => {
    let line = '', over = '', missing = '', before, marked = -9;
    const apart = (one, other) => !one || !other || other[1] === null || other[0] - one[0] > data.gapAfter;
    points.forEach((point, index) => {
      const x = scale.x(point[0]), at = `${x} ${scale.y(point[1])}`, alone = apart(before, point);
      before = point[1] === null ? undefined : point;
      if (!before) return void (missing += `M${x} ${scale.bottom - 5}v5`);
      line += (alone ? 'M' : 'L') + at + (alone && apart(point, points[index + 1]) ? 'm-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0' : '');
      if (limit && point[1] > limit.value && x - marked >= 6) { over += `M${at}${mark}`; marked = x; }
    });
    return { line, over, missing };
  };
  // Labels come in their order of weight; one that would cover an earlier one is left out.
  const write = (wanted) => {
    const placed = [];
    for (const [text, x, y, anchor = 0, must] of wanted) {
      const long = text.length * 6.1, left = Math.round(Math.max(0, Math.min(width - long, x - long * anchor)));
      const free = placed.every((other) => Math.abs(other.top - y) > 11 || left > other.left + other.long + 6 || other.left > left + long + 6);
      if (free || must) placed.push({ text, left, top: free ? y : y + 16, long });
    }
    while (labels.childNodes.length > placed.length) labels.lastChild.remove();
    placed.forEach(({ text, left, top }, index) => {
      const node = labels.childNodes[index] ?? shape(labels, 'text');
      attribute(node, 'x', left);
      attribute(node, 'y', top);
      say(node, text);
    });
  };
  const draw = () => {
    if (!data || width < 40) return;
    const odds = unit === 'log odds', limits = both().flatMap(({ limit }) => limit ?? []);
    const seen = both().flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y !== null), cut = odds && limits.length ? Math.max(...limits.map(({ value }) => value)) : Infinity;
    const values = [0, ...limits.map(({ value }) => value * 1.1), ...seen].map((y) => Math.max(-cut, Math.min(2 * cut, y)));
    const steps = chartSteps(Math.min(...values), Math.max(...values) || 1, odds), low = steps[0], high = steps.at(-1);
    const to = Math.max(1, data.points.at(-1)?.[0] ?? 0, data.window?.[1] ?? 0, data.now ?? 0);
    const left = Math.min(width / 3, 10 + 6.1 * Math.max(...steps.map((step) => format(step).length))), right = width - 8, bottom = CHART_HEIGHT - 20, foot = CHART_HEIGHT - 6;
    const round = (value) => Math.round(value * 10) / 10, x = (seconds) => round(left + seconds / to * (right - left));
    const y = (value) => round(bottom - (Math.max(low, Math.min(high, value)) - low) / (high - low) * (bottom - 10));
    scale = { x, y, bottom };
    const box = ([from, end] = [0, 0]) => ({ x: x(from), width: x(end) - x(from), y: 10, height: bottom - 10, fill: 'var(--muted)' });
    const across = (value) => `M${left} ${y(value)}H${right}`;
    put('window', 'rect', { ...box(data.window), 'fill-opacity': 0.1 });
    put('warmup', 'rect', { ...box(data.warmup), 'fill-opacity': 0.2 });
    put('grid', 'path', { d: steps.map(across).join(''), stroke: 'var(--line)' });
    put('now', 'path', { d: data.now ? `M${x(data.now)} 10V${bottom}` : '', stroke: 'var(--muted)', 'stroke-dasharray': '1 3' });
    [data, data.second ?? { points: [] }].forEach((series, line) => {
      const paths = trace(series, line ? 'm-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0' : 'm0-5l4.5 8h-9z'), edge = line ? 'var(--ok)' : 'var(--err)';
      put(`limit${line}`, 'path', { d: series.limit ? across(series.limit.value) : '', stroke: edge, 'stroke-dasharray': line ? '2 4' : '6 4' });
      put(`missing${line}`, 'path', { d: paths.missing, stroke: 'var(--warn)', 'stroke-width': 2 });
      put(`line${line}`, 'path', { d: paths.line, stroke: data.second ? edge : 'var(--accent)', 'stroke-width': 2, 'stroke-linejoin': 'round', 'stroke-dasharray': line ? '5 5' : null });
      put(`over${line}`, 'path', { d: paths.over, fill: edge });
    });
    const [from, end] = data.window ?? [0, to];
    write([
      ...(seen.length ? [] : [['No samples yet', (left + right) / 2, bottom / 2, 0.5]]), ...limits.map(({ label, value }) => [label, left + 4, y(value) - 4, 0, true]),
      [chartTime(end), x(end), foot, 1], [chartTime(from), x(from), foot], ...(data.window ? [[`window ${chartTime(end - from)}`, x((from + end) / 2), foot, 0.5]] : []), [chartTime(to), right, foot, 1],
      ...(data.warmup ? [['warm-up', x(data.warmup[0]) + 4, bottom - 6]] : []), ...steps.filter((step, index) => format(step) !== format(steps[index + 1] ?? NaN)).map((step) => [format(step), left - 6, y(step) + 4, 1]),
    ]);
    showSample();
  };
  const showTable = (shown) => {
    show(table, shown);
    attribute(toggle, 'aria-expanded', String(shown));
    toggle.replaceChildren(shown ? 'Hide table' : 'Show as table', el('span.unseen', null, ` of ${title}`));
    table.replaceChildren(...(shown && data ? [el('table', null, el('caption', null, `${title}, as it was at ${clock(now())}`),
      el('thead', null, el('tr', null, ['Time', ...names.slice(0, both().length)].map((name) => el('th', { scope: 'col' }, name)))),
      el('tbody', null, data.points.map(([seconds], index) => el('tr', null, el('th', { scope: 'row' }, chartTime(seconds)), both().map((series) => el('td', null, textOf(series, index), series.points[index]?.[1] > series.limit?.value && ' ▲'))))))] : []));
  };
  const read = (index) => { if (data) { reading = data.points[index]?.[0] ?? null; showSample(); } };
  showTable(false);
  toggle.addEventListener('click', () => showTable(table.hidden));
  for (const name of ['input', 'focus']) slider.addEventListener(name, () => read(slider.value));
  slider.addEventListener('blur', () => read(-1));
  plot.addEventListener('pointerleave', () => document.activeElement !== slider && read(-1));
  plot.addEventListener('pointermove', (event) => {
    if (!scale) return;
    const at = event.clientX - plot.getBoundingClientRect().left, far = data.points.map(([seconds]) => Math.abs(scale.x(seconds) - at));
    read(far.indexOf(Math.min(...far)));
  });
  const observer = new ResizeObserver(([entry]) => { width = Math.floor(entry.contentRect.width); draw(); });
  observer.observe(plot);
  return { element, destroy() { observer.disconnect(); element.remove(); }, update(next) {
    data = next;
    say(told, both().map((series, line) => chartSentence(data.second ? names[line] : title, series, format)).join('. '));
    say(legend, data.second ? `━ ${names[0]}  ┅ ${names[1]}` : '');
    draw();
  } };
};
