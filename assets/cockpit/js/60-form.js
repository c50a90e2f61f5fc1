// How does a tool's input schema become a form, and what was typed become arguments? What has no
// field of its own is typed as JSON; what is left empty is left out, for the daemon's own default.
let formCount = 0;
// Follows references, and takes the null out of what may be absent.
const plainSchema = ({ $ref, ...schema }, root) => {
  if ($ref) return plainSchema({ ...$ref.slice(2).split('/').reduce((at, name) => at[name], root), ...schema }, root);
  const options = schema.anyOf ?? schema.oneOf ?? [], some = options.filter(({ type }) => type !== 'null');
  if (some.length === 1 && options.length === 2) return { ...plainSchema(some[0], root), ...schema, anyOf: undefined, oneOf: some[0].oneOf, type: plainSchema(some[0], root).type };
  const types = [schema.type].flat().filter((type) => type !== 'null');
  return { ...schema, type: types.length === 1 ? types[0] : undefined };
};
const choicesOf = ({ oneOf, enum: values }) => oneOf?.every((option) => 'const' in option) ? oneOf.map((option) => [option.const, option.description]) : values?.filter((value) => value !== null).map((value) => [value]);
// `windowSeconds` as "Window (seconds)".
const readable = (name) => {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ').toLowerCase().replace(/\bid$/, 'ID');
  return words[0].toUpperCase() + words.slice(1).replace(/ (seconds|ms)$/, ' ($1)');
};
// What is wrong with a value, in a sentence.
const faultOf = (value, { type, minimum = -Infinity, maximum = Infinity, minLength = 0, maxLength = Infinity, pattern }) => {
  if (typeof value === 'number') {
    if (!(type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value))) return `Give a ${type === 'integer' ? 'whole ' : ''}number.`;
    return value < minimum ? `Give at least ${minimum}.` : value > maximum && `Give at most ${maximum}.`;
  }
  const length = [...value].length;
  if (length > maxLength) return `Give at most ${maxLength} characters; these are ${length}.`;
  if (length < minLength) return `Give at least ${minLength} characters.`;
  if (!pattern || new RegExp(pattern, 'u').test(value)) return '';
  const [, letters, amount] = /^\^\[([^\]]+)\]\{([\d,]+)\}\$$/.exec(pattern) ?? [];
  return letters ? `Give ${amount.replace(',', ' to ')} characters, each one of ${letters}.` : `Give a text of the form ${pattern}.`;
};

// `hidden` are names, or paths such as policy.targets, whose initial values are sent as they are;
// `first` are optional names that stand with the required ones. `show` writes each problem beside
// its field, or on top when it has none.
const createForm = (schema, { initial = {}, hidden = [], first = [], suggestions = {} } = {}) => {
  const form = `form-${++formCount}`, fields = new Map();
  const helpText = (text) => text.replaceAll('`', '').trim();
  // A control with its label, help and problem; `get` gives its value, or undefined, or complains.
  const field = ({ path, name, property, required }, control, get, note = '') => {
    const at = path.join('.'), id = `${form}-${at}`, group = control.tagName === 'FIELDSET', help = helpText(`${property.description ?? ''} ${note}`);
    const problem = el('p.problem', { id: `${id}-problem`, hidden: true }), inputs = group ? [...control.elements] : [control];
    attribute(control, 'aria-describedby', `${help ? `${id}-help ` : ''}${id}-problem`);
    fields.set(at, { inputs, problem });
    const label = !group && el('label', { for: id }, readable(name), required && el('span.required', null, ' required'));
    if (label) { control.id = id; attribute(control, 'aria-required', required && 'true'); }
    const box = control.type === 'checkbox';
    return { element: el(box ? 'div.field.check' : 'div.field', null, box ? [control, label] : [label, control], help && el('p.help', { id: `${id}-help` }, help), problem), read(problems) {
      const value = get((sentence) => sentence && problems.push({ path: at, sentence }));
      if (value === undefined && required) problems.push({ path: at, sentence: `${readable(name)} is needed.` });
      return value;
    } };
  };
  const typed = (place, control, start, parse, note) => {
    control.value = start ?? '';
    return field(place, control, (complain) => control.value.trim() === '' ? undefined : parse(control.value, complain), note);
  };
  const area = () => el('textarea', { rows: 3, spellcheck: 'false' });
  const fieldset = (name, ...content) => el('fieldset.group', null, el('legend', null, readable(name)), ...content);
  const objectField = ({ property, path, name, required }, start, top) => {
    const { required: needed = [], properties = {} } = property, early = [...needed, ...first];
    const parts = Object.entries(properties).map(([key, inner]) => {
      const at = [...path, key];
      if (hidden.includes(key) || hidden.includes(at.join('.'))) return { key, read: () => start?.[key] };
      return { key, ...anyField({ path: at, name: key, property: plainSchema(inner, schema), required: needed.includes(key) }, start?.[key]) };
    });
    const shown = parts.filter(({ element }) => element), isEarly = ({ key }) => !top || early.includes(key);
    const front = shown.filter(isEarly).sort((one, other) => top ? early.indexOf(one.key) - early.indexOf(other.key) : 0).map(({ element }) => element);
    const rest = shown.filter((one) => !isEarly(one)).map(({ element }) => element);
    const more = rest.length && front.length ? el('details', null, el('summary', null, 'More settings'), rest) : rest;
    return { element: top ? el('div.form', null, front, more) : fieldset(name, property.description && el('p.help', null, helpText(property.description)), ...front), read(problems) {
      const own = [], value = {};
      for (const { key, read } of parts) { const found = read(own); if (found !== undefined) value[key] = found; }
      const touched = own.some((problem) => fields.get(problem.path).inputs.some((input) => input.type !== 'checkbox' && input.value));
      if (!required && !touched && !Object.keys(value).length) return undefined;
      problems.push(...own);
      return value;
    } };
  };
  const choiceField = (place, choices, start) => {
    const { name, property: { type, default: usual }, required } = place, texts = choices.map(([value, meaning]) => meaning ? `${value}: ${meaning}` : String(value));
    if (type === 'array') {
      const boxes = choices.map(([value]) => Object.assign(el('input', { type: 'checkbox' }), { checked: start?.includes(value) }));
      return field(place, fieldset(name, ...boxes.map((box, index) => el('label.check', null, box, ` ${texts[index]}`))), () => {
        const chosen = choices.flatMap(([value], index) => boxes[index].checked ? [value] : []);
        return chosen.length ? chosen : undefined;
      });
    }
    const select = el('select', null, el('option', { value: '' }, required ? 'Choose…' : usual ? `Default: ${usual}` : 'Default'), texts.map((text, index) => el('option', { value: index }, text)));
    select.selectedIndex = 1 + choices.findIndex(([value]) => value === start);
    return field(place, select, () => choices[select.selectedIndex - 1]?.[0]);
  };
  const anyField = (place, start) => {
    const { property, name, path, required } = place, { type, default: usual } = property;
    const items = type === 'array' && property.items ? plainSchema(property.items, schema) : {}, choices = choicesOf(type === 'array' ? items : property);
    if (choices?.length) return choiceField(place, choices, start);
    if (type === 'object' && property.properties) return objectField(place, start);
    if (type === 'boolean') {
      const box = Object.assign(el('input', { type: 'checkbox' }), { checked: start ?? usual ?? false });
      return field({ ...place, required: false }, box, () => required || box.checked !== (usual ?? false) ? box.checked : undefined);
    }
    const input = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: usual });
    if (type === 'integer' || type === 'number') {
      input.inputMode = type === 'integer' ? 'numeric' : 'decimal';
      return typed(place, input, start, (text, complain) => { complain(faultOf(Number(text), property)); return Number(text); });
    }
    if (type === 'string') {
      const long = /^(contents|patch|message|reason)$/.test(name), offered = !long && (suggestions[path.join('.')] ?? suggestions[name]);
      const made = typed(place, long ? area() : input, start, (text, complain) => { complain(faultOf(text, property)); return text; });
      if (offered) {
        attribute(input, 'list', `${input.id}-list`);
        made.element.append(el('datalist', { id: `${input.id}-list` }, offered.map((value) => el('option', { value }))));
      }
      return made;
    }
    if (items.type === 'string') {
      return typed(place, area(), start?.join('\n'), (text, complain) => {
        const lines = text.split('\n').map((line) => line.trim()).filter(Boolean);
        complain(lines.map((line) => faultOf(line, items)).find(Boolean));
        return lines;
      }, 'One a line.');
    }
    return typed(place, area(), start === undefined ? '' : JSON.stringify(start, null, 2), (text, complain) => {
      try {
        const value = JSON.parse(text), kind = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
        complain(type === 'array' && kind !== type ? 'Give a list: [ … ].' : type === 'object' && kind !== type && 'Give an object: { … }.');
        return value;
      } catch (error) {
        complain(`This is not JSON: ${error.message}.`);
        return null;
      }
    }, 'As JSON.');
  };
  const top = objectField({ path: [], property: plainSchema(schema, schema), required: true }, initial, true), summary = el('div.problems', { role: 'alert', hidden: true });
  top.element.prepend(summary);
  const mark = ({ inputs, problem }, sentence) => {
    say(problem, sentence);
    show(problem, sentence !== '');
    for (const input of inputs) attribute(input, 'aria-invalid', String(sentence !== ''));
    if (sentence) for (const details of top.element.querySelectorAll('details')) details.open ||= details.contains(problem);
  };
  return { element: top.element, read() { const problems = []; return { value: top.read(problems), problems }; }, show(problems) {
    const here = problems.filter(({ path }) => fields.has(path)), loose = problems.filter(({ path }) => !fields.has(path));
    for (const one of fields.values()) mark(one, '');
    for (const { path, sentence } of here) mark(fields.get(path), sentence);
    summary.replaceChildren(...loose.map(({ sentence }) => el('p', null, sentence)));
    show(summary, loose.length > 0);
    if (here.length) fields.get(here[0].path).inputs[0].focus();
  } };
};
