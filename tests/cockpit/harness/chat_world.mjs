// A daemon with conversations, and a provider of a language model that says what a test wants.
//
// What the model answers hangs on the last message: `say TEXT`, `slowly TEXT` (a word at a time, and
// the rest only when the test lets it), `call TOOL JSON`, `break`. To a result of a tool it says what
// the result was.

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import { makeHome } from "./daemon.mjs";

const body = async (request) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
};

/** Starts a provider on the wire of OpenAI. */
export async function startProvider() {
  const asked = [];
  let release = () => {};
  let held = new Promise((done) => (release = done));
  const server = createServer(async (request, answer) => {
    const { messages, tools } = await body(request);
    asked.push({ messages, tools });
    const last = messages.at(-1);
    const said = last.role === "tool" ? `say The tool said: ${last.content.slice(0, 60)}` : last.content;
    const [verb, ...rest] = said.split(" ");
    if (verb === "break") {
      answer.writeHead(400, { "Content-Type": "application/json" });
      answer.end(JSON.stringify({ error: { message: "this model is broken" } }));
      return;
    }
    answer.writeHead(200, { "Content-Type": "text/event-stream" });
    const send = (delta, finish = null, usage = null) => answer.write(`data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "small", choices: usage ? [] : [{ index: 0, delta, finish_reason: finish }], usage })}\n\n`);
    if (verb === "call") {
      const [tool, ...json] = rest;
      send({ role: "assistant", tool_calls: [{ index: 0, id: `call_${asked.length}`, type: "function", function: { name: tool, arguments: json.join(" ") || "{}" } }] });
      send({}, "tool_calls");
    } else {
      const words = rest.join(" ").split(/(?<= )/);
      for (const [index, word] of words.entries()) {
        send({ content: word });
        if (verb === "slowly" && index === Math.floor(words.length / 2)) await Promise.race([held, new Promise((done) => answer.on("close", done))]);
      }
      send({}, "stop");
    }
    send({}, null, { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 });
    answer.end("data: [DONE]\n\n");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    asked,
    /** Lets slow answers go on, those that are held now. */
    goOn() {
      release();
      held = new Promise((done) => (release = done));
    },
    stop: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }),
  };
}

/** Starts a daemon with conversations. */
export async function beginChat({ servers, keys } = {}) {
  const provider = await startProvider();
  const home = makeHome({ keys, environment: { LUKHAS_MCP_CHAT_CONFIG: "chat/config.yaml" } });
  const directory = join(home.directory, "chat");
  mkdirSync(directory);
  const text = `llm: {providers: {own: {model: small, base_url: '${provider.url}', prices: {input_per_million: 1000, output_per_million: 2000}}}}\nchat: {service: {streaming: {enabled: true}}}\n`;
  writeFileSync(join(directory, "config.yaml"), text, { mode: 0o600 });
  if (servers) writeFileSync(join(directory, "servers_config.json"), JSON.stringify({ mcpServers: servers }), { mode: 0o600 });
  const daemon = await home.start();
  return {
    provider,
    home,
    daemon,
    async end() {
      await home.remove();
      await provider.stop();
    },
  };
}
