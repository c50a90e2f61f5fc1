// Is what is shown what was asked for, is it in the address, and does it hold still?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, openPage, REFUSED } from "./harness/browser.mjs";
import { detail, isInState, isLive, list, open, openCockpit, row } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { beginStream, frame, snapshot, startFaultServer } from "./harness/fault_server.mjs";
import { eventually } from "./harness/patience.mjs";

let browser;
let home;
let daemon;
let page;
const chip = (name) => page.getByRole("group", { name: "Show" }).getByRole("button", { name });
const rows = (of = page) => list(of).getByRole("list").getByRole("listitem");
const filter = (of = page) => of.getByRole("searchbox", { name: "Filter jobs and canaries" });

before(async () => {
  browser = await openBrowser();
  home = makeHome({ environment: { LUKHAS_MCP_MAX_RUNNING_JOBS: "2" } });
  daemon = await home.start();
  for (const taskId of ["quick", "quick", "failing", "waiting"]) await daemon.call("run_eval", { taskId, configId: "default" });
  await eventually("the first to be over", () => home.rows("SELECT count(*) AS over FROM jobs WHERE status IN ('COMPLETED', 'FAILED')")[0].over === 3);
  page = await openCockpit(browser, daemon);
  await isInState(page, "waiting", "running");
});
after(async () => {
  await closeQuietly(page, [REFUSED]);
  await browser.close();
  await home.remove();
});

describe("a filter", () => {
  test("is in the address, and comes back with it", async () => {
    assert.equal(await rows().count(), 4);
    await chip(/^Attention/).click();
    await eventually("one row", async () => (await rows().count()) === 1);
    assert.match(page.url(), /show=attention/);
    await chip(/^Done/).click();
    await eventually("three rows", async () => (await rows().count()) === 3);
    await page.goBack();
    await eventually("one row", async () => (await rows().count()) === 1);
    assert.equal(await chip(/^Attention/).getAttribute("aria-pressed"), "true");
    await chip(/^All/).click();
    await open(page, "failing");
    await filter().fill("task:failing status:failed");
    await eventually("one row", async () => (await rows().count()) === 1);
    const address = page.url();
    assert.match(address, /q=task/);
    assert.match(address, /#job_/);
    await page.goto("about:blank");
    await page.goto(address);
    await isLive(page);
    assert.equal(await filter().inputValue(), "task:failing status:failed");
    assert.equal(await rows().count(), 1);
    await detail(page).getByRole("heading", { level: 2, name: "failing" }).waitFor();
    await filter().fill("");
  });

  test("takes text, and says what to do when nothing fits", async () => {
    await filter().fill("QUICK");
    await eventually("two rows", async () => (await rows().count()) === 2);
    await filter().fill("nothing-is-called-so");
    await list(page).getByText(/Nothing matches/).waitFor();
    await list(page).getByRole("button", { name: "Show all" }).click();
    await eventually("all rows", async () => (await rows().count()) === 4);
    assert.equal(await filter().inputValue(), "");
  });

  test("is set by a tile", async () => {
    const summary = page.getByRole("region", { name: "Summary" });
    await summary.getByRole("button", { name: /Jobs running/ }).click();
    await eventually("one row", async () => (await rows().count()) === 1);
    await row(page, "waiting").waitFor();
    await chip(/^All/).click();
    await eventually("all rows", async () => (await rows().count()) === 4);
  });

  test("puts first what needs somebody", async () => {
    await page.mouse.move(700, 10);
    await eventually("the failed job to be first", async () => /failing/.test(await rows().first().innerText()));
  });
});

describe("a row", () => {
  test("does not move under the pointer or the focus", async () => {
    const job = (number) => ({ jobId: `job_${number}`, taskId: `task-${number}`, configId: "default", status: "RUNNING", startedAt: new Date().toISOString(), updatedAt: new Date().toISOString(), progress: null, error: null, reason: null });
    let stream;
    const openHome = makeHome({ keys: false });
    const faults = await startFaultServer((await openHome.start()).url, { routes: { "/sse": (_, answer) => { stream = answer; beginStream(answer, snapshot({ jobs: [1, 2, 3].map(job) })); } } });
    const still = await openPage(browser);
    await still.goto(`${faults.url}/cockpit.html`);
    await isLive(still);
    await eventually("three rows", async () => (await rows(still).count()) === 3);
    const before = await rows(still).evaluateAll((nodes) => nodes.map((node) => /task-\d/.exec(node.textContent)[0]));
    const last = before.at(-1).at(-1);
    await rows(still).nth(1).hover();
    stream.write(frame(10, "failed", { topic: `job/job_${last}`, type: "failed", ts: new Date(Date.now() + 1000).toISOString(), ...job(Number(last)), status: "FAILED", error: "out of memory" }));
    await isInState(still, `task-${last}`, "failed");
    assert.deepEqual(await rows(still).evaluateAll((nodes) => nodes.map((node) => /task-\d/.exec(node.textContent)[0])), before);
    await still.mouse.move(700, 10);
    await eventually("the order to follow", async () => (await rows(still).first().innerText()).includes(`task-${last}`));
    await closeQuietly(still);
    await faults.stop();
    await openHome.remove();
  });
});
