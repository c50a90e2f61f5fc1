// How is a series of samples drawn, read and told?
//
// One SVG in CSS pixels, redrawn when its box or its data change. A missing sample breaks the line and
// leaves a tick on the axis; one beyond its limit has a mark of another shape. The picture has a
// sentence, a slider to read single samples with the keyboard, and a table on demand.

const CHART_HEIGHT = 148;
let chartCount = 0;

/** A node below `parent`; of SVG if the parent is. */
function addNode(parent, tag, attributes = {}, text = "") {
  const space = tag === "svg" ? "http://www.w3.org/2000/svg" : parent.namespaceURI;
  const node = parent.appendChild(document.createElementNS(space, tag));
  node.textContent = text;
  return setAttributes(node, attributes);
}

/** Sets what differs. */
function setAttributes(node, attributes) {
  for (const name in attributes) {
    if (node.getAttribute(name) !== String(attributes[name])) node.setAttribute(name, attributes[name]);
  }
  return node;
}

/** Seconds in the unit that fits. */
function chartTime(seconds) {
  const [size, unit] = seconds < 120 ? [1, "s"] : seconds < 7200 ? [60, "min"] : [3600, "h"];
  return `${Math.round((seconds / size) * 10) / 10} ${unit}`;
}

/** About four round values that cover the range; odds go in powers of ten. */
function chartSteps(low, high, odds) {
  const rough = (high - low || 1) / 3;
  const base = odds ? Math.LN10 : 10 ** Math.floor(Math.log10(rough));
  const step = base * (odds ? Math.ceil(rough / base) : [1, 2, 2.5, 5, 10].find((times) => times * base >= rough));
  const first = Math.floor(low / step + 1e-9);
  const count = Math.max(2, Math.ceil(high / step - 1e-9) - first + 1);
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

/** One line in words: its latest sample, its limit, how many are over it, how many are missing. */
function chartSentence(name, { points, limit }, format) {
  const values = points.map(([, y]) => y).filter((y) => y !== null);
  if (!values.length) return `${name}: no samples yet`;
  const over = limit && `${limit.label}, ${values.filter((y) => y > limit.value).length} of ${values.length} samples over it`;
  const missing = points.length > values.length && `${points.length - values.length} without data`;
  return [`${name}: latest ${format(values.at(-1))}`, over, missing].filter(Boolean).join(", ");
}

/**
 * An accessible line chart.
 *
 * `unit` "log odds" goes in powers of ten and is cut at twice its limits; `names` are those of the two
 * lines. `update(data)`: `points` and `second.points` are `[seconds, value or null]`, oldest first, at
 * the same seconds; `limit` is `{value, label}` or null; `window` and `warmup` are `[from, to]`.
 */
function createChart({ title, unit = "", format = String, names = [title] }) {
  const id = `chart-${(chartCount += 1)}`;
  const figure = setAttributes(document.createElement("figure"), { class: "chart" });
  const head = addNode(figure, "figcaption", { class: "chart-head" });
  addNode(head, "span", { class: "chart-title" }, title);
  const legend = addNode(head, "span", { class: "chart-legend" });
  const readout = addNode(head, "span", { class: "chart-value" });
  const plot = addNode(figure, "div", { class: "chart-plot" });
  const svg = addNode(plot, "svg", { role: "img", "aria-labelledby": id, height: CHART_HEIGHT, width: "100%" });
  const sentence = addNode(svg, "title", { id });
  const shapes = addNode(svg, "g", { fill: "none" });
  const labels = addNode(svg, "g", { "font-size": 11, fill: "var(--muted)", stroke: "var(--s1)", "stroke-width": 3, "paint-order": "stroke" });
  const slider = addNode(plot, "input", { type: "range", min: 0, class: "chart-slider", "aria-label": `Samples of ${title}` });
  plot.style.position = "relative";
  slider.style.cssText = "position:absolute;inset:0;width:100%;height:100%;margin:0;opacity:0;cursor:crosshair";
  const toggle = addNode(figure, "button", { type: "button", class: "chart-toggle" });
  const table = addNode(figure, "div", { class: "chart-table", role: "region", tabindex: 0, "aria-label": `Table of ${title}` });
  const drawn = {};
  let [data, width, scale, reading] = [null, 0, null, null];

  function shape(name, tag, attributes) {
    drawn[name] ??= addNode(shapes, tag, { class: `chart-${name}` });
    setAttributes(drawn[name], attributes);
  }

  const lines = () => [data, data.second].filter(Boolean);

  function sampleText(index) {
    const told = lines().map(({ points }, line) => {
      const value = points[index]?.[1] ?? null;
      return `${data.second ? `${names[line]} ` : ""}${value === null ? "no data" : format(value)}`;
    });
    return `${told.join(", ")} at ${chartTime(data.points[index][0])}`;
  }

  /** Shows the sample that is read, or else the latest. */
  function showSample() {
    const last = data.points.length - 1;
    const found = data.points.findIndex(([x]) => x === reading);
    const index = found < 0 ? last : found;
    const latest = data.second ? "" : format(data.points[last]?.[1] ?? NaN);
    setAttributes(slider, { max: Math.max(0, last), "aria-valuetext": last < 0 ? "no samples yet" : sampleText(index) });
    slider.value = String(Math.max(0, index));
    say(readout, found >= 0 ? sampleText(found) : last < 0 || latest === "" ? "" : data.points[last][1] === null ? "no data" : latest);
    shape("cursor", "path", { d: found < 0 || !scale ? "" : `M${scale.x(reading)} 10V${scale.bottom}`, stroke: "var(--muted)" });
  }

  /** The paths of one line: itself, its marks over the limit, and its missing samples. */
  function trace({ points, limit }, mark) {
    let [line, over, missing, before, marked] = ["", "", "", null, -9];
    const apart = (one, other) => one === undefined || other[0] - one[0] > (data.gapAfter ?? Infinity);
    points.forEach((point, index) => {
      const x = scale.x(point[0]);
      if (point[1] === null) {
        missing += `M${x} ${scale.bottom - 5}v5`;
        before = undefined;
        return;
      }
      const at = `${x} ${scale.y(point[1])}`;
      const next = points[index + 1];
      const alone = !before || apart(before, point);
      line += (alone ? "M" : "L") + at;
      if (alone && (!next || next[1] === null || apart(point, next))) line += "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0";
      if (limit && point[1] > limit.value && x - marked >= 6) {
        over += `M${at}${mark}`;
        marked = x;
      }
      before = point;
    });
    return { line, over, missing };
  }

  /** Writes the labels in their order of weight; one that would cover an earlier one is left out. */
  function writeLabels(wanted) {
    const placed = [];
    for (const [text, x, y, anchor = 0, must = false] of wanted) {
      const long = text.length * 6.1;
      const left = Math.round(Math.max(0, Math.min(width - long, x - long * anchor)));
      const free = (top) => placed.every((other) => Math.abs(other.top - top) > 11 || left > other.left + other.long + 6 || other.left > left + long + 6);
      const top = must && !free(y) ? y + 16 : y;
      if (must || free(top)) placed.push({ text, left, top, long });
    }
    while (labels.childNodes.length > placed.length) labels.lastChild.remove();
    placed.forEach(({ text, left, top }, index) => {
      say(setAttributes(labels.childNodes[index] ?? addNode(labels, "text"), { x: left, y: top }), text);
    });
  }

  function draw() {
    if (!data || width < 40) return;
    const odds = unit === "log odds";
    const limits = lines().flatMap(({ limit }) => (limit ? [limit.value] : []));
    const known = lines().flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y !== null);
    const cut = odds && limits.length ? Math.max(...limits) : Infinity;
    const values = [0, ...limits.map((limit) => limit * 1.1), ...known].map((y) => Math.max(-cut, Math.min(2 * cut, y)));
    const steps = chartSteps(Math.min(...values), Math.max(...values), odds);
    const [low, high] = [steps[0], steps.at(-1)];
    const to = Math.max(1, ...data.points.map(([x]) => x), data.window?.[1] ?? 0, data.now ?? 0);
    const left = Math.min(width / 3, 10 + 6.1 * Math.max(...steps.map((step) => format(step).length)));
    const [right, bottom] = [width - 8, CHART_HEIGHT - 20];
    const round = (number) => Math.round(number * 10) / 10;
    const x = (seconds) => round(left + (seconds / to) * (right - left));
    const y = (value) => round(bottom - ((Math.max(low, Math.min(high, value)) - low) / (high - low)) * (bottom - 10));
    scale = { x, y, bottom };

    const box = ([begin, end]) => ({ x: x(begin), width: x(end) - x(begin), y: 10, height: bottom - 10 });
    shape("window", "rect", { ...box(data.window ?? [0, 0]), fill: "var(--line)", "fill-opacity": 0.45 });
    shape("warmup", "rect", { ...box(data.warmup ?? [0, 0]), fill: "var(--muted)", "fill-opacity": 0.25 });
    shape("grid", "path", { d: steps.map((step) => `M${left} ${y(step)}H${right}`).join(""), stroke: "var(--line)" });
    shape("now", "path", { d: data.now ? `M${x(data.now)} 10V${bottom}` : "", stroke: "var(--muted)", "stroke-dasharray": "1 3" });
    [data, data.second ?? { points: [] }].forEach((series, line) => {
      const paths = trace(series, line ? "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0" : "m0-5l4.5 8h-9z");
      const limit = series.limit ? `M${left} ${y(series.limit.value)}H${right}` : "";
      const edge = line ? "var(--ok)" : "var(--err)";
      const pen = { "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round" };
      shape(`limit${line}`, "path", { d: limit, stroke: edge, "stroke-dasharray": line ? "2 4" : "6 4" });
      shape(`missing${line}`, "path", { d: paths.missing, stroke: "var(--warn)", "stroke-width": 2 });
      shape(`line${line}`, "path", { ...pen, d: paths.line, stroke: data.second ? edge : "var(--accent)", "stroke-dasharray": line ? "5 5" : "none" });
      shape(`over${line}`, "path", { d: paths.over, fill: edge });
    });

    const foot = CHART_HEIGHT - 6;
    const [begin, end] = data.window ?? [0, to];
    writeLabels([
      ...(known.length ? [] : [["No samples yet", (left + right) / 2, bottom / 2, 0.5]]),
      ...lines().flatMap(({ limit }) => (limit ? [[limit.label, left + 4, y(limit.value) - 4, 0, true]] : [])),
      [chartTime(end), x(end), foot, 1],
      [chartTime(begin), x(begin), foot],
      ...(data.window ? [[`window ${chartTime(end - begin)}`, x((begin + end) / 2), foot, 0.5]] : []),
      [chartTime(to), right, foot, 1],
      ...(data.warmup ? [["warm-up", x(data.warmup[0]) + 4, bottom - 6]] : []),
      ...steps.map((step) => [format(step), left - 6, y(step) + 4, 1]),
    ]);
    showSample();
  }

  function showTable(shown) {
    table.hidden = !shown;
    setAttributes(toggle, { "aria-expanded": shown });
    toggle.replaceChildren(shown ? "Hide table" : "Show as table");
    addNode(toggle, "span", { class: "unseen" }, ` of ${title}`);
    table.replaceChildren();
    if (!shown || !data) return;
    const made = addNode(table, "table");
    addNode(made, "caption", {}, `${title}, as it was at ${new Date().toLocaleTimeString()}`);
    const row = addNode(addNode(made, "thead"), "tr");
    ["Time", ...names.slice(0, lines().length)].forEach((name) => addNode(row, "th", { scope: "col" }, name));
    const body = addNode(made, "tbody");
    data.points.forEach(([seconds], index) => {
      const cells = addNode(body, "tr");
      addNode(cells, "th", { scope: "row" }, chartTime(seconds));
      for (const { points, limit } of lines()) {
        const value = points[index]?.[1] ?? null;
        addNode(cells, "td", {}, value === null ? "no data" : `${format(value)}${limit && value > limit.value ? " ▲" : ""}`);
      }
    });
  }

  function read(index) {
    if (!data) return;
    reading = data.points[index]?.[0] ?? null;
    showSample();
  }

  showTable(false);
  toggle.addEventListener("click", () => showTable(table.hidden));
  slider.addEventListener("input", () => read(Number(slider.value)));
  slider.addEventListener("focus", () => read(Number(slider.value)));
  slider.addEventListener("blur", () => read(-1));
  plot.addEventListener("pointerleave", () => document.activeElement !== slider && read(-1));
  plot.addEventListener("pointermove", (event) => {
    if (!scale || !data.points.length) return;
    const at = event.clientX - plot.getBoundingClientRect().left;
    const far = data.points.map(([seconds]) => Math.abs(scale.x(seconds) - at));
    read(far.indexOf(Math.min(...far)));
  });
  const observer = new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    draw();
  });
  observer.observe(plot);

  return {
    element: figure,
    update(next) {
      data = next;
      const told = lines().map((series, line) => chartSentence(data.second ? names[line] : title, series, format));
      say(sentence, told.join(". "));
      say(legend, data.second ? `━ ${names[0]}  ┅ ${names[1]}` : "");
      draw();
    },
    destroy() {
      observer.disconnect();
      figure.remove();
    },
  };
}
