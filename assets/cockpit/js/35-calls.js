// How is the daemon asked and told?
let rpcId = 0, toolList = null;
const saidBy = async (response) => {
  const {error, message} = await response.json().catch(() => ({}));
  return error?.message ?? message ?? error ?? response.statusText;
};
const ask = async (path, options) => {
  const response = await fetch(path, options).catch(() => {throw Error('The daemon cannot be reached: look later whether it was done.');});
  if (response.ok) return response;
  const wait = response.headers.get('Retry-After');
  throw Error(`The daemon refused (${response.status}): ${sentence(await saidBy(response))}${wait ? ` Try again in ${wait} s.` : ''}`);
};
const post = async (method, params) => {
  const response = await ask('/mcp', {method: 'POST', headers: withKey({'Content-Type': 'application/json', Accept: 'application/json'}), body: JSON.stringify({jsonrpc: '2.0', id: ++rpcId, method, params})});
  const {error, result} = await response.json();
  if (error) throw Error(sentence(error.message));
  return result;
};
const call = async (name, args = {}) => {
  const result = await post('tools/call', {name, arguments: args});
  if (result.isError) throw Error(result.content[0].text);
  return result.structuredContent;
};
const toolNamed = async (name) => {
  toolList ??= new Map((await post('tools/list')).tools.map((tool) => [tool.name, tool]));
  if (!toolList.has(name)) throw Error(`This daemon has no tool ${name}.`);
  return toolList.get(name);
};
const curlOf = (name, args) => `curl -s ${location.origin}/mcp -H 'Content-Type: application/json'${you?.open ? '' : ' -H "X-API-Key: $LUKHAS_MCP_API_KEY"'} -d '${JSON.stringify({jsonrpc: '2.0', id: 1, method: 'tools/call', params: {name, arguments: args}}).replaceAll("'", `'\\''`)}'`;
const report = async (id, format) => {
  try {
    const response = await ask(`/api/report/${encodeURIComponent(id)}?format=${format}`, {headers: withKey({})});
    save(await response.blob(), `${id}.${format}`);
    flash(`${id}.${format} saved.`);
  } catch (error) {flash(error.message, 'err');}
};
