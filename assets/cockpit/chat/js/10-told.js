// What happened in a conversation, as it is shown? Pure: a fold of its journal.
const OUTCOMES = {
  __proto__: null,
  wanted: ['◌', 'wanted', 'muted'], asks: ['◇', 'waits for approval', 'warn'], allowed: ['◌', 'allowed', 'accent'], running: ['●', 'running', 'accent'], ok: ['✓', 'done', 'ok'],
  error: ['✕', 'failed', 'err'], denied: ['■', 'not allowed', 'muted'], cancelled: ['■', 'not made', 'muted'], unknown: ['?', 'outcome unknown', 'warn'],
};
const parsed = (value) => {
  if (typeof value !== 'string') return value ?? {};
  try {return JSON.parse(value);} catch {return value;}
};
const ENDINGS = {
  __proto__: null,
  turn_end: ({extra: {status, message, code, retryable, by, cost, request_id: request}}) => ({kind: 'end', status, message, code, retryable, by, cost, request}),
  summary: ({extra}) => ({kind: 'note', text: `What was said up to event ${extra.to_seq} is summed up for the model from here on.`}),
  forked: ({extra}) => ({kind: 'note', text: 'Forked from ', other: extra.parent_id}),
};
const told = (events) => {
  const shown = [], calls = new Map();
  let asker = null;
  const of = (id) => {
    if (!calls.has(id)) {
      calls.set(id, {kind: 'call', id, state: 'wanted'});
      shown.push(calls.get(id));
    }
    return calls.get(id);
  };
  for (const {seq, timestamp: at, type, content: text = '', extra = {}, tool_calls: asked, tool_call_id: about, model, request_id: request} of events) {
    const wants = (asked ?? []).map(({id, name, arguments: args}) => [id, {seq, at, name, args: parsed(args)}]);
    if (type === 'user_message') {
      asker = {kind: 'user', seq, at, text, request};
      shown.push(asker);
    } else if (type === 'assistant_message') {
      if (text) shown.push({kind: 'assistant', seq, at, text, model, finish: extra.finish});
      for (const [id, call] of wants) Object.assign(of(id), call);
    } else if (type === 'tool_call') {
      for (const [id, call] of wants) Object.assign(of(id), {...call, server: extra.server, tool: extra.tool, state: 'running'});
    } else if (type === 'tool_result') Object.assign(of(about), {state: extra.outcome, result: text, over: at});
    else if (extra.kind === 'approval_requested') {
      const {approval_id: approval, call_id: id, server: from, tool, arguments: args, reason, expires_at: expires} = extra;
      Object.assign(of(id), {approval, server: from, tool, args, reason, expires, state: 'asks'});
    } else if (extra.kind === 'approval_decided') {
      const call = of(extra.call_id);
      Object.assign(call, {by: extra.by, denial: extra.reason, ...(call.state === 'asks' && {state: extra.allowed ? 'allowed' : 'denied'})});
    } else {
      const made = ENDINGS[extra.kind]?.({extra});
      if (made || text) shown.push({kind: 'note', text, ...made, seq, at});
      if (made?.kind === 'end') asker = null;
    }
  }
  return {shown, asker};
};

// What would hide or turn text around is shown as what it is.
const visible = (text, all = /[\p{Bidi_Control}\p{Cc}]/gu) => String(text ?? '').replace(all, (one) => '\n\t'.includes(one) ? one : `\\u{${one.codePointAt().toString(16)}}`);
const exact = (text) => visible(text, /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu);
const jsonOf = (value) => exact(typeof value === 'string' ? value : JSON.stringify(value, null, 2));

// The little of Markdown that models cannot do without: blocks of code, and code in a line.
const inline = (text) => text.split('`').map((piece, index, {length}) => index % 2 && index < length - 1 ? el('code', piece) : (index % 2 ? '`' : '') + piece);
const FENCE = /^ {0,3}(?:\x60{3,}|~{3,})/;
const proseOf = (text) => {
  const blocks = [];
  let code = null, lines = [];
  const flush = () => {
    const said = lines.join('\n');
    if (code != null) blocks.push(el('pre', {tabindex: 0, role: 'region', 'aria-label': 'Code'}, said));
    else for (const block of said.split(/\n{2,}/)) if (block.trim()) blocks.push(el('p', inline(block.trim())));
    lines = [];
  };
  for (const line of visible(text).split('\n')) {
    const [fence] = FENCE.exec(line) ?? [], mark = fence?.trim();
    if (mark && (code == null || (mark.startsWith(code) && line.trim() === mark))) {
      flush();
      code = code == null ? mark : null;
    } else lines.push(line);
  }
  flush();
  return blocks;
};
