// Does the log tell every event once, hold still for who reads it, and answer to the keyboard?

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, openPage } from "./harness/browser.mjs";
import { detail, dialog, isLive, list, log, row } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { beginStream, frame, snapshot, startFaultServer } from "./harness/fault_server.mjs";
import { eventually } from "./harness/patience.mjs";
import { canaryRecord, jobRecord, metricEvent, progressEvent } from "./harness/records.mjs";

let browser;
let home;
let faults;
let page;
let stream;
let next = 10;

const entries = () => log(page).getByRole("list").getByRole("listitem");
const send = (event, data) => stream.write(frame((next += 1), event, data));
const queued = (number) => send("queued", { topic: `job/job_${number}`, type: "queued", ts: new Date().toISOString(), jobId: `job_${number}`, taskId: `task-${number}`, configId: "default", status: "QUEUED" });

before(async () => {
  browser = await openBrowser();
  home = makeHome({ keys: false });
  const daemon = await home.start();
  faults = await startFaultServer(daemon.url, {
    routes: {
      "/sse": (_, answer) => {
        stream = answer;
        beginStream(answer, snapshot({ jobs: [1, 2, 3].map((number) => jobRecord(number)), canaries: [canaryRecord(1)] }));
      },
    },
    tools: { canary_status: () => ({ ...canaryRecord(1), series: [], decisions: [] }), status: ({ jobId }) => jobRecord(Number(jobId.slice(4))), why: () => ({ facts: [] }) },
  });
  page = await openPage(browser);
  await page.goto(`${faults.url}/cockpit.html`);
  await isLive(page);
});
after(async () => {
  await closeQuietly(page);
  await browser.close();
  await faults.stop();
  await home.remove();
});

describe("the log", () => {
  test("leaves out samples until they are asked for", async () => {
    send(...metricEvent(1, 1));
    queued(20);
    await entries().filter({ hasText: "task-20" }).waitFor();
    assert.equal(await entries().filter({ hasText: "ranker:1" }).filter({ hasText: "metric" }).count(), 0);
    await log(page).getByRole("checkbox", { name: "samples" }).check();
    send(...metricEvent(1, 2));
    await entries().filter({ hasText: "ranker:1" }).filter({ hasText: "metric" }).first().waitFor();
    await log(page).getByRole("checkbox", { name: "samples" }).uncheck();
  });

  test("holds still while it is paused, and goes on with what came meanwhile", async () => {
    await log(page).getByRole("button", { name: "Pause log" }).click();
    const before = await entries().count();
    queued(30);
    await row(page, "task-30").waitFor();
    assert.equal(await entries().count(), before);
    await log(page).getByRole("button", { name: "Pause log" }).click();
    await entries().filter({ hasText: "task-30" }).waitFor();
  });

  test("holds still under a reader who scrolled", async () => {
    for (let number = 100; number < 160; number += 1) queued(number);
    await entries().filter({ hasText: "task-159" }).waitFor();
    const scroller = log(page).getByRole("list");
    await scroller.evaluate((node) => (node.scrollTop = 400));
    const before = await scroller.evaluate((node) => node.scrollTop);
    queued(160);
    await row(page, "task-160").waitFor();
    assert.equal(await scroller.evaluate((node) => node.scrollTop), before);
    assert.equal(await entries().filter({ hasText: "task-160" }).count(), 0);
    await scroller.evaluate((node) => (node.scrollTop = 0));
    await entries().filter({ hasText: "task-160" }).waitFor();
  });

  test("keeps a hundred and fifty entries, and saves a thousand as lines of JSON", async () => {
    for (let number = 1000; number < 2100; number += 1) queued(number);
    await entries().filter({ hasText: "task-2099" }).waitFor();
    assert.ok((await entries().count()) <= 150);
    const [download] = await Promise.all([page.waitForEvent("download"), log(page).getByRole("button", { name: "Save" }).click()]);
    const lines = readFileSync(await download.path(), "utf8").trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(lines.length, 1000);
    assert.equal(lines.at(-1).jobId, "job_2099");
  });

  test("selects the thing that an entry is of", async () => {
    await entries().filter({ hasText: "task-2098" }).first().getByRole("button").click();
    await detail(page).getByRole("heading", { level: 2, name: "task-2098" }).waitFor();
  });
});

describe("the pause of the page", () => {
  test("stops what moves, and loses nothing", async () => {
    await page.getByRole("banner").getByRole("button", { name: "Pause" }).click();
    await page.getByRole("banner").getByText("Paused").waitFor();
    const shown = await list(page).innerText();
    queued(3000);
    await eventually("a second event to be sent", async () => (await page.evaluate(() => performance.now())) > 0);
    assert.equal(await row(page, "task-3000").count(), 0);
    assert.equal(await list(page).innerText(), shown);
    await page.getByRole("banner").getByRole("button", { name: /Go on|Resume|Pause/ }).click();
    await page.getByRole("searchbox").fill("task:task-3000");
    await row(page, "task-3000").waitFor();
    await page.getByRole("searchbox").fill("");
  });
});

describe("the keyboard", () => {
  test("reaches the filter, the rows, the help and back", async () => {
    await page.getByRole("heading", { level: 1 }).click();
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.type), "search");
    await page.keyboard.type("task:task-1");
    assert.match(page.url(), /q=/, "letters are text there, not shortcuts");
    await page.keyboard.press("Escape");
    assert.doesNotMatch(page.url(), /q=/);
    await page.keyboard.press("j");
    const first = await page.evaluate(() => location.hash);
    await page.keyboard.press("j");
    assert.notEqual(await page.evaluate(() => location.hash), first);
    await page.keyboard.press("k");
    assert.equal(await page.evaluate(() => location.hash), first);
    await page.keyboard.press("w");
    await eventually("the reasons to have the focus", () => page.evaluate(() => document.activeElement.textContent === "Why"));
    await page.keyboard.press("?");
    await dialog(page).getByRole("heading").first().waitFor();
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "hidden" });
    await page.keyboard.press("Control+p").catch(() => {});
    assert.equal(await page.getByRole("banner").getByText("Paused").count(), 0, "with Control it is the browser's");
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => location.hash), "");
  });

  test("steps through what the filter leaves now, however fast the keys are", async () => {
    await page.getByRole("searchbox").fill("task:task-2050");
    await eventually("one row to be left", async () => (await list(page).getByRole("listitem").count()) === 1);
    // In one turn of the page, so that nothing can be drawn between the keys.
    await page.evaluate(() => {
      const press = (node, key) => node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      press(document.querySelector("input[type=search]"), "Escape");
      press(document.body, "j");
    });
    assert.match(await page.evaluate(() => location.hash), /^#(?!job_2050$)/);
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => location.hash), "");
  });

  test("asks before it aborts, and can be switched off", async () => {
    await row(page, "ranker:1").getByRole("button").click();
    await detail(page).getByRole("heading", { level: 2, name: "ranker:1" }).waitFor();
    await page.keyboard.press("a");
    await dialog(page).getByRole("heading", { name: /Abort/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await dialog(page).getByRole("checkbox").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("a");
    await page.keyboard.press("p");
    assert.equal(await dialog(page).count(), 0);
    assert.equal(await page.getByRole("banner").getByText("Paused").count(), 0);
    await page.getByRole("button", { name: "Help" }).click();
    await dialog(page).getByRole("checkbox").check();
    await page.keyboard.press("Escape");
  });

  test("goes round the page without a trap", async () => {
    send(...progressEvent(1, 100));
    await page.getByRole("link", { name: /^Skip/ }).focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const seen = new Set();
    for (let press = 0; press < 20; press += 1) {
      await page.keyboard.press("Tab");
      seen.add(await page.evaluate(() => `${document.activeElement.tagName} ${document.activeElement.textContent.slice(0, 40)}`));
    }
    assert.ok(seen.size > 12, [...seen].join("; "));
  });
});
