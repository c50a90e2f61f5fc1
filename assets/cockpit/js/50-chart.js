// How is a series drawn and told? What is missing breaks the line.
const CHART_HEIGHT = 148;
const shape = (parent, tag, attributes) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const name in attributes) attribute(node, name, attributes[name]);
  parent.append(node);
  return node;
};
const chartSteps = (low, high) => {
  const rough = (high - low) / 3, base = 10 ** Math.floor(Math.log10(rough));
  const step = base * [1, 2, 2.5, 5, 10].find((times) => times * base >= rough);
  const first = Math.floor(low / step + 1e-9), amount = Math.ceil(high / step - 1e-9) - first + 1;
  return Array.from({length: amount}, (_, index) => (first + index) * step);
};
const chartSentence = (name, {points, limit}, format) => {
  const values = points.map(([, y]) => y).filter((y) => y !== null), missing = points.length - values.length;
  if (!values.length) return `${name}: no samples yet`;
  const over = limit && `, ${limit.label}, ${values.filter((y) => y > limit.value).length} of ${values.length} samples over it`;
  return `${name}: latest ${format(values.at(-1))}${over || ''}${missing ? `, ${missing} without data` : ''}`;
};

// Points are [seconds, value or null], a limit is {value, label}, windows are [from, to].
const createChart = ({title, unit, format = String, names = [title]}) => {
  const id = `chart-${++ids}`, readout = el('span.chart-value'), plot = el('div.chart-plot'), table = el('div.chart-table', {role: 'region', tabindex: 0, 'aria-label': `Table of ${title}`, hidden: ''});
  const picture = shape(plot, 'svg', {role: 'img', 'aria-labelledby': id, height: CHART_HEIGHT, width: '100%'}), told = shape(picture, 'title', {id});
  const lines = shape(picture, 'g', {fill: 'none'}), labels = shape(picture, 'g', {'font-size': 11, fill: 'var(--muted)', stroke: 'var(--s1)', 'stroke-width': 3, 'paint-order': 'stroke'});
  const toggle = button(['Show as table', el('span.unseen', ` of ${title}`)], () => {
    show(table, table.hidden);
    attribute(toggle, 'aria-expanded', String(!table.hidden));
    if (data) table.replaceChildren(tableOf(data.points, [['Time', ([seconds]) => duration(seconds)], ...both().map((series, line) => [names[line], (point) => {const index = data.points.indexOf(point); return [textOf(series, index), series.points[index]?.[1] > series.limit?.value && ' ▲'];}])]));
  }, {class: 'chart-toggle', 'aria-expanded': 'false'});
  const element = el('figure.chart', el('figcaption.chart-head', el('span.chart-title', title), readout), plot, toggle, table), drawn = {};
  let data = null, width = 0, scale = null;
  const put = (name, tag, attributes) => {
    drawn[name] ??= shape(lines, tag, {class: `chart-${name}`});
    for (const key in attributes) attribute(drawn[name], key, attributes[key]);
  };
  const both = () => [data, data.second].filter(Boolean);
  const textOf = ({points}, index) => points[index]?.[1] == null ? 'no data' : format(points[index][1]);
  const trace = ({points, limit}, mark) => {
    let line = '', over = '', missing = '', before, marked = -9;
    const apart = (one, other) => !one || !other || other[1] === null || other[0] - one[0] > data.gapAfter;
    points.forEach((point, index) => {
      const x = scale.x(point[0]), at = `${x} ${scale.y(point[1])}`, alone = apart(before, point);
      before = point[1] === null ? undefined : point;
      if (!before) return void (missing += `M${x} ${scale.bottom - 5}v5`);
      line += (alone ? 'M' : 'L') + at + (alone && apart(point, points[index + 1]) ? 'm-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0' : '');
      // Of evidence the first crossing is the news.
      if (limit && point[1] > limit.value && (data.second ? marked < 0 : x - marked >= 6)) {over += `M${at}${mark}`; marked = x;}
    });
    return {line, over, missing};
  };
  const draw = () => {
    if (!data || width < 40) return;
    const odds = unit === 'log odds', limits = both().flatMap(({limit}) => limit ?? []);
    const seen = both().flatMap(({points}) => points.map(([, y]) => y)).filter((y) => y !== null), cut = odds && limits.length ? Math.max(...limits.map(({value}) => value)) : Infinity;
    const values = [0, ...limits.map(({value}) => value * 1.1), ...seen].map((y) => Math.max(-cut, Math.min(2 * cut, y)));
    const ends = [Math.min(...values), Math.max(...values) || 1], steps = odds ? [0] : chartSteps(...ends), [low, high] = odds ? ends : [steps[0], steps.at(-1)];
    const end = data.window[1], to = Math.max(1, data.points.at(-1)?.[0] ?? 0, end);
    const left = Math.min(width / 3, 10 + 6.1 * Math.max(...steps.concat(limits.map(({value}) => value)).map((tick) => format(tick).length))), right = width - 8, bottom = CHART_HEIGHT - 20;
    const round = (value) => Math.round(value * 10) / 10, x = (seconds) => round(left + seconds / to * (right - left));
    const y = (value) => round(bottom - (Math.max(low, Math.min(high, value)) - low) / (high - low) * (bottom - 10));
    scale = {x, y, bottom};
    const across = (value) => `M${left} ${y(value)}H${right}`;
    put('window', 'rect', {x: left, width: x(end) - left, y: 10, height: bottom - 10, fill: 'var(--muted)', 'fill-opacity': 0.1});
    put('grid', 'path', {d: steps.map(across).join(''), stroke: 'var(--line)'});
    put('now', 'path', {d: data.now ? `M${x(data.now)} 10V${bottom}` : '', stroke: 'var(--muted)', 'stroke-dasharray': '1 3'});
    both().forEach((series, line) => {
      const paths = trace(series, line ? 'm-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0' : 'm0-5l4.5 8h-9z'), stroke = line ? 'var(--ok)' : 'var(--err)';
      put(`limit${line}`, 'path', {d: series.limit ? across(series.limit.value) : '', stroke, 'stroke-dasharray': line ? '2 4' : '6 4'});
      put(`missing${line}`, 'path', {d: paths.missing, stroke: 'var(--warn)', 'stroke-width': 2});
      put(`line${line}`, 'path', {d: paths.line, stroke: data.second ? stroke : 'var(--accent)', 'stroke-width': 2, 'stroke-linejoin': 'round', 'stroke-dasharray': line ? '5 5' : null});
      put(`over${line}`, 'path', {d: paths.over, fill: stroke});
    });
    labels.replaceChildren();
    const write = (text, across, down, anchor) => {const node = shape(labels, 'text', {x: across, y: down, 'text-anchor': anchor}); say(node, text); return node;};
    if (!seen.length) write('No samples yet', (left + right) / 2, bottom - 8, 'middle');
    const taken = [];
    for (const [value, fill] of [...limits.map(({value}, line) => [value, line ? 'var(--ok)' : 'var(--err)']), ...steps.map((step) => [step])]) {
      const at = y(value) + 4;
      if (taken.some((other) => Math.abs(other - at) < 13)) continue;
      taken.push(at);
      attribute(write(format(value), left - 6, at, 'end'), 'fill', fill);
    }
    write('0 s', left, CHART_HEIGHT - 6);
    write(`window ${duration(end)}`, x(end), CHART_HEIGHT - 6, 'end');
  };
  const observer = new ResizeObserver(([entry]) => {width = Math.floor(entry.contentRect.width); draw();});
  observer.observe(plot);
  return {element, destroy() {observer.disconnect(); element.remove();}, update(next) {
    data = next;
    readout.replaceChildren(...both().map((series, line) => el('span', {'data-tone': next.second && (line ? 'ok' : 'err')}, [next.second ? `${line ? '┅' : '━'} ${names[line]}` : textOf(series, next.points.length - 1), series.limit?.label].filter(Boolean).join(', '))));
    say(told, both().map((series, line) => chartSentence(data.second ? names[line] : title, series, format)).join('. '));
    draw();
  }};
};
