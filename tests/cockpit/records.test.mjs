// Does the page keep its form with five hundred things, and its head with two hundred hostile ones?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertFits, closeQuietly, openBrowser, openPage, picture, REFUSED } from "./harness/browser.mjs";
import { detail, isLive, list, openCockpit } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { beginStream, frame, snapshot, startFaultServer } from "./harness/fault_server.mjs";
import { eventually } from "./harness/patience.mjs";
import { canaryRecord, HOSTILE, jobRecord } from "./harness/records.mjs";

let browser;
const homes = [];

before(async () => (browser = await openBrowser()));
after(async () => {
  await browser.close();
  for (const home of homes) await home.remove();
});

async function startHome(options) {
  const home = makeHome(options);
  homes.push(home);
  return home.start();
}

const rows = (page) => list(page).getByRole("list").getByRole("listitem");

describe("five hundred jobs", () => {
  test("are counted, and two hundred of them are shown", async () => {
    const daemon = await startHome({ environment: { LUKHAS_MCP_MAX_RUNNING_JOBS: "0" } });
    for (let batch = 0; batch < 25; batch += 1) await Promise.all(Array.from({ length: 20 }, () => daemon.call("run_eval", { taskId: "quick", configId: "default" })));
    const page = await openCockpit(browser, daemon);
    await page.getByRole("region", { name: "Summary" }).getByRole("button", { name: /500 Queued/ }).waitFor();
    await list(page).getByText("200 of 500").waitFor();
    assert.equal(await rows(page).count(), 200);
    assert.ok(await page.evaluate(() => document.querySelectorAll("*").length) < 3000);
    await daemon.call("run_eval", { taskId: "failing", configId: "default" });
    await list(page).getByText("200 of 501").waitFor();
    await page.getByRole("searchbox").fill("task:failing");
    await eventually("the one", async () => (await rows(page).count()) === 1);
    await closeQuietly(page, [REFUSED]);
  });
});

describe("hostile records", () => {
  const text = (number) => HOSTILE[number % HOSTILE.length];
  const hostileJob = (number) => jobRecord(number, {
    taskId: text(number), configId: text(number + 1), principal: text(number + 2), status: ["RUNNING", "FAILED", "CANCELLED", "COMPLETED", text(number)][number % 5],
    error: text(number + 3), reason: text(number + 4), progress: { fraction: 0.5, note: text(number + 5) },
  });
  const hostileCanary = (number) => canaryRecord(number, {
    modelId: text(number), fromGate: text(number + 1), toGate: text(number + 2), principal: text(number + 3), reason: text(number + 4), trouble: text(number + 5),
    ...(number % 2 ? { status: "ROLLED_BACK", phase: "over", decidedAt: new Date().toISOString() } : {}),
  });
  const told = (number) => ({ facts: [0, 1, 2].map((step) => ({ ts: new Date().toISOString(), actor: text(number + step), action: text(number + step + 1), message: text(number + step + 2), details: {} })) });

  test("are shown as the texts they are, in every view", async () => {
    const daemon = await startHome({ keys: false });
    const jobs = Array.from({ length: 100 }, (_, number) => hostileJob(number));
    const canaries = Array.from({ length: 100 }, (_, number) => hostileCanary(number));
    const models = HOSTILE.map((modelId, number) => ({ modelId, currentGates: [text(number + 1)], promoted: true, promotedAt: new Date().toISOString() }));
    const find = (id) => jobs.find(({ jobId }) => jobId === id) ?? canaries.find(({ canaryId }) => canaryId === id);
    const number = (id) => Number(id.split("_")[1]);
    const faults = await startFaultServer(daemon.url, {
      routes: {
        "/sse": (_, answer) => {
          beginStream(answer, snapshot({ jobs, canaries, models }));
          jobs.forEach((job, index) => answer.write(frame(10 + index, HOSTILE.includes(job.status) ? "update" : "failed", { topic: `job/${job.jobId}`, type: text(index), ts: new Date(Date.now() + 1000).toISOString(), ...job })));
        },
      },
      tools: {
        status: ({ jobId }) => ({ ...find(jobId), result: { statistics: { [text(number(jobId))]: { value: 0.5, stderr: 0.1, n: 3 } } } }),
        canary_status: ({ canaryId }) => ({ ...find(canaryId), evidence: null, series: [], decisions: [{ decisionId: text(number(canaryId)), hash: text(1), counterfactual: { sentence: text(number(canaryId)) } }] }),
        why: ({ id }) => told(number(id)),
        job_logs: ({ jobId }) => ({ text: HOSTILE[number(jobId) % HOSTILE.length].repeat(3) }),
        list_models: () => ({ models }),
        model_history: () => ({ moves: models.map((model, index) => ({ ...model, createdAt: model.promotedAt, gate: text(index), before: text(index + 1), after: text(index + 2), actor: text(index + 3), state: text(index + 4), reason: text(index + 5), trouble: text(index + 6) })) }),
        get_infrastructure_status: () => ({ name: text(0), version: text(1), startedAt: text(2), uptimeSeconds: 3, registry: text(3), database: {}, actors: HOSTILE.map((actor) => ({ actor, alive: 1, restarts: 1, givenUp: 1, lastFailureAt: actor })), queues: HOSTILE.map((queue) => ({ queue, depth: 1, limit: 2 })), adapters: HOSTILE.map((adapter) => ({ adapter, kind: adapter, state: adapter, failures: 1, lastError: adapter, retryInSeconds: 1 })), stream: {} }),
      },
    });
    for (const viewport of [{ width: 1440, height: 900 }, { width: 360, height: 740 }]) {
      const page = await openPage(browser, { viewport });
      await page.goto(`${faults.url}/cockpit.html`);
      await isLive(page);
      await rows(page).nth(199).waitFor({ state: "attached" }).catch((error) => {
        throw new Error(`${error.message}\n${page.complaints().slice(0, 3).join("\n")}`);
      });
      await assertFits(page, `the list at ${viewport.width} px`);
      for (const id of ["job_0", "job_1", "job_3", "job_9", "canary_0", "canary_1", "canary_8", "canary_9"]) {
        await page.goto(`${faults.url}/cockpit.html#${id}`);
        await detail(page).getByText(id, { exact: true }).first().waitFor();
        await detail(page).getByRole("heading", { name: "Story" }).waitFor();
        await assertFits(page, `${id} at ${viewport.width} px`);
      }
      await picture(page, `hostile-${viewport.width}`);
      for (const view of ["models", "supervision"]) {
        await page.goto(`${faults.url}/cockpit.html?view=${view}`);
        await page.getByRole("main").getByText("<img src=x onerror=alert(1)>").filter({ visible: true }).first().waitFor();
        await assertFits(page, `${view} at ${viewport.width} px`);
        await picture(page, `hostile-${view}-${viewport.width}`);
      }
      assert.equal(await page.locator("img, iframe, svg[onload]").count(), 0);
      await closeQuietly(page);
    }
    await faults.stop();
  });

  test("are told by the real daemon as they were given to it", async () => {
    const home = makeHome({ keys: false, environment: { LUKHAS_MCP_MAX_RUNNING_JOBS: "0" } });
    homes.push(home);
    const daemon = await home.start();
    for (const reason of HOSTILE.slice(0, 9)) {
      const { jobId } = await daemon.call("run_eval", { taskId: "quick", configId: "default" });
      await daemon.call("cancel_job", { jobId, reason });
      const page = await openCockpit(browser, daemon, { key: null, path: `#${jobId}` });
      await detail(page).getByText(reason.slice(0, 20)).first().waitFor();
      await assertFits(page, reason);
      await closeQuietly(page);
    }
  });
});
