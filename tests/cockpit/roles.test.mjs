// Does a key that may only read see no action, and does the daemon refuse it all the same?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, REFUSED } from "./harness/browser.mjs";
import { detail, dialog, list, open, openCockpit } from "./harness/cockpit.mjs";
import { makeHome, READ_KEY } from "./harness/daemon.mjs";

let browser;
let home;
let daemon;
let job;

before(async () => {
  browser = await openBrowser();
  home = makeHome();
  daemon = await home.start();
  job = await daemon.call("run_eval", { taskId: "waiting", configId: "default" });
  await daemon.call("promote_model", { modelId: "ranker:1", gate: "production" });
});
after(async () => {
  await browser.close();
  await home.remove();
});

const ACTING = /^(Abort|Cancel|Pause…|Resume|Approve|Promote|Roll back|Start again|Run again|New )/;

describe("a key that may only read", () => {
  test("reads everything and is offered nothing", async () => {
    const page = await openCockpit(browser, daemon, { key: READ_KEY });
    await open(page, "waiting");
    await detail(page).getByRole("heading", { name: "Story" }).waitFor();
    assert.equal(await page.getByRole("button", { name: ACTING }).count(), 0);
    await page.keyboard.press("a");
    assert.equal(await dialog(page).count(), 0);
    await page.goto(`${daemon.url}/cockpit.html?view=models`);
    await page.getByText("ranker:1").first().waitFor();
    assert.equal(await page.getByRole("button", { name: ACTING }).count(), 0);
    await closeQuietly(page, [REFUSED]);
  });

  test("is refused by the daemon", async () => {
    for (const [name, parameters] of [["cancel_job", { jobId: job.jobId }], ["run_eval", { taskId: "quick", configId: "default" }], ["promote_model", { modelId: "ranker:2", gate: "production" }]]) {
      const answer = await daemon.post(name, parameters, READ_KEY);
      assert.ok(answer.error ?? answer.result?.isError, `${name}: ${JSON.stringify(answer)}`);
    }
    assert.equal((await daemon.call("status", { jobId: job.jobId })).status, "RUNNING");
  });
});

describe("a key that may act", () => {
  test("is offered actions, but none on a screen for all", async () => {
    const page = await openCockpit(browser, daemon);
    await open(page, "waiting");
    await detail(page).getByRole("button", { name: "Cancel…" }).waitFor();
    await list(page).getByRole("button", { name: "New eval…" }).waitFor();
    await page.goto(`${daemon.url}/cockpit.html?kiosk=1#${job.jobId}`);
    await detail(page).getByRole("heading", { level: 2, name: "waiting" }).waitFor();
    assert.equal(await page.getByRole("button", { name: ACTING }).count(), 0);
    await closeQuietly(page, [REFUSED]);
  });
});
