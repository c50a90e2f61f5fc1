// How does a test get a real daemon of its own, and what does it ask it besides the page?
//
// A home is a directory with evals and a database; daemons come and go in it, also by SIGKILL.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { eventually, PATIENCE } from "./patience.mjs";

const BINARY = resolve(process.env.LUKHAS_MCP_BINARY ?? new URL("../../../target/debug/lukhas-mcp", import.meta.url).pathname);

/** A key that may do everything, and one that may only read. */
export const KEY = "operate-0123456789abcdef";
export const READ_KEY = "read-0123456789abcdef";

/** What a task's line of shell begins with, to wait until the test lets it go on. */
const until = (name) => `until [ -e ${name} ]; do sleep 0.02; done`;

const TASKS = {
  quick: `printf '{"metrics":{"accuracy":{"value":0.75,"stderr":0.1,"n":20}}}' > "$1"`,
  failing: `echo "the weights are not there" >&2; exit 3`,
  waiting: `echo "LUKHAS_PROGRESS 0.400 scored 24 of 60"; echo "a line of the log"; ${until("go-on")}; printf '{"metrics":{"accuracy":{"value":0.5,"stderr":0.0645,"n":60}}}' > "$1"`,
};

/** A directory for daemons. `keys: false` leaves them open; `environment` adds settings. */
export function makeHome({ keys = true, environment = {} } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "cockpit-"));
  const database = join(directory, ".mcp-state.db");
  const addTask = (name, line) => {
    mkdirSync(join(directory, "evals/tasks"), { recursive: true });
    const command = ["/bin/sh", "-c", line.replaceAll("{", "{{").replaceAll("}", "}}"), "task", "{result}"];
    const text = `command = ${JSON.stringify(command)}\ntimeout_seconds = 600\n[environment]\npass = ["PATH"]\n`;
    writeFileSync(join(directory, `evals/tasks/${name}.toml`), text);
  };
  for (const [name, line] of Object.entries(TASKS)) addTask(name, line);
  mkdirSync(join(directory, "evals/configs"));
  writeFileSync(join(directory, "evals/configs/default.toml"), "");
  const running = new Set();
  return {
    directory,
    addTask,
    /** Lets every job of the task `waiting` go on. */
    goOn: () => writeFileSync(join(directory, "go-on"), ""),
    /** The rows of a query, as the database has them. */
    rows(query) {
      const text = execFileSync("sqlite3", ["-readonly", "-json", "-cmd", ".timeout 5000", database, query], { encoding: "utf8" });
      return text ? JSON.parse(text) : [];
    },
    async start({ port = 0 } = {}) {
      const daemon = await startDaemon(directory, port, {
        ...(keys ? { LUKHAS_MCP_API_KEYS: KEY, LUKHAS_MCP_READ_API_KEYS: READ_KEY } : {}),
        MCP_RL_BUCKET: "1000000",
        ...environment,
      });
      running.add(daemon);
      return daemon;
    },
    async remove() {
      for (const daemon of running) await daemon.kill();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function startDaemon(directory, port, environment) {
  const child = spawn(BINARY, ["serve", "--port", String(port), "--log-format", "json"], {
    cwd: directory,
    env: { PATH: process.env.PATH, LUKHAS_REPO_ROOT: directory, ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const log = [];
  const ended = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const address = await eventually("the daemon's address", () => {
    if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}:\n${log.join("\n")}`);
    return log.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)).find((line) => line.message === "ready")?.address;
  }).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  const url = `http://${address}`;

  async function post(name, parameters, key = KEY) {
    const answer = await fetch(`${url}/mcp`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-API-Key": key },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: parameters } }),
      signal: AbortSignal.timeout(PATIENCE),
    });
    return { status: answer.status, ...(await answer.json()) };
  }

  return {
    url,
    port: Number(url.split(":").at(-1)),
    log,
    post,
    /** Calls a tool and returns its structured answer; a refusal is an error. */
    async call(name, parameters = {}) {
      const { result, error } = await post(name, parameters);
      if (error || result.isError) throw new Error(`${name}: ${error?.message ?? result.content[0].text}`);
      return result.structuredContent;
    },
    /** Asks it to end, and lets it finish what is under way. */
    async stop() {
      child.kill("SIGTERM");
      return ended;
    },
    terminate: () => child.kill("SIGTERM"),
    ended,
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      return ended;
    },
  };
}
