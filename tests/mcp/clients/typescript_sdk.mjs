// The official TypeScript SDK, first generation: the handshake of 2025-11-25, with a session.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

import {
  Checks, PATIENCE, PROMPTS, TURN, address, amongOthers, endsAtTheDaemon, failure, finish, key, toldNoMore, until,
  world,
} from './checks.mjs';

const checks = new Checks('TypeScript SDK 1.32.2, 2025-11-25', [
  'connect', 'tools', 'structured', 'resources', 'prompts', 'completion', 'progress', 'cancel', 'confirm',
  'subscriptions', 'logging',
]);
const client = new Client({ name: 'typescript-sdk', version: '1' }, { capabilities: { elicitation: {} } });
const requestInit = { headers: { 'X-API-Key': key } };
const transport = new StreamableHTTPClientTransport(new URL(`${address}/mcp`), { requestInit });
const call = (name, given, options) => client.callTool({ name, arguments: given }, undefined, options);
const started = async (taskId) => (await call('run_eval', { taskId, configId: 'default' })).structuredContent.jobId;

await checks.area('connect', async () => {
  await client.connect(transport);
  checks.that('connect', 'revision 2025-11-25', transport.protocolVersion === '2025-11-25', transport.protocolVersion);
  checks.that('connect', 'with a session', Boolean(transport.sessionId), transport.sessionId);
});

await checks.area('tools', async () => {
  const names = (await client.listTools()).tools.map((tool) => tool.name);
  checks.that('tools', 'search is first, fetch second', names[0] === 'search' && names[1] === 'fetch', names);
  const error = await failure(call('no_such_tool', {}));
  checks.that('tools', 'an unknown tool is an error', error?.code === -32602, error);
});

await checks.area('structured', async () => {
  // The client holds each answer against the output schema it listed.
  for (const [tool, given] of [
    ['status', { jobId: world.failed }],
    ['canary_status', { canaryId: world.watched }],
    ['fetch', { id: world.done }],
    ['list_models', {}],
  ]) {
    const answer = await call(tool, given);
    checks.that('structured', tool, answer.isError !== true && answer.structuredContent, answer);
  }
});

await checks.area('resources', async () => {
  const { resourceTemplates } = await client.listResourceTemplates();
  checks.that('resources', 'templates', resourceTemplates.length >= 5, resourceTemplates);
  const uris = (await client.listResources()).resources.map((resource) => resource.uri);
  checks.that('resources', 'a job is listed', uris.includes(`job://${world.failed}`), uris);
  const { contents } = await client.readResource({ uri: `canary://${world.watched}` });
  checks.that('resources', 'a canary', contents[0].text.includes('RUNNING'), contents);
  const error = await failure(client.readResource({ uri: 'repo://no/such/file' }));
  checks.that('resources', 'one that is not there is an error', error?.code === -32002, error);
});

await checks.area('prompts', async () => {
  const { prompts } = await client.listPrompts();
  const offered = PROMPTS.map((wanted) => prompts.find(({ name }) => name === wanted));
  checks.that('prompts', 'are listed', offered.every(Boolean), prompts);
  for (const prompt of offered) {
    const given = {};
    for (const { name, required } of prompt.arguments ?? []) {
      const ref = { type: 'ref/prompt', name: prompt.name };
      const { completion } = await client.complete({ ref, argument: { name, value: '' }, context: { arguments: given } });
      if (completion.values.length > 0 || required) given[name] = completion.values[0] ?? 'words';
    }
    const { messages } = await client.getPrompt({ name: prompt.name, arguments: given });
    checks.that('prompts', `${prompt.name} ${JSON.stringify(given)}`, messages.length > 0, messages);
  }
});

await checks.area('completion', async () => {
  const ref = { type: 'ref/resource', uri: 'repo://{path}' };
  const { completion } = await client.complete({ ref, argument: { name: 'path', value: 'READ' } });
  checks.that('completion', 'the files of the repository', completion.values.includes('README.md'), completion);
});

const progress = async () => {
  const jobId = await started('steps');
  const told = [];
  const onprogress = ({ progress: done }) => told.push(done);
  const answer = await call('status', { jobId, waitSeconds: 15 }, { onprogress });
  checks.that('progress', `was told ${told.length} times`, told.length >= 2, told);
  const rises = told.length > 0 && told.every((done, i) => i === 0 || told[i - 1] < done);
  checks.that('progress', 'only rises', rises, told);
  const { status } = answer.structuredContent;
  checks.that('progress', 'the answer comes at the end', status === 'COMPLETED', status);
};
await checks.area('progress', () => amongOthers(progress), TURN + PATIENCE);

await checks.area('cancel', async () => {
  const given = { jobId: world.sleeping, waitSeconds: 20 };
  await endsAtTheDaemon(checks, (signal) => call('status', given, { signal }));
  const { status } = (await call('status', { jobId: world.sleeping })).structuredContent;
  checks.that('cancel', 'the job goes on', status === 'RUNNING', status);
}, TURN + PATIENCE);

await checks.area('confirm', async () => {
  const asked = [];
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    asked.push(params.message);
    return { action: 'accept', content: { confirm: true } };
  });
  const answer = await call('promote_model', { modelId: 'asked-sdk:v1', gate: 'staging' });
  const good = asked.length === 1 && answer.isError !== true && answer.structuredContent.promoted;
  checks.that('confirm', 'the user is asked, and yes promotes', good, [asked, answer]);
});

await checks.area('subscriptions', async () => {
  const uris = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    uris.push(params.uri);
  });
  const jobId = await started('steps');
  const uri = `job://${jobId}`;
  await client.subscribeResource({ uri });
  await until('an update', () => uris.length > 0);
  checks.that('subscriptions', 'its change is told', uris[0] === uri, uris);
  await client.unsubscribeResource({ uri });
  await toldNoMore(checks, uris, async () => (await call('status', { jobId })).structuredContent);
});

await checks.area('logging', async () => {
  await client.setLoggingLevel('debug');
  checks.that('logging', 'its level is taken', true);
  await client.ping();
  checks.that('logging', 'a ping is answered', true);
});

await checks.area('connect', async () => {
  await transport.terminateSession();
  checks.that('connect', 'the session is ended', transport.sessionId === undefined, transport.sessionId);
  await client.close();
});
finish(checks);
