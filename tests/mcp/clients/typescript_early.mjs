// The official TypeScript SDK as it was when each of the earlier revisions was its newest.
import {
  ALL, Checks, PATIENCE, PROMPTS, TURN, address, amongOthers, endsAtTheDaemon, failure, finish, key, toldNoMore, until,
  world,
} from './checks.mjs';

const AREAS = [
  'connect', 'tools', 'resources', 'prompts', 'completion', 'progress', 'cancel', 'subscriptions', 'logging',
];
const EARLY = [
  { revision: '2024-11-05', version: '1.10.2', more: [] },
  { revision: '2025-03-26', version: '1.12.3', more: [] },
  { revision: '2025-06-18', version: '1.17.5', more: ['structured', 'confirm'] },
];

async function everything(checks, sdk, revision, more) {
  const { Client } = await import(`${sdk}/client/index.js`);
  const { StreamableHTTPClientTransport } = await import(`${sdk}/client/streamableHttp.js`);
  const types = await import(`${sdk}/types.js`);

  const capabilities = more.includes('confirm') ? { elicitation: {} } : {};
  const client = new Client({ name: sdk, version: '1' }, { capabilities });
  const asked = [];
  if (more.includes('confirm')) {
    client.setRequestHandler(types.ElicitRequestSchema, async ({ params }) => {
      asked.push(params.message);
      return { action: 'accept', content: { confirm: true } };
    });
  }
  const uris = [];
  client.setNotificationHandler(types.ResourceUpdatedNotificationSchema, ({ params }) => {
    uris.push(params.uri);
  });
  const requestInit = { headers: { Authorization: `Bearer ${key}` } };
  const transport = new StreamableHTTPClientTransport(new URL(`${address}/mcp`), { requestInit });
  // These clients do not say what was agreed on; it is in the answer.
  let negotiated;
  const request = client.request.bind(client);
  client.request = async (sent, ...rest) => {
    const answer = await request(sent, ...rest);
    if (sent.method === 'initialize') negotiated = answer.protocolVersion;
    return answer;
  };
  await client.connect(transport);
  checks.that('connect', `revision ${revision}`, negotiated === revision, negotiated);
  checks.that('connect', 'with a session', Boolean(transport.sessionId), transport.sessionId);

  const call = (name, given, options) => client.callTool({ name, arguments: given }, undefined, options);
  const read = (answer) => JSON.parse(answer.content[0].text);
  const started = async () => read(await call('run_eval', { taskId: 'steps', configId: 'default' })).jobId;

  await checks.area('tools', async () => {
    const names = (await client.listTools()).tools.map((tool) => tool.name);
    checks.that('tools', 'search is first, fetch second', names[0] === 'search' && names[1] === 'fetch', names);
    const done = read(await call('status', { jobId: world.done }));
    checks.that('tools', 'the text is the answer', done.status === 'COMPLETED', done);
    const answer = await call('status', { jobId: 'job_that_never_was' });
    checks.that('tools', 'what a tool cannot do is a result', answer.isError === true, answer);
    const error = await failure(call('no_such_tool', {}));
    checks.that('tools', 'an unknown tool is an error', error?.code === -32602, error);
  });

  if (more.includes('structured')) {
    await checks.area('structured', async () => {
      for (const [name, given] of [['status', { jobId: world.failed }], ['list_models', {}]]) {
        const answer = await call(name, given);
        checks.that('structured', name, answer.isError !== true && answer.structuredContent, answer);
      }
    });
  }

  await checks.area('resources', async () => {
    const { resourceTemplates } = await client.listResourceTemplates();
    checks.that('resources', 'templates', resourceTemplates.length >= 5, resourceTemplates);
    const { contents } = await client.readResource({ uri: `canary://${world.rolledBack}` });
    checks.that('resources', 'a canary', contents[0].text.includes('ROLLED_BACK'), contents);
    const error = await failure(client.readResource({ uri: 'job://job_that_never_was' }));
    checks.that('resources', 'one that is not there is an error', error?.code === -32002, error);
  });

  await checks.area('prompts', async () => {
    const { prompts } = await client.listPrompts();
    checks.that('prompts', 'are listed', PROMPTS.every((name) => prompts.some((prompt) => prompt.name === name)), prompts);
    const { messages } = await client.getPrompt({ name: 'triage_failed_evals' });
    checks.that('prompts', 'triage_failed_evals', messages.length > 0, messages);
  });

  await checks.area('completion', async () => {
    const argument = { name: 'id', value: world.done.slice(0, 9) };
    const { completion } = await client.complete({ ref: { type: 'ref/resource', uri: 'job://{id}' }, argument });
    checks.that('completion', 'the ids of jobs', completion.values.includes(world.done), completion);
  });

  const progress = async () => {
    const told = [];
    const onprogress = ({ progress }) => told.push(progress);
    const answer = await call('status', { jobId: await started(), waitSeconds: 15 }, { onprogress });
    checks.that('progress', `was told ${told.length} times`, told.length >= 2, told);
    checks.that('progress', 'the answer comes at the end', read(answer).status === 'COMPLETED', answer);
  };
  await checks.area('progress', () => amongOthers(progress), TURN + PATIENCE);

  await checks.area('cancel', async () => {
    const given = { jobId: world.sleeping, waitSeconds: 20 };
    await endsAtTheDaemon(checks, (signal) => call('status', given, { signal }));
    const { status } = read(await call('status', { jobId: world.sleeping }));
    checks.that('cancel', 'the job goes on', status === 'RUNNING', status);
  }, TURN + PATIENCE);

  if (more.includes('confirm')) {
    await checks.area('confirm', async () => {
      const answer = await call('promote_model', { modelId: `asked-${revision}:v1`, gate: 'staging' });
      const good = asked.length === 1 && answer.isError !== true && answer.structuredContent.promoted;
      checks.that('confirm', 'the user is asked, and yes promotes', good, [asked, answer]);
    });
  }

  await checks.area('subscriptions', async () => {
    const jobId = await started();
    const uri = `job://${jobId}`;
    await client.subscribeResource({ uri });
    await until('an update', () => uris.length > 0);
    checks.that('subscriptions', 'its change is told', uris[0] === uri, uris);
    await client.unsubscribeResource({ uri });
    await toldNoMore(checks, uris, async () => read(await call('status', { jobId })));
  });

  await checks.area('logging', async () => {
    await client.setLoggingLevel('debug');
    checks.that('logging', 'its level is taken', true);
    await client.ping();
    checks.that('logging', 'a ping is answered', true);
  });
  await client.close();
}

const all = EARLY.map(async ({ revision, version, more }) => {
  const checks = new Checks(`TypeScript SDK ${version}, ${revision}`, [...AREAS, ...more]);
  await checks.area('connect', () => everything(checks, `sdk-of-${revision}`, revision, more), ALL);
  return checks;
});
finish(...(await Promise.all(all)));
