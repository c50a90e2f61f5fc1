// The official TypeScript client, second generation, with the official client of tasks: the newest
// revision, found by itself and demanded, and the handshake.
import { Client, ResourceNotFoundError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { createTaskSessionFromClient } from '@modelcontextprotocol/ext-tasks/client';

import {
  ALL, Checks, PATIENCE, PROMPTS, TURN, address, amongOthers, endsAtTheDaemon, failure, finish, key, toldNoMore, until,
  within, world,
} from './checks.mjs';

const NEWEST = '2026-07-28';
const AREAS = [
  'connect', 'tools', 'structured', 'resources', 'prompts', 'completion', 'progress', 'cancel', 'confirm', 'subscriptions',
];
// Set by the program that has all of this said over standard input and output.
const { OVER = 'http', BRIDGE } = process.env;
const NAME = `TypeScript client 2.4.0${OVER === 'stdio' ? ' over stdio' : ''}`;
const url = new URL(`${address}/mcp`);
const clientInfo = { name: 'typescript-client', version: '1' };

function transport() {
  if (OVER === 'stdio') {
    const args = ['mcp-stdio', '--url', address];
    return new StdioClientTransport({ command: BRIDGE, args, env: { LUKHAS_MCP_API_KEY: key } });
  }
  const headers = { Authorization: `Bearer ${key}` };
  return new StreamableHTTPClientTransport(url, { requestInit: { headers } });
}

async function connected(mode, checks, revision) {
  const capabilities = { elicitation: { form: {} } };
  const client = new Client(clientInfo, { versionNegotiation: { mode }, capabilities });
  await client.connect(transport());
  const negotiated = client.getNegotiatedProtocolVersion();
  checks.that('connect', `${JSON.stringify(mode)} is revision ${revision}`, negotiated === revision, negotiated);
  return client;
}

const call = (client, name, given, options) => client.callTool({ name, arguments: given }, options);
const started = async (client, taskId) =>
  (await call(client, 'run_eval', { taskId, configId: 'default' })).structuredContent.jobId;
const state = async (client, jobId) => (await call(client, 'status', { jobId })).structuredContent.status;

async function tools(client, checks) {
  const { tools: listed } = await client.listTools();
  const names = listed.map((tool) => tool.name);
  checks.that('tools', 'search is first, fetch second', names[0] === 'search' && names[1] === 'fetch', names);
  const answer = await call(client, 'status', { jobId: 'job_that_never_was' });
  checks.that('tools', 'what a tool cannot do is a result', answer.isError === true && answer.content[0].text, answer);
  const error = await failure(call(client, 'no_such_tool', {}));
  checks.that('tools', 'an unknown tool is an error', error?.code === -32602, error);
}

async function structured(client, checks) {
  // The client holds each answer against the output schema it listed.
  for (const [tool, given] of [
    ['status', { jobId: world.done }],
    ['canary_status', { canaryId: world.rolledBack }],
    ['search', { query: 'clients' }],
    ['why_math', { id: world.rolledBack }],
    ['find_files', { glob: '**/*.md' }],
  ]) {
    const answer = await call(client, tool, given);
    const same = JSON.stringify(JSON.parse(answer.content[0].text)) === JSON.stringify(answer.structuredContent);
    checks.that('structured', tool, answer.isError !== true && same, answer);
  }
}

async function resources(client, checks) {
  const { resourceTemplates } = await client.listResourceTemplates();
  checks.that('resources', 'templates', resourceTemplates.length >= 5, resourceTemplates);
  const { resources: listed } = await client.listResources();
  const uris = listed.map((resource) => new URL(resource.uri).href);
  checks.that('resources', 'a job is listed', uris.includes(`job://${world.done}`), uris);
  for (const [uri, part] of [
    [`job://${world.done}`, 'COMPLETED'],
    [`audit://${world.rolledBack}`, 'canary_rollback'],
    ['repo://README.md', 'A repository for clients'],
  ]) {
    const { contents } = await client.readResource({ uri });
    checks.that('resources', uri.split(':')[0], contents[0].uri === uri && contents[0].text.includes(part), contents);
  }
  const error = await failure(client.readResource({ uri: 'job://job_that_never_was' }));
  // This client makes one error of both numbers that revisions have for it.
  checks.that('resources', 'one that is not there is an error', error instanceof ResourceNotFoundError, error);
}

async function prompts(client, checks) {
  const { prompts: listed } = await client.listPrompts();
  const offered = PROMPTS.map((wanted) => listed.find(({ name }) => name === wanted));
  checks.that('prompts', 'are listed', offered.every(Boolean), listed);
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
}

async function completion(client, checks) {
  const ref = { type: 'ref/resource', uri: 'canary://{id}' };
  const argument = { name: 'id', value: world.watched.slice(0, 10) };
  const { values } = (await client.complete({ ref, argument })).completion;
  checks.that('completion', 'the ids of canaries', values.includes(world.watched), values);
}

async function progress(client, checks) {
  const jobId = await started(client, 'steps');
  const told = [];
  const onprogress = ({ progress: done }) => told.push(done);
  const answer = await call(client, 'status', { jobId, waitSeconds: 15 }, { onprogress });
  checks.that('progress', `was told ${told.length} times`, told.length >= 2, told);
  const rises = told.length > 0 && told.every((done, i) => i === 0 || told[i - 1] < done);
  checks.that('progress', 'only rises', rises, told);
  const { status } = answer.structuredContent;
  checks.that('progress', 'the answer comes at the end', status === 'COMPLETED', status);
}

async function cancel(client, checks) {
  const given = { jobId: world.sleeping, waitSeconds: 20 };
  await endsAtTheDaemon(checks, (signal) => call(client, 'status', given, { signal }));
  const status = await state(client, world.sleeping);
  checks.that('cancel', 'the job goes on', status === 'RUNNING', status);
}

async function confirm(client, checks) {
  const asked = [];
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    asked.push(params.message);
    return asked.length === 1 ? { action: 'accept', content: { confirm: true } } : { action: 'decline' };
  });
  const model = `asked-typescript-${OVER}-${client.getNegotiatedProtocolVersion()}`;
  const yes = await call(client, 'promote_model', { modelId: `${model}:v1`, gate: 'staging' });
  const promoted = yes.isError !== true && yes.structuredContent.promoted;
  checks.that('confirm', 'the user is asked, and yes promotes', asked.length === 1 && promoted, [asked, yes]);
  const no = await call(client, 'promote_model', { modelId: `${model}:v2`, gate: 'staging' });
  checks.that('confirm', 'no is a result that says so', asked.length === 2 && no.isError === true, [asked, no]);
}

function updates(client) {
  const uris = [];
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    uris.push(params.uri);
  });
  return uris;
}

async function listen(client, checks) {
  const uris = updates(client);
  const uri = `job://${await started(client, 'steps')}`;
  const subscription = await client.listen({ resourceSubscriptions: [uri] });
  const honored = subscription.honoredFilter;
  checks.that('subscriptions', 'the job is followed', honored.resourceSubscriptions?.[0] === uri, honored);
  await until('an update', () => uris.length > 0);
  checks.that('subscriptions', 'its change is told', uris[0] === uri, uris);
  await subscription.close();
  const closed = await within(5000, subscription.closed);
  checks.that('subscriptions', 'it is closed', closed === 'local', closed);
}

async function subscribe(client, checks) {
  const uris = updates(client);
  const jobId = await started(client, 'steps');
  const uri = `job://${jobId}`;
  await client.subscribeResource({ uri });
  await until('an update', () => uris.length > 0);
  checks.that('subscriptions', 'its change is told', uris[0] === uri, uris);
  await client.unsubscribeResource({ uri });
  await toldNoMore(checks, uris, async () => (await call(client, 'status', { jobId })).structuredContent);
}

// What tasks are asked with: the package leaves the sending to its host.
let id = 0;
async function rawDispatch({ method, params }, options = {}) {
  id += 1;
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    Authorization: `Bearer ${key}`,
    'MCP-Protocol-Version': NEWEST,
    'Mcp-Method': method,
    'Mcp-Name': params.name ?? params.taskId,
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: `task-${id}`, method, params });
  const answer = await (await fetch(url, { method: 'POST', headers, body, signal: options.signal })).json();
  return answer.error ? { kind: 'error', error: answer.error } : { kind: 'result', result: answer.result };
}

async function tasks(client, checks) {
  const v2RequestFraming = { protocolVersion: NEWEST, clientInfo, clientCapabilities: {} };
  const session = createTaskSessionFromClient(client, { endpointId: 'daemon', rawDispatch, v2RequestFraming });
  const given = { taskId: 'quick', configId: 'default' };
  const quick = await session.callTool('run_eval', given);
  checks.that('tasks', 'an eval is a task', quick.kind === 'task' && quick.handle.taskId.startsWith('job_'), quick.kind);
  const { outcome } = await quick.settle();
  const result = outcome.result?.structuredContent;
  checks.that('tasks', 'it is completed with the job', outcome.status === 'completed' && result?.status === 'COMPLETED', outcome);
  const sleep = await session.callTool('run_eval', { ...given, taskId: 'sleep' });
  await sleep.cancel();
  const cancelled = (await sleep.settle()).outcome;
  checks.that('tasks', 'it is cancelled', cancelled.status === 'cancelled', cancelled);
  await session.close();
}

async function both(client, checks) {
  await checks.area('tools', () => tools(client, checks));
  await checks.area('structured', () => structured(client, checks));
  await checks.area('resources', () => resources(client, checks));
  await checks.area('prompts', () => prompts(client, checks));
  await checks.area('completion', () => completion(client, checks));
  await checks.area('progress', () => amongOthers(() => progress(client, checks)), TURN + PATIENCE);
  await checks.area('cancel', () => cancel(client, checks), TURN + PATIENCE);
  await checks.area('confirm', () => confirm(client, checks));
}

// The client of tasks sends by HTTP, whatever the client does.
const newest = new Checks(`${NAME}, 2026-07-28`, OVER === 'http' ? [...AREAS, 'tasks'] : AREAS);
await newest.area('connect', async () => {
  const client = await connected('auto', newest, NEWEST);
  await both(client, newest);
  await newest.area('subscriptions', () => listen(client, newest));
  await client.close();
  const pinned = await connected({ pin: NEWEST }, newest, NEWEST);
  if (OVER === 'http') await newest.area('tasks', () => tasks(pinned, newest));
  await pinned.close();
}, ALL);

const handshake = new Checks(`${NAME}, 2025-11-25`, [...AREAS, 'logging']);
await handshake.area('connect', async () => {
  const client = await connected('legacy', handshake, '2025-11-25');
  await both(client, handshake);
  await handshake.area('subscriptions', () => subscribe(client, handshake));
  await handshake.area('logging', async () => {
    await client.setLoggingLevel('debug');
    handshake.that('logging', 'its level is taken', true);
    await client.ping();
    handshake.that('logging', 'a ping is answered', true);
  });
  await client.close();
}, ALL);
finish(newest, handshake);
