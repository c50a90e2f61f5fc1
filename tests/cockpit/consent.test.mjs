// Does a real browser take somebody through the page of consent, and nowhere else?

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import { assertAccessible, assertFits, closeQuietly, openBrowser, openPage, picture } from "./harness/browser.mjs";
import { KEY, makeHome, READ_KEY } from "./harness/daemon.mjs";

const VERIFIER = "a-verifier-that-is-at-least-43-characters-long";
const HOSTILE = `"><img src=x onerror=alert(1)></title><script>alert(2)</script>`;

let browser, daemon, home, client;

before(async () => {
  browser = await openBrowser();
  // The port is the daemon's to choose, and nobody looks at the address here.
  home = makeHome({ environment: { LUKHAS_MCP_OAUTH_BUILT_IN: "true", MCP_PUBLIC_BASE_URL: "http://127.0.0.1:1" } });
  daemon = await home.start();
  client = await startClient();
});
after(async () => {
  await browser.close();
  client.stop();
  await home.remove();
});

/** A client on another site, which sends its user to the daemon and keeps what comes back. */
async function startClient() {
  const arrivals = [];
  let page = "";
  const server = createServer((request, answer) => {
    if (request.url.startsWith("/callback")) arrivals.push({ url: new URL(request.url, "http://localhost"), headers: request.headers });
    answer.setHeader("Content-Type", "text/html");
    answer.end(request.url === "/" ? page : "<!doctype html><title>Back</title><link rel=icon href=data:,>");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://localhost:${server.address().port}`;
  return { url, arrivals, show: (html) => (page = `<!doctype html><title>Client</title><link rel=icon href=data:,>${html}`), stop: () => server.close() };
}

async function register(name) {
  const answer = await fetch(`${daemon.url}/oauth/register`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: name, redirect_uris: [`${client.url}/callback`] }),
  });
  return (await answer.json()).client_id;
}

function authorizeUrl(id) {
  const url = new URL("/oauth/authorize", daemon.url);
  url.search = new URLSearchParams({
    response_type: "code", client_id: id, redirect_uri: `${client.url}/callback`, state: "s1",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"), code_challenge_method: "S256",
  });
  return url.href;
}

/** Follows the client's link, as its user does. */
async function openConsent(name) {
  client.show(`<a href="${authorizeUrl(await register(name)).replaceAll("&", "&amp;")}">Connect</a>`);
  const page = await openPage(browser);
  await page.goto(`${client.url}/`);
  await page.getByRole("link", { name: "Connect" }).click();
  await page.getByRole("heading", { name: /use lukhas-mcp/ }).waitFor();
  return page;
}

async function exchange(id, code) {
  const form = { grant_type: "authorization_code", client_id: id, code, code_verifier: VERIFIER };
  const answer = await fetch(`${daemon.url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  return answer.json();
}

describe("the page of consent", () => {
  test("takes a key, says when it is wrong, and leads back with a code", async () => {
    const page = await openConsent("An ordinary client");
    await assertAccessible(page, "the page of consent");
    await assertFits(page, "the page of consent");
    await picture(page, "consent");
    const id = new URL(page.url()).searchParams.get("client_id");
    await page.getByLabel(/API key/).fill("not a key");
    await page.getByRole("button", { name: "Allow" }).click();
    await page.getByRole("alert").getByText("not a key of the daemon").waitFor();
    await page.getByLabel(/API key/).fill(KEY);
    await page.getByRole("button", { name: "Allow" }).click();
    await page.waitForURL(/\/callback/);
    const { url, headers } = client.arrivals.at(-1);
    assert.equal(url.searchParams.get("state"), "s1");
    assert.equal(url.searchParams.get("iss"), "http://127.0.0.1:1");
    assert.equal(headers.referer, undefined, "nobody is told which page one comes from");
    const tokens = await exchange(id, url.searchParams.get("code"));
    assert.equal(tokens.scope, "read operate");
    await closeQuietly(page, [/status of 403/]);
  });

  test("gives a key for reading no more than reading", async () => {
    const page = await openConsent("A reader's client");
    const id = new URL(page.url()).searchParams.get("client_id");
    await page.getByLabel(/API key/).fill(READ_KEY);
    await page.getByLabel(/API key/).press("Enter");
    await page.waitForURL(/\/callback/);
    const tokens = await exchange(id, client.arrivals.at(-1).url.searchParams.get("code"));
    assert.equal(tokens.scope, "read");
    await closeQuietly(page);
  });

  test("leads back without a code when somebody denies", async () => {
    const page = await openConsent("A client");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.waitForURL(/\/callback/);
    const { url } = client.arrivals.at(-1);
    assert.deepEqual([url.searchParams.get("error"), url.searchParams.get("code")], ["access_denied", null]);
    await closeQuietly(page);
  });

  test("shows what a client says of itself as the text it is", async () => {
    const page = await openConsent(HOSTILE);
    const shown = await page.getByRole("heading").textContent();
    assert.ok(shown.includes("<img src=x onerror=alert(1)>"), shown);
    assert.equal(await page.locator("img, script").count(), 0);
    await closeQuietly(page);
  });

  test("cannot be framed, and takes no form from another site", async () => {
    const address = authorizeUrl(await register("A client"));
    client.show(`<iframe src="${address.replaceAll("&", "&amp;")}"></iframe>`);
    const page = await openPage(browser);
    await page.goto(`${client.url}/`);
    const frame = page.frames().at(-1);
    await page.waitForTimeout(500);
    assert.equal(await frame.getByRole("button").count(), 0);
    await page.context().close();

    const transaction = /name="transaction" value="([^"]+)"/.exec(await (await fetch(address)).text())[1];
    client.show(`<form method="post" action="${daemon.url}/oauth/authorize"><input name="transaction" value="${transaction}">
      <input name="decision" value="allow"><input name="key" value="${KEY}"><button>Go</button></form>`);
    const before = client.arrivals.length;
    const forger = await openPage(browser);
    await forger.goto(`${client.url}/`);
    const [answer] = await Promise.all([forger.waitForResponse(/oauth\/authorize/), forger.getByRole("button", { name: "Go" }).click()]);
    assert.equal(answer.status(), 403);
    assert.equal(client.arrivals.length, before);
    await forger.context().close();
  });
});
