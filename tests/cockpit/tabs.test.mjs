// Are seven tabs of one browser live, although it opens six connections to one address?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, openPage, setHidden, watched } from "./harness/browser.mjs";
import { isInState, isLive } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { eventually } from "./harness/patience.mjs";

let browser;
let home;
let daemon;

before(async () => {
  browser = await openBrowser();
  home = makeHome({ keys: false });
  daemon = await home.start();
});
after(async () => {
  await browser.close();
  await home.remove();
});

/** Hides a tab for some seconds, and waits until it lets go of its stream. */
async function hide(tab, seconds) {
  const released = tab.waitForEvent("requestfailed", (request) => request.url().includes("/sse"));
  await setHidden(tab, true);
  await tab.clock.fastForward(seconds * 1000);
  await released;
}

describe("seven tabs", () => {
  test("are all live when they are looked at, because hidden ones let go of their stream", async () => {
    const first = await openPage(browser);
    const tabs = [first];
    for (let number = 1; number < 7; number += 1) tabs.push(await watched(first.context()));
    for (const tab of tabs) {
      await tab.clock.install();
      await tab.goto(`${daemon.url}/cockpit.html`);
      await isLive(tab);
      await hide(tab, 31);
    }
    await daemon.call("run_eval", { taskId: "quick", configId: "default" });
    for (const tab of tabs) {
      await setHidden(tab, false);
      await isLive(tab);
      await isInState(tab, "quick", "completed");
      await hide(tab, 31);
    }
    for (const tab of tabs) assert.deepEqual(tab.complaints(), []);
    await closeQuietly(first);
  });

  test("that were hidden for long begin with a new snapshot, and others resume", async () => {
    const tab = await openPage(browser);
    await tab.clock.install();
    await tab.goto(`${daemon.url}/cockpit.html`);
    await isLive(tab);
    const asked = [];
    tab.on("request", async (request) => {
      if (request.url().includes("/sse")) asked.push((await request.allHeaders())["last-event-id"] ?? null);
    });
    for (const [seconds, resumes] of [[60, true], [400, false]]) {
      await hide(tab, seconds);
      await setHidden(tab, false);
      await isLive(tab);
      await eventually("the stream to be asked for", () => asked.length > 0);
      assert.equal(asked.pop() !== null, resumes, `after ${seconds} s`);
    }
    await closeQuietly(tab);
  });
});
