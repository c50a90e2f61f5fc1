// The AI SDK's client, its client of events, and its verifier of webhooks.
import { createServer } from 'node:http';

import {
  ElicitationRequestSchema, createMCPClient, experimental_createMCPEventWebhook as createWebhook,
} from '@ai-sdk/mcp';

import {
  ALL, Checks, PATIENCE, PROMPTS, TURN, address, endsAtTheDaemon, failure, finish, key, pause, until, world,
} from './checks.mjs';

const AREAS = ['connect', 'tools', 'structured', 'resources', 'prompts', 'completion', 'cancel', 'confirm'];

/** Keeps subscriptions for as long as this runs. */
class Store {
  kept = new Map();
  get = async (name) => this.kept.get(name);
  getById = async (id) => [...this.kept.values()].find((subscription) => subscription.id === id);
  set = async (subscription) => void this.kept.set(subscription.key, subscription);
  update = async (name, patch) => void Object.assign(this.kept.get(name), patch);
  delete = async (name) => void this.kept.delete(name);
}

function connected(config = {}) {
  const transport = { type: 'http', url: `${address}/mcp`, headers: { 'X-API-Key': key } };
  return createMCPClient({ transport, clientName: 'ai-sdk', capabilities: { elicitation: {} }, ...config });
}

const started = async (client, taskId) => {
  const answer = await client.callTool({ name: 'run_eval', arguments: { taskId, configId: 'default' } });
  return answer.structuredContent.jobId;
};

async function everything(client, checks, revision) {
  const { protocolVersion, serverInfo } = client.initializeResult;
  checks.that('connect', `revision ${revision}`, protocolVersion === revision, protocolVersion);
  checks.that('connect', 'the server says who it is', Boolean(serverInfo.name), serverInfo);

  await checks.area('tools', async () => {
    const tools = await client.tools();
    const names = Object.keys(tools);
    checks.that('tools', 'search is first, fetch second', names[0] === 'search' && names[1] === 'fetch', names);
    const answer = await tools.status.execute({ jobId: 'job_that_never_was' }, {});
    checks.that('tools', 'what a tool cannot do is a result', answer.isError === true, answer);
    const error = await failure(client.callTool({ name: 'no_such_tool', arguments: {} }));
    checks.that('tools', 'an unknown tool is an error', error?.code === -32602, error);
  });

  await checks.area('structured', async () => {
    for (const [name, given] of [['status', { jobId: world.done }], ['why_math', { id: world.rolledBack }]]) {
      const answer = await client.callTool({ name, arguments: given });
      const same = JSON.stringify(JSON.parse(answer.content[0].text)) === JSON.stringify(answer.structuredContent);
      checks.that('structured', name, same, answer);
    }
  });

  await checks.area('resources', async () => {
    const { resourceTemplates } = await client.listResourceTemplates();
    checks.that('resources', 'templates', resourceTemplates.length >= 5, resourceTemplates);
    const { resources } = await client.listResources();
    checks.that('resources', 'a job is listed', resources.some(({ uri }) => uri === `job://${world.done}`), resources);
    const { contents } = await client.readResource({ uri: `job://${world.failed}` });
    checks.that('resources', 'a job', contents[0].text.includes('FAILED'), contents);
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
    const ref = { type: 'ref/resource', uri: 'job://{id}' };
    const { completion } = await client.complete({ ref, argument: { name: 'id', value: world.done.slice(0, 9) } });
    checks.that('completion', 'the ids of jobs', completion.values.includes(world.done), completion);
  });

  await checks.area('cancel', async () => {
    // By the handshake this client says nothing when a call is aborted.
    const goesOn = revision === '2025-11-25';
    const given = { jobId: world.sleeping, waitSeconds: goesOn ? 8 : 20 };
    const call = { name: 'status', arguments: given };
    await endsAtTheDaemon(checks, (signal) => client.callTool({ ...call, options: { signal } }), { goesOn });
    const { structuredContent } = await client.callTool({ name: 'status', arguments: { jobId: world.sleeping } });
    checks.that('cancel', 'the job goes on', structuredContent.status === 'RUNNING', structuredContent);
  }, TURN + PATIENCE);

  await checks.area('confirm', () => confirm(client, checks, revision));
}

async function confirm(client, checks, revision) {
  const asked = [];
  client.onElicitationRequest(ElicitationRequestSchema, ({ params }) => {
    asked.push(params.message);
    return { action: 'accept', content: { confirm: true } };
  });
  const given = { modelId: `asked-ai-sdk-${revision}:v1`, gate: 'staging' };
  const answer = await client.callTool({ name: 'promote_model', arguments: given });
  const good = asked.length === 1 && answer.isError !== true && answer.structuredContent.promoted;
  checks.that('confirm', 'the user is asked, and yes promotes', good, [asked, answer]);
}

/** Serves a handler of web requests at a free port, and answers with its address. */
async function served(handle) {
  const server = createServer(async (incoming, outgoing) => {
    const chunks = await incoming.toArray();
    const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
    const url = `http://${incoming.headers.host}${incoming.url}`;
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    const answer = await handle(new Request(url, { method: incoming.method, headers, body }));
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
    outgoing.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}/told`;
}

async function events(checks) {
  const store = new Store();
  const told = [];
  const wrong = [];
  const hook = createWebhook({
    store,
    validatePayload({ definition, data }) {
      const absent = (definition.payloadSchema.required ?? []).filter((name) => !(name in data));
      if (absent.length > 0) throw new Error(`${definition.name} lacks ${absent}`);
    },
    onEvent: async ({ subscription, event }) => void told.push({ subscription, event }),
    onError: (error) => void wrong.push(error),
  });
  const url = await served(hook);
  const client = await connected({ experimental_events: { store } });
  const follow = client.experimental_events;

  const { events: offered } = await follow.list();
  const names = offered.map(({ name }) => name);
  const wanted = ['job.queued', 'job.completed', 'job.failed', 'canary.rolled_back', 'canary.promoted'];
  checks.that('events', 'are listed', wanted.every((name) => names.includes(name)), names);

  const delivery = { mode: 'webhook', url, allowInsecureLocalhost: true };
  const subscription = await follow.subscribe({ name: 'job.completed', delivery });
  checks.that('events', 'the challenge was answered', subscription.id.length > 0, { subscription, wrong });

  const jobId = await started(client, 'quick');
  const own = () => told.find(({ event }) => event.data.jobId === jobId);
  await until('the webhook', own);
  checks.that('events', 'the signed event came', own().event.name === 'job.completed', told);
  checks.that('events', 'all of them were verified', wrong.length === 0, wrong.map(String));

  const renewed = await follow.refresh({ id: subscription.id });
  checks.that('events', 'renewing keeps the id', renewed.id === subscription.id, renewed);

  await follow.unsubscribe({ id: subscription.id });
  const before = told.length;
  const after = await started(client, 'quick');
  await pause(2000);
  const late = told.slice(before).filter(({ event }) => event.data.jobId === after);
  checks.that('events', 'after leaving nothing more comes', late.length === 0, late);

  const silent = await served(async () => Response.json({ challenge: 'something else' }));
  const refused = await failure(follow.subscribe({ name: 'job.failed', delivery: { ...delivery, url: silent } }));
  checks.that('events', 'a wrong answer to the challenge is refused', refused?.code === -32015, refused);
  await client.close();
}

const newest = new Checks('AI SDK 2.0.99, 2026-07-28', [...AREAS, 'events']);
await newest.area('connect', async () => {
  const client = await connected();
  await everything(client, newest, '2026-07-28');
  await client.close();
}, ALL);
await newest.area('events', () => events(newest));

const handshake = new Checks('AI SDK 2.0.99, 2025-11-25', AREAS);
await handshake.area('connect', async () => {
  const client = await connected({ protocolVersionDiscovery: false });
  await everything(client, handshake, '2025-11-25');
  await client.close();
}, ALL);
finish(newest, handshake);
