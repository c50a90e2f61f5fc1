// How is the page shown what no healthy daemon says: floods, hostile records, refusals, silence?
//
// A proxy before a real daemon, so that files, headers and everything else are the daemon's own.
// What a test overrides is answered here.

import { createServer, request } from "node:http";

/** One frame of the stream. */
export const frame = (id, event, data) => `${id === null ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** The snapshot of a daemon with these things. */
export function snapshot({ jobs = [], canaries = [], models = [], role = "operate" } = {}) {
  const count = (things) => things.reduce((counts, { status }) => ({ ...counts, [status]: (counts[status] ?? 0) + 1 }), {});
  const now = new Date().toISOString();
  return {
    server: { name: "lukhas-mcp", version: "0.1.0", startedAt: now, now, registry: "local", readOnly: false, chat: false },
    you: { principal: "key:test", role, open: false },
    counts: { jobs: count(jobs), canaries: count(canaries) },
    jobs,
    canaries,
    models,
  };
}

/**
 * Starts a proxy before `target`. `routes` has a function `(request, answer)` for a path, and
 * `tools` one `(arguments)` for a tool, whose structured answer is sent; both can be changed later.
 */
export async function startFaultServer(target, { routes = {}, tools = {} } = {}) {
  const server = createServer(async (incoming, answer) => {
    const path = incoming.url.split("?")[0];
    if (routes[path]) return routes[path](incoming, answer);
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const call = path === "/mcp" && body.length ? JSON.parse(body) : null;
    const tool = tools[call?.params?.name];
    if (tool) {
      const structuredContent = await tool(call.params.arguments);
      const result = structuredContent.isError ? structuredContent : { content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent };
      return answer.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ jsonrpc: "2.0", id: call.id, result }));
    }
    const { hostname, port } = new URL(target);
    const headers = { ...incoming.headers, host: `${hostname}:${port}` };
    if (headers.origin) headers.origin = target;
    const onward = request({ hostname, port, path: incoming.url, method: incoming.method, headers }, (from) => {
      answer.writeHead(from.statusCode, from.headers);
      from.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    onward.end(body);
    return undefined;
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    routes,
    tools,
    stop: () => new Promise((done) => server.close(done).closeAllConnections()),
  };
}

/** Begins a stream: its head, `open`, and a snapshot if there is one to send. */
export function beginStream(answer, content, id = 1) {
  answer.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  answer.write(`retry: 2000\n\n${frame(null, "open", { ok: true, topic: "job/*,canary/*,model/*" })}`);
  if (content) answer.write(frame(id, "snapshot", content));
}

/**
 * Sends events at a rate until there were `count` of them; `make(n)` gives `[event, data]`.
 * Follows the clock, and so keeps the rate even if it is woken late.
 */
export function flood(answer, { rate, count, from = 2, make }) {
  return new Promise((done) => {
    const began = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - began) * rate) / 1000));
      let text = "";
      for (; sent < due; sent += 1) text += frame(from + sent, ...make(sent));
      if (text) answer.write(text);
      if (sent === count || answer.destroyed) {
        clearInterval(timer);
        done(performance.now() - began);
      }
    }, 10);
  });
}
