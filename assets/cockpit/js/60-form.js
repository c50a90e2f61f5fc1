// How does a schema become a form, and what was typed arguments? The daemon judges values.
const plainSchema = ({$ref, ...schema}, root) => {
  if ($ref) return plainSchema({...$ref.slice(2).split('/').reduce((at, name) => at[name], root), ...schema}, root);
  const options = schema.anyOf ?? schema.oneOf ?? [], [one, ...others] = options.filter(({type}) => type !== 'null');
  if (options.length === 2 && one && !others.length) return {...schema, anyOf: undefined, oneOf: undefined, ...plainSchema({...one, description: schema.description ?? one.description}, root)};
  return {...schema, type: [schema.type].flat().filter((type) => type !== 'null')[0]};
};
// `hidden` names or paths keep their initial values; `first` stand with the required.
const createForm = (schema, {initial = {}, hidden = [], first = [], known = () => []} = {}) => {
  const form = `form-${++ids}`, fields = new Map(), plain = (text = '') => text.replaceAll('`', '');
  const fieldOf = (path, name, property, required, start) => {
    const {type, properties, description, default: usual, oneOf, enum: values} = property, id = `${form}-${path}`;
    if (type === 'object' && properties) return objectOf(path, name, property, required, start);
    const choices = oneOf?.every((option) => 'const' in option) ? oneOf.map((option) => [option.const, option.description]) : values?.filter((value) => value !== null).map((value) => [value]);
    const isBox = type === 'boolean', isJson = !choices && !['string', 'number', 'integer', 'boolean'].includes(type), isLong = isJson || /^(contents|patch|message|reason)$/.test(name), offered = isLong ? [] : known(name);
    const common = {id, 'aria-describedby': `${id}-help ${id}-problem`, 'aria-required': required && !isBox ? 'true' : null};
    const control = choices ? el('select', common, el('option', {value: ''}, required ? 'Choose…' : 'Default'), choices.map(([value, meaning]) => el('option', meaning ? `${value}: ${plain(meaning)}` : value)))
      : isLong ? el('textarea', {...common, rows: 3}) : el('input', {...common, type: isBox ? 'checkbox' : 'text', autocomplete: 'off', spellcheck: 'false', placeholder: isBox ? null : usual, list: `${id}-list`});
    if (isBox) control.checked = start ?? usual ?? false;
    else if (choices) control.selectedIndex = 1 + choices.findIndex(([value]) => value === start);
    else control.value = isJson && start != null ? JSON.stringify(start, null, 2) : start ?? '';
    const problem = el('p.problem', {id: `${id}-problem`}), label = el('label', {for: id}, readable(name), required && !isBox && el('span.muted', ' required'));
    fields.set(path, {control, problem});
    return {element: el(isBox ? 'div.field.check' : 'div.field', isBox ? [control, label] : [label, control], el('p.help', {id: `${id}-help`}, plain(description), isJson && ' As JSON.'), problem, el('datalist', {id: `${id}-list`}, offered.map((value) => el('option', {value})))), read(problems) {
      if (isBox) return required || control.checked !== (usual ?? false) ? control.checked : undefined;
      const text = control.value, complain = (sentence) => {problems.push({path, sentence});};
      if (text.trim() === '') return required ? complain(`${readable(name)} is needed.`) : undefined;
      if (choices) return choices[control.selectedIndex - 1][0];
      if (type === 'string') return text;
      try {
        const value = JSON.parse(text);
        if (!isJson && !Number.isFinite(value)) complain('Give a number.');
        return value;
      } catch {return complain(isJson ? 'This is not JSON.' : 'Give a number.');}
    }};
  };
  const objectOf = (path, name, property, required, start) => {
    const needed = property.required ?? [], early = [...needed, ...first];
    const parts = Object.entries(property.properties ?? {}).map(([key, inner]) => {
      const at = path ? `${path}.${key}` : key, isHidden = hidden.includes(key) || hidden.includes(at);
      return {key, ...(isHidden ? {read: () => start?.[key]} : fieldOf(at, key, plainSchema(inner, schema), needed.includes(key), start?.[key]))};
    });
    const shown = parts.filter(({element}) => element), isEarly = ({key}) => Boolean(path) || early.includes(key), rest = shown.filter((one) => !isEarly(one)).map(({element}) => element);
    const front = shown.filter(isEarly).sort((one, other) => path ? 0 : early.indexOf(one.key) - early.indexOf(other.key)).map(({element}) => element);
    return {element: el(path ? 'fieldset.group' : 'div.form', path && el('legend', readable(name)), path && el('p.help', plain(property.description)), front, front.length && rest.length ? el('details', el('summary', 'More settings'), rest) : rest), read(problems) {
      const own = [], value = Object.fromEntries(parts.map(({key, read}) => [key, read(own)]).filter(([, found]) => found !== undefined));
      if (!required && !Object.keys(value).length && own.every((one) => !fields.get(one.path).control.value)) return undefined;
      problems.push(...own);
      return value;
    }};
  };
  const top = objectOf('', '', plainSchema(schema, schema), true, initial), summary = el('p.problems', {role: 'alert'});
  top.element.prepend(summary);
  return {element: top.element, read() {const problems = []; return {value: top.read(problems), problems};}, show(problems) {
    const at = ({path}) => fields.get(path);
    say(summary, problems.filter((one) => !at(one)).map(({sentence}) => sentence).join(' '));
    for (const [path, {control, problem}] of fields) {
      const said = problems.find((one) => one.path === path)?.sentence ?? '';
      say(problem, said);
      attribute(control, 'aria-invalid', said !== '');
      if (said) for (let box = problem.closest('details'); box; box = box.parentElement.closest('details')) box.open = true;
    }
    at(problems.find(at) ?? {})?.control.focus();
  }};
};
