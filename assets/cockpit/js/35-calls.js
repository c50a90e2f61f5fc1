// How is the daemon asked and told? Tools over /mcp, reports as files, and all of it as curl.
class Refusal extends Error {}
let rpcId = 0, toolList = null;
const post = async (method, params) => {
  let response;
  try {
    response = await fetch('/mcp', { method: 'POST', headers: withKey({ 'Content-Type': 'application/json', Accept: 'application/json' }), body: JSON.stringify({ jsonrpc: '2.0', id: ++rpcId, method, params }) });
  } catch { throw new Refusal('The daemon cannot be reached. Nothing is known of whether it was done; look again when the page is live.'); }
  const wait = Number(response.headers.get('Retry-After'));
  let body;
  try { body = await response.json(); } catch { throw new Refusal(`The daemon answered ${response.status} and nothing readable. Its log tells more.`); }
  if (response.status === 401) throw new Refusal('The daemon does not know this key. Enter one that it knows.');
  if (response.status === 429) throw new Refusal(`Too many requests. Try again${wait ? ` in ${wait} s` : ''}.`);
  if (body.error) throw new Refusal(sentence(body.error.message ?? body.error));
  return body.result;
};
const call = async (name, args = {}) => {
  const result = await post('tools/call', { name, arguments: args });
  if (result.isError) throw new Refusal(result.content?.[0]?.text ?? 'The tool failed and said nothing.');
  return result.structuredContent ?? {};
};
const tools = async () => toolList ??= new Map((await post('tools/list')).tools.map((tool) => [tool.name, tool]));
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const curlOf = (name, args) => `curl -s ${location.origin}/mcp -H 'Content-Type: application/json'${you?.open ? '' : ' -H "X-API-Key: $LUKHAS_MCP_API_KEY"'} -d ${quoted(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }))}`;
const report = async (id, format) => {
  try {
    const response = await fetch(`/api/report/${encodeURIComponent(id)}?format=${format}`, { headers: withKey() });
    if (!response.ok) throw new Refusal(`The report could not be fetched: the daemon answered ${response.status}.`);
    save(await response.blob(), `${id}.${format}`);
    flash(`Report ${id}.${format} saved.`);
  } catch (error) { flash(error instanceof Refusal ? error.message : 'The report could not be fetched: the daemon cannot be reached.', 'err'); }
};
// A line that says what came of an action, and goes again.
let flashTimer = 0;
const flash = (text, tone = 'ok') => {
  notice(tone, text, 'Dismiss', () => notice());
  announce(text);
  clearTimeout(flashTimer);
  flashTimer = setTimeout(() => $('notice').textContent.startsWith(text) && notice(), tone === 'err' ? 20000 : 6000);
};
