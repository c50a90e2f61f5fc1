// How does the page talk with its host? By JSON-RPC, and with the window that it is in alone.
const SILENCE_MS = 30000;
const pending = new Map(), hears = {__proto__: null}, replies = {__proto__: null, ping: () => ({})};
let requests = 0, host = null;
const post = (message) => parent.postMessage({jsonrpc: '2.0', ...message}, '*');
const tell = (method, params = {}) => post({method, params});
const request = (method, params, silence = SILENCE_MS) => new Promise((resolve, reject) => {
  const id = ++requests, end = (settled) => (value) => {clearTimeout(timer); pending.delete(id); settled(value);};
  const timer = setTimeout(end(reject), silence, Error(`The host did not answer for ${duration(silence / 1000)}.`));
  pending.set(id, {done: end(resolve), fail: end(reject)});
  post({id, method, params});
});
const reply = async (id, method, params) => {
  try {
    if (!replies[method]) return post({id, error: {code: -32601, message: `This page has no method ${method}.`}});
    post({id, result: await replies[method](params)});
  } catch (error) {post({id, error: {code: -32603, message: error.message}});}
};
addEventListener('message', ({source, data}) => {
  if (source !== parent || data?.jsonrpc !== '2.0') return;
  const {id, method, params, result, error} = data;
  if (typeof method === 'string') return id == null ? void hears[method]?.(params ?? {}) : void reply(id, method, params ?? {});
  const {done, fail} = pending.get(id) ?? {};
  if (error) fail?.(Error(`The host refused: ${sentence(error.message ?? 'it did not say why')}`));
  else done?.(result ?? {});
});

const mayCall = () => Boolean(host?.hostCapabilities?.serverTools);
const saidIn = (result) => [result?.content ?? []].flat().map((one) => one?.text).filter((text) => typeof text === 'string').join('\n');
const isThing = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
// Some hosts keep the text of an answer alone, which for most tools is the same as JSON.
const contentOf = (result) => {
  if (isThing(result?.structuredContent)) return result.structuredContent;
  try {
    const read = JSON.parse(saidIn(result));
    return isThing(read) ? read : null;
  } catch {return null;}
};
const call = async (name, args = {}) => {
  if (!mayCall()) throw Error('This host passes no calls on to the daemon.');
  const result = await request('tools/call', {name, arguments: args}), content = contentOf(result);
  if (result.isError) throw Error(sentence(saidIn(result) || `${name} failed`));
  if (!content) throw Error(`${name} gave no answer that can be shown: ask for it in the conversation.`);
  return content;
};
