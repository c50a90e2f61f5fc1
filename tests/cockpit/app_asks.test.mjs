// When does the app ask, whom does it hear, and what does it say where nobody hears it?

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { closeApp, openAlone, openApp, openAt, title } from "./harness/app_host.mjs";
import { beginWorld } from "./harness/app_world.mjs";
import { openBrowser, setHidden } from "./harness/browser.mjs";
import { eventually, pause } from "./harness/patience.mjs";

let browser;
let world;
let daemon;
let ids;

before(async () => {
  browser = await openBrowser();
  world = await beginWorld();
  ({ daemon, ids } = world);
});
after(async () => {
  await browser.close();
  await world.end();
});

const callsOf = async (seen) => (await seen()).calls.map(({ name }) => name);

test("never while nobody can see it, and never after its end", async () => {
  const { page, app, seen } = await openApp(browser, daemon);
  await app.getByText("Live").waitFor();
  await setHidden(app, true);
  await pause(500);
  const hidden = (await seen()).calls.length;
  await pause(4000);
  assert.equal((await seen()).calls.length, hidden);
  await setHidden(app, false);
  await eventually("a call", async () => (await seen()).calls.length > hidden);
  // Scrolled out of sight is not seen either.
  await page.evaluate(() => document.body.style.setProperty("padding-top", "5000px"));
  await pause(1000);
  const away = (await seen()).calls.length;
  await pause(4000);
  assert.equal((await seen()).calls.length, away);
  await page.evaluate(() => document.body.style.removeProperty("padding-top"));
  await eventually("a call again", async () => (await seen()).calls.length > away);
  assert.deepEqual(await page.evaluate(() => window.tearDown()), {});
  await app.getByText("Closed").waitFor();
  const ended = (await seen()).calls.length;
  await pause(4000);
  assert.equal((await seen()).calls.length, ended);
  await closeApp(page);
});

test("only a few calls, of which none changes anything", async () => {
  const { page, app, seen } = await openApp(browser, daemon);
  await openAt(page, { canaryId: ids.observing });
  await title(app, "reader:5");
  await app.getByText("Live").waitFor();
  const before = (await seen()).calls.length;
  await pause(6500);
  const names = await callsOf(seen);
  assert.ok(names.length - before <= 12, `${names.length - before} calls in 6.5 s: ${names.slice(before)}`);
  // A long series is asked for every ten seconds only.
  await eventually("a call", async () => (await seen()).calls.length > before);
  assert.deepEqual(names.filter((name) => !/^(list_|status$|canary_status$|why$)/.test(name)), []);
  await closeApp(page);
});

test("without a host it says where it lives", async () => {
  const { page, app } = await openAlone(browser, daemon);
  await app.getByRole("alert").getByText("did not answer").waitFor();
  await closeApp(page);
});

test("nobody but the host is listened to", async () => {
  const { page, app } = await openApp(browser, daemon);
  await app.getByText("Live").waitFor();
  const message = { jsonrpc: "2.0", method: "ui/notifications/tool-input", params: { arguments: { jobId: "job_forged" } } };
  await app.evaluate((data) => window.postMessage(data, "*"), message);
  await pause(300);
  assert.equal(await app.getByText("job_forged").count(), 0);
  await closeApp(page);
});
