// What does the page cost: requests, time to the first picture, memory, and the one thread it has?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, openPage } from "./harness/browser.mjs";
import { isLive, list } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { beginStream, flood, snapshot, startFaultServer } from "./harness/fault_server.mjs";
import { eventually } from "./harness/patience.mjs";
import { canaryRecord, jobRecord, metricEvent, progressEvent } from "./harness/records.mjs";

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

describe("a loaded page", () => {
  test("took at most five requests of one origin, and 92 kB of files, 28 kB as they are sent", async () => {
    const page = await openPage(browser);
    await page.goto(`${daemon.url}/cockpit.html`);
    await isLive(page);
    const requests = page.requests.filter(({ url }) => !url.startsWith("data:"));
    assert.ok(requests.length <= 5, JSON.stringify(requests));
    for (const { url } of requests) assert.ok(url.startsWith(`${daemon.url}/`), url);
    let raw = 0;
    let sent = 0;
    for (const file of ["cockpit.html", "cockpit.css", "cockpit.js"]) {
      const plain = await fetch(`${daemon.url}/${file}`, { headers: { "Accept-Encoding": "identity" } });
      raw += (await plain.arrayBuffer()).byteLength;
      const compressed = await fetch(`${daemon.url}/${file}`, { headers: { "Accept-Encoding": "gzip" } });
      assert.equal(compressed.headers.get("Content-Encoding"), "gzip");
      sent += Number(compressed.headers.get("Content-Length"));
    }
    console.log(`files: ${raw} bytes, ${sent} as they are sent`);
    assert.ok(raw <= 92_000, `${raw} bytes`);
    assert.ok(sent > 0 && sent <= 28_000, `${sent} bytes compressed`);
    await closeQuietly(page);
  });

  test("shows its first picture within 400 ms, in the median of five", async () => {
    const times = [];
    for (let load = 0; load < 5; load += 1) {
      const page = await openPage(browser);
      await page.goto(`${daemon.url}/cockpit.html`);
      const time = await eventually("the first picture", () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime));
      times.push(Math.round(time));
      await closeQuietly(page);
    }
    const median = times.toSorted((one, other) => one - other)[2];
    console.log(`first contentful paint: ${times.join(", ")} ms, median ${median} ms`);
    assert.ok(median <= 400, `${median} ms`);
  });
});

describe("a thousand events a second", () => {
  const JOBS = 14;
  const CANARIES = 6;
  const make = (count) => (count % 20 < JOBS ? progressEvent(count % 20, count) : metricEvent((count % 20) - JOBS, count));

  /** A page with twenty running things, and a way to send it events. */
  async function openFlood() {
    let stream;
    const faults = await startFaultServer(daemon.url, {
      routes: {
        "/sse": (_, answer) => {
          stream = answer;
          const jobs = Array.from({ length: JOBS }, (__, number) => jobRecord(number));
          const canaries = Array.from({ length: CANARIES }, (__, number) => canaryRecord(number));
          beginStream(answer, snapshot({ jobs, canaries }));
        },
      },
    });
    const page = await openPage(browser);
    await page.goto(`${faults.url}/cockpit.html`);
    await isLive(page);
    await list(page).getByText("ranker:0").waitFor();
    const tools = await page.context().newCDPSession(page);
    let from = 2;
    return {
      page,
      tools,
      async send(count, rate) {
        await flood(stream, { rate, count, from, make });
        from += count;
      },
      async end() {
        await closeQuietly(page);
        await faults.stop();
      },
    };
  }

  test("take at most half of the thread", async () => {
    const { page, tools, send, end } = await openFlood();
    await tools.send("Performance.enable", { timeDomain: "threadTicks" });
    const busy = async () => (await tools.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value;
    await send(2_000, 1_000);
    const [before, began] = [await busy(), performance.now()];
    await send(10_000, 1_000);
    const seconds = (performance.now() - began) / 1000;
    const share = ((await busy()) - before) / seconds;
    console.log(`main thread: ${share.toFixed(2)} s of ${(10_000 / seconds).toFixed(0)} events a second`);
    assert.ok(share <= 0.5, `${share} s a second`);
    const rate = await page.getByRole("region", { name: "Summary" }).getByRole("button", { name: /Events a second/ }).innerText();
    assert.ok(Number(/[\d,.]+/.exec(rate)[0].replace(",", "")) > 500, `the page took part: ${rate}`);
    await end();
  });

  test("leave nothing in memory after twenty thousand", async () => {
    const { tools, send, end } = await openFlood();
    await tools.send("HeapProfiler.enable");
    const used = async () => {
      await tools.send("HeapProfiler.collectGarbage");
      return (await tools.send("Runtime.getHeapUsage")).usedSize;
    };
    // What is kept on purpose, such as the log and the series of charts, is full by then.
    await send(5_000, 2_500);
    const before = await used();
    await send(20_000, 2_500);
    const growth = (await used()) - before;
    console.log(`heap: ${(before / 1e6).toFixed(2)} MB, ${(growth / 1e6).toFixed(2)} MB more after 20,000 events`);
    assert.ok(growth < 2_000_000, `${growth} bytes`);
    await end();
  });
});
