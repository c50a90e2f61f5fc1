// Is nothing lost, and nothing shown twice, when the daemon dies, drains or comes back?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, REFUSED, UNREACHABLE } from "./harness/browser.mjs";
import { isLive, log, openCockpit, row, saysConnection } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { eventually } from "./harness/patience.mjs";

let browser;
let home;

before(async () => {
  browser = await openBrowser();
  home = makeHome({ environment: { LUKHAS_MCP_MAX_RUNNING_JOBS: "2" } });
});
after(async () => {
  await browser.close();
  await home.remove();
});

/** How often each job's end stands in the log. */
async function endsInLog(page) {
  const texts = await log(page).getByRole("listitem").allInnerTexts();
  return texts.filter((text) => /completed|failed|cancelled/.test(text)).length;
}

describe("a daemon", () => {
  test("that is killed and started again is resumed without loss and repetition", async () => {
    const daemon = await home.start();
    const page = await openCockpit(browser, daemon);
    const jobs = [];
    for (let number = 0; number < 12; number += 1) jobs.push((await daemon.call("run_eval", { taskId: number % 3 ? "quick" : "failing", configId: "default" })).jobId);
    await eventually("some jobs to be over", () => home.rows("SELECT count(*) AS over FROM jobs WHERE status IN ('COMPLETED', 'FAILED')")[0].over >= 3);
    await daemon.kill();
    await saysConnection(page, /^Reconnecting/);
    const again = await home.start({ port: daemon.port });
    await eventually("all jobs to be over", () => home.rows("SELECT count(*) AS over FROM jobs WHERE status IN ('COMPLETED', 'FAILED')")[0].over === jobs.length);
    await isLive(page);
    await eventually("every end in the log", async () => (await endsInLog(page)) >= jobs.length);
    assert.equal(await endsInLog(page), jobs.length);
    assert.equal(await row(page, "quick").filter({ hasText: "completed" }).count(), 8);
    assert.equal(await row(page, "failing").filter({ hasText: "failed" }).count(), 4);
    const streams = page.requests.filter(({ url }) => url.includes("/sse"));
    assert.ok(streams.length >= 2);
    await again.stop();
    await closeQuietly(page, [REFUSED, UNREACHABLE]);
  });

  test("that drains says so, and is live again as soon as it is back", async () => {
    const daemon = await home.start();
    const page = await openCockpit(browser, daemon);
    const { jobId } = await daemon.call("run_eval", { taskId: "quick", configId: "default" });
    await eventually("the job to be over", () => home.rows(`SELECT status FROM jobs WHERE job_id = '${jobId}'`)[0].status === "COMPLETED");
    daemon.terminate();
    await saysConnection(page, /Reconnecting|Not ready/);
    const { code } = await daemon.ended;
    assert.equal(code, 0);
    await home.start({ port: daemon.port });
    await isLive(page);
    await closeQuietly(page, [REFUSED, UNREACHABLE]);
  });
});
