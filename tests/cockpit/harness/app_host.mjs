// How does a test get a host that shows the app of a daemon?
//
// The host is a page with the bridge of the extension's own library. It asks the daemon for its
// tools, and for the page that they name, as a host does; what the page calls goes to the daemon.

import assert from "node:assert/strict";

import { build } from "esbuild";

import { closeQuietly, openPage } from "./browser.mjs";
import { KEY } from "./daemon.mjs";
import { eventually, PATIENCE } from "./patience.mjs";

const REVISION = "2026-07-28";
const PAGE = (theme) => `<!doctype html><html lang="en" style="color-scheme:${theme}"><head><title>Host</title><style>body { margin: 0; background: Canvas } iframe { display: block; width: 100%; border: 0 }</style></head><body><script src="/host.js"></script></body></html>`;
const META = {
  "io.modelcontextprotocol/protocolVersion": REVISION,
  "io.modelcontextprotocol/clientCapabilities": { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } } },
};

let bundle;
const hostScript = async () => {
  const entry = new URL("app_host.page.mjs", import.meta.url).pathname;
  bundle ??= (await build({ entryPoints: [entry], bundle: true, write: false, format: "iife", platform: "browser", logLevel: "error" })).outputFiles[0].text;
  return bundle;
};

async function ask(daemon, method, params, name) {
  const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream", "X-API-Key": KEY, "MCP-Protocol-Version": REVISION, "Mcp-Method": method, ...(name ? { "Mcp-Name": name } : {}) };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: META } });
  const answer = await fetch(`${daemon.url}/mcp`, { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE) });
  return answer.json();
}

/** The page that a tool of the daemon names. */
export async function appOf(daemon, tool = "status") {
  const { result } = await ask(daemon, "tools/list", {});
  const { resourceUri } = result.tools.find(({ name }) => name === tool)._meta.ui;
  const { contents } = (await ask(daemon, "resources/read", { uri: resourceUri }, resourceUri)).result;
  assert.equal(contents[0].mimeType, "text/html;profile=mcp-app");
  assert.equal(contents[0]._meta.ui.csp, undefined, "it may reach nothing");
  return contents[0].text;
}

/**
 * Opens a host with the app in it. `calls: false` is a host that passes no calls on, and `key` the
 * one with which it calls.
 */
export async function openApp(browser, daemon, { calls = true, context = {}, key = KEY, colorScheme = "light", viewport = { width: 760, height: 900 }, ...options } = {}) {
  const page = await openPage(browser, { colorScheme, viewport, ...options });
  const files = { "/host.js": ["text/javascript", await hostScript()], "/": ["text/html", PAGE(colorScheme)] };
  await page.route("**/*", (route) => {
    const [contentType, body] = files[new URL(route.request().url()).pathname] ?? ["text/plain", ""];
    return route.fulfill({ contentType, body });
  });
  const refusals = { next: null };
  await page.exposeBinding("callDaemon", (_, { name, arguments: given }) => {
    const said = refusals.next?.(name);
    return said ? { error: { message: said } } : daemon.post(name, given ?? {}, key);
  });
  await page.goto("http://host.test/");
  const html = await appOf(daemon);
  await page.evaluate((options_) => window.showApp(options_), {
    html,
    capabilities: calls ? { serverTools: {} } : {},
    context: { theme: colorScheme, availableDisplayModes: ["inline"], displayMode: "inline", ...context },
  });
  const app = await eventually("the app's frame", () => page.frames().find((frame) => frame !== page.mainFrame()));
  return { page, app, refusals, seen: () => page.evaluate(() => window.seen) };
}

/** Opens a page in which no host answers the app. */
export async function openAlone(browser, daemon) {
  const page = await openPage(browser, { viewport: { width: 760, height: 900 } });
  const files = { "/host.js": ["text/javascript", await hostScript()], "/": ["text/html", PAGE("light")] };
  await page.route("**/*", (route) => {
    const [contentType, body] = files[new URL(route.request().url()).pathname] ?? ["text/plain", ""];
    return route.fulfill({ contentType, body });
  });
  await page.goto("http://host.test/");
  await page.evaluate((options) => window.showAlone(options), { html: await appOf(daemon) });
  return { page, app: await eventually("the app's frame", () => page.frames().find((frame) => frame !== page.mainFrame())) };
}

/** What the library of the host writes of every message. */
const MESSAGES = /^console debug: (Parsed|Sending) message/;

/** Fails if the app loaded anything, or complained, and closes the host. */
export async function closeApp(page, expected = []) {
  const own = ["http://host.test/", "http://host.test/host.js", "about:srcdoc"];
  assert.deepEqual(page.requests.filter(({ url }) => !own.includes(url)), []);
  await closeQuietly(page, [MESSAGES, ...expected]);
}

/** Has the host say what a call was asked and what it gave. */
export const openAt = (page, given) => page.evaluate((value) => window.input(value), given);
export const give = (page, result) => page.evaluate((value) => window.result(value), result);

export const detail = (app) => app.getByRole("region", { name: "Detail", exact: true });

/** Waits for the detail of a task or a model. */
export const title = (app, name) => detail(app).getByRole("heading", { level: 2, name }).waitFor();
