// What was the page opened for, and when does it end?
const idIn = (value) => [value?.canaryId, value?.jobId, value?.id].find((id) => typeof id === 'string' && id.length > 0 && id.length <= 200);
hears['ui/notifications/tool-input'] = (params) => {
  const id = idIn(params.arguments);
  if (id) turnTo(id);
};
hears['ui/notifications/tool-result'] = (result) => {
  if (result.isError) return notice('err', sentence(saidIn(result) || 'The call failed'));
  const content = contentOf(result) ?? {}, task = isJob(String(result.taskId)) || isCanary(String(result.taskId)) ? result.taskId : undefined, id = idIn(content) ?? task;
  const found = [content, ...[content.jobs ?? [], content.canaries ?? []].flat()].map((one) => isThing(one) ? keepStanding(one) : null).filter(Boolean);
  if (Array.isArray(content.models)) models = content.models;
  if (id) turnTo(id);
  if (id) answers = {...answers, ...(Array.isArray(content.facts) && {facts: content.facts}), ...(found.length && {status: content, points: content.series})};
  if (!mayCall() && !found.length && !content.models && !content.facts) {
    selected = '';
    attribute($('main'), 'data-screen', 'list');
    show($('given'), true);
    say($('given-text'), saidIn(result) || 'Nothing.');
  }
  changed('list', 'detail');
};
hears['ui/notifications/tool-cancelled'] = () => notice('warn', 'The call that this page was opened for was cancelled.');
const end = () => {
  over = true;
  clearTimeout(timer);
  link.state = 'gone';
  changed('link', 'detail');
};
replies['ui/resource-teardown'] = () => {end(); return {};};

const begin = async () => {
  if (parent === self) throw Error('This page lives in an MCP client that shows apps. The cockpit of the daemon is at /cockpit.html.');
  host = await request('ui/initialize', {protocolVersion: '2026-01-26', appInfo: {name: 'lukhas-mcp cockpit', version: '1'}, appCapabilities: {availableDisplayModes: ['inline', 'fullscreen']}}, 10000);
  contextChanged(isThing(host.hostContext) ? host.hostContext : {});
  tell('ui/notifications/initialized');
  measure();
  if (mayCall()) return plan(0);
  link.state = 'given';
  notice('warn', 'This host passes no calls on to the daemon: what is shown is what the call gave, and it cannot be refreshed.');
  changed('link', 'list', 'detail');
};
changed('link', 'list', 'detail');
begin().catch((error) => {
  link.state = 'gone';
  changed('link');
  notice('err', error.message);
});
