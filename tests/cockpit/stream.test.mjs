// Does the page show what was, then what happens, and what is true when the stream misbehaves?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, openPage, REFUSED } from "./harness/browser.mjs";
import { detail, isInState, isLive, log, open, openCockpit, row, saysConnection } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { beginStream, frame, snapshot, startFaultServer } from "./harness/fault_server.mjs";
import { SHORT_POLICY, startModelServer } from "./harness/model_server.mjs";
import { eventually } from "./harness/patience.mjs";

let browser;
let home;
let daemon;
let models;
let openHome;
let openDaemon;

before(async () => {
  browser = await openBrowser();
  models = await startModelServer();
  home = makeHome({ environment: { ...models.environment, LUKHAS_MCP_MAX_RUNNING_JOBS: "4" } });
  daemon = await home.start();
  openHome = makeHome({ keys: false });
  openDaemon = await openHome.start();
});
after(async () => {
  await browser.close();
  await openHome.remove();
  await home.remove();
  await models.stop();
});

const until = async (jobId, status) => eventually(`${jobId} to be ${status}`, async () => (await daemon.call("status", { jobId })).status === status);

describe("a real stream", () => {
  test("begins with what was, and goes on with what happens", async () => {
    const failed = await daemon.call("run_eval", { taskId: "failing", configId: "default" });
    await until(failed.jobId, "FAILED");
    const page = await openCockpit(browser, daemon);
    await isInState(page, "failing", "failed");
    const { jobId } = await daemon.call("run_eval", { taskId: "waiting", configId: "default" });
    await isInState(page, "waiting", "running");
    await row(page, "waiting").getByText(/40 %/).waitFor();
    home.goOn();
    await isInState(page, "waiting", "completed");
    await open(page, "waiting");
    await detail(page).getByText(/^0\.50*$/).first().waitFor();
    await detail(page).getByText(jobId, { exact: true }).waitFor();
    await detail(page).getByRole("button", { name: "Show stdout" }).click();
    await detail(page).getByText("a line of the log").waitFor();
    const ids = await page.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/sse")).length);
    assert.equal(ids, 1, "all of it in one stream");
    await closeQuietly(page, [REFUSED]);
  });

  test("has a canary's looks move its charts and its evidence", async () => {
    models.serve("ranker:2", { errorRate: 0.001 });
    await daemon.call("promote_model", { modelId: "ranker:1", gate: "production" });
    const page = await openCockpit(browser, daemon);
    await daemon.call("start_canary", { modelId: "ranker:2", fromGate: "staging", toGate: "production", windowSeconds: 600, policy: SHORT_POLICY });
    await open(page, "ranker:2");
    const chart = detail(page).getByRole("img", { name: /^p95 latency: latest .* ms, target at most 250 ms/ });
    await chart.waitFor();
    const before = await chart.textContent();
    await eventually("the chart to go on", async () => (await chart.textContent()) !== before);
    await detail(page).getByRole("img", { name: /broken: latest .* to 1, .*met: latest .* to 1/ }).first().waitFor();
    await detail(page).getByText(/of 10 min/).first().waitFor();
    await closeQuietly(page, [REFUSED]);
  });
});

describe("a stream that misbehaves", () => {
  const job = (status, updatedAt, more = {}) => ({ jobId: "job_one", taskId: "task-one", configId: "default", status, startedAt: "2026-01-01T00:00:00.000Z", updatedAt, progress: null, error: null, reason: null, principal: "key:test", ...more });
  const event = (type, ts, status, more = {}) => [type, { topic: "job/job_one", type, ts, jobId: "job_one", taskId: "task-one", configId: "default", status, ...more }];

  /** A page whose streams are answered by `serve(answer, request, number)`. */
  async function openWith(serve) {
    let number = 0;
    const faults = await startFaultServer(openDaemon.url, { routes: { "/sse": (request, answer) => serve(answer, request, (number += 1)) } });
    const page = await openPage(browser);
    await page.goto(`${faults.url}/cockpit.html`);
    return { page, async end(expected = []) {
      await closeQuietly(page, expected);
      await faults.stop();
    } };
  }

  test("never takes a terminal state back", async () => {
    const { page, end } = await openWith((answer) => {
      beginStream(answer, snapshot({ jobs: [job("COMPLETED", "2026-01-01T00:00:09.000Z")] }), 9);
      answer.write(frame(10, ...event("running", "2026-01-01T00:00:05.000Z", "RUNNING")));
      answer.write(frame(11, ...event("running", "2026-01-01T00:00:15.000Z", "RUNNING")));
    });
    await log(page).getByRole("listitem").nth(1).waitFor();
    await isInState(page, "task-one", "completed");
    await end();
  });

  test("changes nothing by an event that is older than the snapshot", async () => {
    const { page, end } = await openWith((answer) => {
      beginStream(answer, snapshot({ jobs: [job("RUNNING", "2026-01-01T00:00:09.000Z", { progress: { fraction: 0.8, note: "newer" } })] }), 9);
      answer.write(frame(10, ...event("update", "2026-01-01T00:00:05.000Z", "RUNNING", { progress: { fraction: 0.2, note: "older" } })));
      answer.write(frame(11, "queued", { topic: "job/job_two", type: "queued", ts: "2026-01-01T00:00:10.000Z", jobId: "job_two", taskId: "task-two", configId: "default", status: "QUEUED" }));
    });
    await isInState(page, "task-two", "queued");
    assert.equal(await row(page, "older").count(), 0);
    await open(page, "task-one");
    await detail(page).getByText(/80 %/).first().waitFor();
    await end();
  });

  test("is asked for a snapshot after a gap", async () => {
    const asked = [];
    const { page, end } = await openWith((answer, request, number) => {
      asked.push(request.headers["last-event-id"] ?? null);
      if (number === 1) {
        beginStream(answer, snapshot({ jobs: [job("RUNNING", "2026-01-01T00:00:01.000Z")] }), 5);
        setTimeout(() => answer.end(), 50);
      } else if (number === 2) {
        beginStream(answer, null);
        answer.write(frame(null, "gap", { oldest: 90 }));
      } else beginStream(answer, snapshot({ jobs: [job("COMPLETED", "2026-01-01T00:00:09.000Z")] }), 95);
    });
    await isInState(page, "task-one", "completed");
    assert.deepEqual(asked, [null, "5", null]);
    await end();
  });

  test("is given up when nothing is heard of it", async () => {
    let streams = 0;
    const faults = await startFaultServer(openDaemon.url, { routes: { "/sse": (_, answer) => { streams += 1; beginStream(answer, snapshot()); } } });
    const page = await openPage(browser);
    await page.clock.install();
    await page.goto(`${faults.url}/cockpit.html`);
    await isLive(page);
    await page.clock.fastForward(46_000);
    await eventually("a second stream", async () => {
      await page.clock.fastForward(1_000);
      return streams === 2;
    });
    await isLive(page);
    await closeQuietly(page);
    await faults.stop();
  });

  test("is read on after a frame that is not JSON, and however it is cut", async () => {
    const { page, end } = await openWith(async (answer, request) => {
      if (!request.headers["last-event-id"]) {
        beginStream(answer, snapshot({ jobs: [job("RUNNING", "2026-01-01T00:00:01.000Z")] }), 5);
        answer.write("id: 6\nevent: update\ndata: {oops\n\n");
      } else beginStream(answer, null);
      const bytes = Buffer.from(frame(7, ...event("failed", "2026-01-01T00:00:09.000Z", "FAILED", { error: "ein Wort mit Ümläuten – und mehr" })));
      for (const byte of bytes) {
        answer.write(Buffer.from([byte]));
        await new Promise((done) => setImmediate(done));
      }
    });
    await isInState(page, "task-one", "failed");
    await open(page, "task-one");
    await detail(page).getByText(/ein Wort mit Ümläuten – und mehr/i).first().waitFor();
    await end();
  });

  test("that says it shuts down is resumed by its last id", async () => {
    const asked = [];
    const { page, end } = await openWith((answer, request, number) => {
      asked.push(request.headers["last-event-id"] ?? null);
      if (number === 1) {
        beginStream(answer, snapshot({ jobs: [job("RUNNING", "2026-01-01T00:00:01.000Z")] }), 5);
        answer.end(frame(null, "shutdown", { retry: 200 }));
      } else {
        beginStream(answer, null);
        answer.write(frame(6, ...event("completed", "2026-01-01T00:00:09.000Z", "COMPLETED", { result: {} })));
      }
    });
    await isInState(page, "task-one", "completed");
    assert.deepEqual(asked, [null, "5"]);
    await saysConnection(page, "Live");
    await end();
  });
});
