// How does a tool's input schema become a form, and what was typed become arguments?
//
// Every schema gets a field: what has no control of its own is typed as JSON and checked. What is left
// empty is left out, so that the daemon's defaults stay the daemon's. Texts of the schema are only text.

let formCount = 0;

/** Follows a reference, and takes the null out of a type that may be absent. */
function plainSchema(schema, root) {
  if (schema.$ref) {
    const { $ref, ...own } = schema;
    return plainSchema({ ...$ref.slice(2).split("/").reduce((at, name) => at[name], root), ...own }, root);
  }
  const options = schema.anyOf ?? schema.oneOf ?? [];
  const some = options.filter((option) => option.type !== "null");
  if (some.length === 1 && options.length === 2) {
    const { anyOf, oneOf, ...own } = schema;
    return { ...plainSchema(some[0], root), ...own };
  }
  const types = [schema.type].flat().filter((type) => type !== "null");
  return { ...schema, type: types.length === 1 ? types[0] : undefined };
}

/** The values there are, each with its meaning; undefined if they are not counted. */
function schemaChoices({ oneOf, enum: values }) {
  if (oneOf?.every((option) => "const" in option)) return oneOf.map((option) => [option.const, option.description]);
  return values?.filter((value) => value !== null).map((value) => [value]);
}

/** `windowSeconds` as "Window (seconds)", `latency_p95_ms` as "Latency p95 (ms)". */
function readableName(name) {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replaceAll("_", " ").toLowerCase().replace(/\bid$/, "ID");
  return words[0].toUpperCase() + words.slice(1).replace(/ (seconds|ms)$/, " ($1)");
}

/** What is wrong with a text or a number, as one sentence; undefined if nothing is. */
function valueProblem(value, { type, minimum = -Infinity, maximum = Infinity, minLength = 0, maxLength = Infinity, pattern }) {
  if (typeof value === "number") {
    if (!Number.isFinite(value) || (type === "integer" && !Number.isSafeInteger(value))) return `Give a ${type === "integer" ? "whole " : ""}number.`;
    if (value < minimum || value > maximum) return `Give ${minimum > -Infinity ? `at least ${minimum}` : ""}${minimum > -Infinity && maximum < Infinity ? " and " : ""}${maximum < Infinity ? `at most ${maximum}` : ""}.`;
    return undefined;
  }
  const length = [...value].length;
  if (length > maxLength) return `Give at most ${maxLength} characters; these are ${length}.`;
  if (length < minLength) return `Give at least ${minLength} characters.`;
  if (!pattern || new RegExp(pattern, "u").test(value)) return undefined;
  const [, letters, count] = /^\^\[([^\]]+)\]\{([\d,]+)\}\$$/.exec(pattern) ?? [];
  return letters ? `Give ${count.replace(",", " to ")} characters, each one of ${letters}.` : `Give a text of the form ${pattern}.`;
}

/**
 * A form made of a JSON schema.
 *
 * `hidden` names properties, or paths such as `policy.targets`, that are not shown; their initial
 * values are sent as they are. `first` names optional ones that stand with the required ones.
 * `suggestions` offers values by name. `read()` answers what is to be sent and what is wrong with it;
 * `show(problems)` writes each beside its field, or on top when it has none.
 */
function createForm(schema, { initial = {}, hidden = [], first = [], suggestions = {} } = {}) {
  const prefix = `form-${(formCount += 1)}`;
  const fields = new Map();

  /** A control with its label, help and problem; `readValue` answers its value, or undefined. */
  function field({ path, name, property, required }, control, readValue, note = "") {
    const at = path.join(".");
    const id = `${prefix}-${at}`;
    const group = control.tagName === "FIELDSET";
    const text = `${property.description ?? ""} ${note}`.replaceAll("`", "").trim();
    const help = el("p", { class: "help", id: `${id}-help` }, text);
    const problem = el("p", { class: "problem", id: `${id}-problem`, hidden: true });
    control.setAttribute("aria-describedby", `${text ? `${help.id} ` : ""}${problem.id}`);
    const label = el("label", { for: id }, readableName(name));
    if (!group) control.id = id;
    if (!group && required) {
      control.setAttribute("aria-required", "true");
      label.append(el("span", { class: "required" }, " required"));
    }
    fields.set(at, { inputs: group ? [...control.elements] : [control], problem });
    const box = control.type === "checkbox";
    const element = el("div", { class: box ? "field check" : "field" }, ...(group ? [control] : box ? [control, label] : [label, control]));
    if (text) element.append(help);
    element.append(problem);
    return {
      element,
      read(problems) {
        const found = readValue((sentence) => sentence && problems.push({ path: at, sentence }));
        if (found === undefined && required) problems.push({ path: at, sentence: `${readableName(name)} is needed.` });
        return found;
      },
    };
  }

  /** A control of text; `parse` gets what is not empty, and may complain. */
  function typed(place, control, start, parse, note) {
    control.value = start ?? "";
    return field(place, control, (complain) => (control.value.trim() === "" ? undefined : parse(control.value, complain)), note);
  }

  const area = (rows) => el("textarea", { rows, spellcheck: "false" });

  function objectField({ property, path, name, required }, start = {}, top = false) {
    const wanted = property.required ?? [];
    const parts = Object.entries(property.properties).map(([key, inner]) => {
      const at = [...path, key];
      if (hidden.includes(key) || hidden.includes(at.join("."))) return { key, read: () => start?.[key] };
      const place = { path: at, name: key, property: plainSchema(inner, schema), required: wanted.includes(key) };
      return { key, ...anyField(place, start?.[key]) };
    });
    const order = top ? [...wanted, ...first] : Object.keys(property.properties);
    const rank = ({ key }) => (order.indexOf(key) + 1 || Infinity);
    const shown = parts.filter((part) => part.element).sort((one, other) => rank(one) - rank(other) || 0);
    const [plain, rest] = [true, false].map((early) => shown.filter((part) => rank(part) < Infinity === early).map((part) => part.element));
    const element = el(top ? "div" : "fieldset", { class: top ? "form" : "group" });
    if (!top) element.append(el("legend", {}, readableName(name)));
    if (!top && property.description) element.append(el("p", { class: "help" }, property.description.replaceAll("`", "")));
    element.append(...(plain.length ? plain : rest));
    if (plain.length && rest.length) element.append(el("details", {}, el("summary", {}, "More settings"), ...rest));
    return {
      element,
      read(problems) {
        const own = [];
        const value = Object.fromEntries(parts.map((part) => [part.key, part.read(own)]).filter(([, found]) => found !== undefined));
        const typedWrong = own.some(({ path: at }) => fields.get(at).inputs.some((input) => input.type !== "checkbox" && input.value));
        if (!required && !typedWrong && Object.keys(value).length === 0) return undefined;
        problems.push(...own);
        return value;
      },
    };
  }

  function choiceField(place, choices, start) {
    const texts = choices.map(([value, meaning]) => (meaning ? `${value}: ${meaning}` : String(value)));
    if (place.property.type === "array") {
      const boxes = choices.map(() => el("input", { type: "checkbox" }));
      boxes.forEach((box, index) => (box.checked = start?.includes(choices[index][0]) ?? false));
      const labels = boxes.map((box, index) => el("label", { class: "check" }, box, ` ${texts[index]}`));
      return field(place, el("fieldset", { class: "group" }, el("legend", {}, readableName(place.name)), ...labels), () => {
        const chosen = choices.filter((_, index) => boxes[index].checked).map(([value]) => value);
        return chosen.length ? chosen : undefined;
      });
    }
    const usual = place.property.default;
    const select = el("select", {}, el("option", { value: "" }, place.required ? "Choose…" : usual ? `Default: ${usual}` : "Default"));
    select.append(...texts.map((text, index) => el("option", { value: index }, text)));
    const chosen = choices.findIndex(([value]) => value === start);
    select.value = chosen < 0 ? "" : String(chosen);
    return field(place, select, () => choices[select.value || -1]?.[0]);
  }

  function anyField(place, start) {
    const { property, name, path } = place;
    const { type, default: usual } = property;
    const items = type === "array" && property.items ? plainSchema(property.items, schema) : {};
    const choices = schemaChoices(type === "array" ? items : property);
    if (choices?.length) return choiceField(place, choices, start);
    if (type === "object" && property.properties) return objectField(place, start);
    if (type === "boolean") {
      const box = el("input", { type: "checkbox" });
      box.checked = start ?? usual ?? false;
      return field({ ...place, required: false }, box, () => (place.required || box.checked !== (usual ?? false) ? box.checked : undefined));
    }
    const input = el("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: usual });
    if (type === "integer" || type === "number") {
      input.inputMode = type === "integer" ? "numeric" : "decimal";
      return typed(place, input, start, (text, complain) => {
        complain(valueProblem(Number(text), property));
        return Number(text);
      });
    }
    if (type === "string") {
      const long = /^(contents|patch|message|reason)$/.test(name);
      const made = typed(place, long ? area(3) : input, start, (text, complain) => {
        complain(valueProblem(text, property));
        return text;
      });
      const offered = suggestions[path.join(".")] ?? suggestions[name];
      if (offered && !long) {
        input.setAttribute("list", `${input.id}-list`);
        made.element.append(el("datalist", { id: `${input.id}-list` }, ...offered.map((value) => el("option", { value }))));
      }
      return made;
    }
    if (items.type === "string") {
      return typed(place, area(3), start?.join("\n"), (text, complain) => {
        const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
        complain(lines.map((line) => valueProblem(line, items)).find(Boolean));
        return lines;
      }, "One a line.");
    }
    return typed(place, area(4), start === undefined ? "" : JSON.stringify(start, null, 2), (text, complain) => {
      try {
        const value = JSON.parse(text);
        if (type === "array" && !Array.isArray(value)) complain("Give a list: [ … ].");
        if (type === "object" && (value === null || typeof value !== "object" || Array.isArray(value))) complain("Give an object: { … }.");
        return value;
      } catch (error) {
        complain(`This is not JSON: ${error.message}.`);
        return null;
      }
    }, "As JSON.");
  }

  const top = objectField({ path: [], property: { properties: {}, ...plainSchema(schema, schema) }, required: true }, initial, true);
  const summary = el("div", { class: "problems", role: "alert", hidden: true });
  top.element.prepend(summary);

  function mark({ inputs, problem }, sentence) {
    problem.textContent = sentence;
    problem.hidden = !sentence;
    for (const input of inputs) input.setAttribute("aria-invalid", String(Boolean(sentence)));
    for (const details of sentence ? top.element.querySelectorAll("details") : []) details.open ||= details.contains(problem);
  }

  return {
    element: top.element,
    read() {
      const problems = [];
      return { value: top.read(problems), problems };
    },
    show(problems) {
      for (const each of fields.values()) mark(each, "");
      for (const { path, sentence } of problems) if (fields.has(path)) mark(fields.get(path), sentence);
      summary.replaceChildren(...problems.filter(({ path }) => !fields.has(path)).map(({ sentence }) => el("p", {}, sentence)));
      summary.hidden = !summary.hasChildNodes();
      fields.get(problems.find(({ path }) => fields.has(path))?.path)?.inputs[0].focus();
    },
  };
}
