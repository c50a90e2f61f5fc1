// How does the page come to be live, and what does it say when it may not?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, openPage, REFUSED, UNREACHABLE } from "./harness/browser.mjs";
import { dialog, enterKey, isLive, list, openCockpit, saysConnection } from "./harness/cockpit.mjs";
import { KEY, makeHome } from "./harness/daemon.mjs";
import { beginStream, snapshot, startFaultServer } from "./harness/fault_server.mjs";

let browser;
let home;
let daemon;

before(async () => {
  browser = await openBrowser();
  home = makeHome();
  daemon = await home.start();
});
after(async () => {
  await browser.close();
  await home.remove();
});

describe("a daemon with keys", () => {
  test("has its page ask for one, refuse a wrong one and be live with the right one", async () => {
    const page = await openPage(browser);
    await page.goto(`${daemon.url}/cockpit.html`);
    await dialog(page).waitFor();
    await saysConnection(page, "Key needed");
    await enterKey(page, "not-a-key-of-this-daemon");
    await page.getByText("This daemon does not know this key.").waitFor();
    await enterKey(page, KEY);
    await isLive(page);
    await dialog(page).waitFor({ state: "hidden" });
    await closeQuietly(page, [REFUSED]);
  });

  test("finds the key in no address, no log and nothing that stays", async () => {
    const page = await openCockpit(browser, daemon, { path: "?show=all" });
    await page.reload();
    await isLive(page);
    assert.ok(page.requests.length >= 8);
    for (const { url } of page.requests) assert.ok(!url.includes(KEY), url);
    assert.ok(!page.url().includes(KEY));
    assert.ok(!daemon.log.join("\n").includes(KEY));
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]));
    assert.ok(!kept.includes(KEY), kept);
    const second = await openPage(browser);
    await second.goto(`${daemon.url}/cockpit.html`);
    await dialog(second).waitFor();
    await closeQuietly(second, [REFUSED]);
    await closeQuietly(page, [REFUSED]);
  });

  test("is forgotten when the reader says so", async () => {
    const page = await openCockpit(browser, daemon);
    await page.getByRole("button", { name: "Key", exact: true }).click();
    await enterKey(page, "");
    await saysConnection(page, "Key needed");
    assert.equal(await page.evaluate((key) => JSON.stringify({ ...sessionStorage }).includes(key), KEY), false);
    await closeQuietly(page, [REFUSED]);
  });
});

describe("a daemon without keys", () => {
  test("is live at once, and its empty page says what to do", async () => {
    const open = makeHome({ keys: false });
    const page = await openCockpit(browser, await open.start(), { key: null });
    await list(page).getByText("Nothing has run here yet.").waitFor();
    const command = await list(page).getByText(/^curl /).textContent();
    assert.match(command, /^curl .*\/mcp .*run_eval/);
    assert.ok(!command.includes("X-API-Key"));
    await closeQuietly(page);
    await open.remove();
  });
});

describe("a refused stream", () => {
  const refuse = (status, headers, body) => (_, answer) => answer.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));

  for (const [status, headers, told, state] of [
    [403, {}, /403.*(another|under an address)/, "Refused"],
    [429, { "Retry-After": "7" }, /close other tabs \(429/, /Too many requests.* in [67] s/],
    [503, { "Retry-After": "5" }, /503.*tries again by itself/, /Not ready.* in [45] s/],
    [500, {}, /\blog\b.*\(500/, /Reconnecting/],
  ]) {
    test(`by ${status} has its own sentence and next step`, async () => {
      const faults = await startFaultServer(daemon.url, { routes: { "/sse": refuse(status, headers, { error: "as a test wants it" }) } });
      const page = await openPage(browser);
      await page.goto(`${faults.url}/cockpit.html`);
      await page.getByText(told).waitFor();
      await page.getByText(/as a test wants it/).waitFor();
      await saysConnection(page, state);
      faults.routes["/sse"] = (_, answer) => beginStream(answer, snapshot());
      await page.getByRole("button", { name: "Try now" }).first().click();
      await isLive(page);
      await page.getByText(told).waitFor({ state: "hidden" });
      await closeQuietly(page, [/Failed to load resource/]);
      await faults.stop();
    });
  }

  test("is asked for again after the time that the daemon gave", async () => {
    let asked = [];
    const faults = await startFaultServer(daemon.url, {
      routes: {
        "/sse": (_, answer) => {
          asked.push(performance.now());
          if (asked.length === 1) answer.writeHead(503, { "Content-Type": "application/json", "Retry-After": "2" }).end("{}");
          else beginStream(answer, snapshot());
        },
      },
    });
    const page = await openPage(browser);
    await page.goto(`${faults.url}/cockpit.html`);
    await isLive(page);
    assert.ok(asked[1] - asked[0] >= 1900, `after ${asked[1] - asked[0]} ms`);
    await closeQuietly(page, [UNREACHABLE]);
    await faults.stop();
  });
});
