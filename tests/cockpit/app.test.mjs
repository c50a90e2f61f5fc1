// Does the app do in a host's window what the cockpit does in a tab, and nothing that it may not?
//
// The host is the bridge of the extension's own library; the daemon is a real one.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeApp, detail, give, openApp, openAt, title } from "./harness/app_host.mjs";
import { beginWorld } from "./harness/app_world.mjs";
import { assertAccessible, openBrowser, picture } from "./harness/browser.mjs";
import { READ_KEY } from "./harness/daemon.mjs";
import { eventually } from "./harness/patience.mjs";
import { HOSTILE } from "./harness/records.mjs";

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

const resultOf = async (tool, given) => (await daemon.post(tool, given)).result;

describe("what it shows", () => {
  test("it opens at the thing that the call was about, before the host passes any call on", async () => {
    const { page, app } = await openApp(browser, daemon);
    await give(page, await resultOf("canary_status", { canaryId: ids.rolledBack, series: true }));
    await title(app, "ranker:2");
    await detail(app).getByText(/Rolled back after/).waitFor();
    await detail(app).getByText("≤ 2 %").waitFor();
    await give(page, { resultType: "task", taskId: ids.waiting, content: [] });
    await title(app, "waiting");
    await app.getByRole("button", { name: "← All" }).click();
    await app.getByRole("button", { name: /waiting running/ }).click();
    await title(app, "waiting");
    await detail(app).getByRole("button", { name: "Show stdout" }).click();
    await detail(app).getByText("a line of the log").waitFor();
    await closeApp(page);
  });
});

describe("what is done", () => {
  test("an abort is confirmed, and really aborts", async () => {
    const { page, app } = await openApp(browser, daemon);
    await app.getByRole("button", { name: /doomed:2 observing/ }).click();
    await title(app, "doomed:2");
    await detail(app).getByRole("button", { name: "Abort…" }).click();
    const ask = app.getByRole("group", { name: "Abort doomed:2?" });
    await ask.getByText("production is given back what stood in it before").waitFor();
    await ask.getByLabel("Reason").fill("the error budget is used up");
    assert.equal((await daemon.call("canary_status", { canaryId: ids.doomed })).status, "RUNNING");
    await ask.getByRole("button", { name: "Abort", exact: true }).click();
    await app.getByText(/Abort doomed:2: rolled back|Abort doomed:2: rolling back/).first().waitFor();
    await eventually("the abort", async () => (await daemon.call("canary_status", { canaryId: ids.doomed })).status === "ROLLED_BACK");
    const [{ found }] = world.home.rows(`SELECT count(*) AS found FROM audits WHERE action = 'canary_abort' AND payload_json LIKE '%the error budget is used up%'`);
    assert.equal(found, 1);
    await detail(app).getByText(/Rolled back after .*: aborted/).waitFor();
    assert.equal(await detail(app).getByRole("button", { name: "Abort…" }).count(), 0);
    await closeApp(page);
  });

  test("a job is cancelled by the keyboard alone, and a canary is approved", async () => {
    const { page, app } = await openApp(browser, daemon);
    const { jobId } = await daemon.call("run_eval", { taskId: "endless", configId: "default" });
    await openAt(page, { jobId });
    await title(app, "endless");
    await detail(app).getByRole("button", { name: "Cancel…" }).focus();
    await page.keyboard.press("Enter");
    await app.getByRole("group", { name: "Cancel endless?" }).waitFor();
    await page.keyboard.type("no longer needed");
    await page.keyboard.press("Enter");
    await eventually("the cancellation", async () => (await daemon.call("status", { jobId })).status === "CANCELLED");
    await detail(app).getByText(/^Cancelled/).waitFor();
    await openAt(page, { canaryId: ids.shy });
    await title(app, "shy:2");
    await detail(app).getByRole("button", { name: "Approve…" }).click();
    await app.getByRole("group", { name: "Approve the start of shy:2?" }).getByRole("button", { name: "Approve", exact: true }).click();
    await eventually("the approval", async () => (await daemon.call("canary_status", { canaryId: ids.shy })).phase === "observing");
    await detail(app).getByRole("button", { name: "Pause…" }).waitFor();
    await closeApp(page);
  });

  test("a key that may only read is told so in a sentence", async () => {
    const { page, app } = await openApp(browser, daemon, { key: READ_KEY });
    await openAt(page, { canaryId: ids.observing });
    await title(app, "reader:5");
    await detail(app).getByRole("button", { name: "Abort…" }).click();
    const ask = app.getByRole("group", { name: "Abort reader:5?" });
    await ask.getByRole("button", { name: "Abort", exact: true }).click();
    await ask.getByText(/needs a key with the role operate/).waitFor();
    assert.equal((await daemon.call("canary_status", { canaryId: ids.observing })).status, "RUNNING");
    await closeApp(page);
  });
});

describe("what it is given", () => {
  test("hostile text is shown as text", async () => {
    const { page, app } = await openApp(browser, daemon, { calls: false });
    const at = new Date().toISOString();
    const job = (taskId, index) => ({ jobId: `job_${index}`, taskId, configId: HOSTILE[0], status: "RUNNING", startedAt: at, updatedAt: at, runningAt: at, progress: { fraction: 0.5, text: HOSTILE[1] }, principal: HOSTILE[2] });
    const jobs = HOSTILE.map(job);
    await give(page, { content: [{ type: "text", text: HOSTILE[0] }], structuredContent: { jobs } });
    await app.getByRole("button", { name: "<img src=x onerror=alert(1)> running" }).waitFor();
    await openAt(page, { jobId: "job_0" });
    await title(app, HOSTILE[0]);
    await give(page, { content: [{ type: "text", text: "" }], structuredContent: { id: "job_0", facts: HOSTILE.map((message) => ({ ts: at, message, actor: message, action: "run_eval" })) } });
    await detail(app).locator(".story li").nth(HOSTILE.length - 1).waitFor();
    const made = await app.evaluate(() => document.querySelectorAll("body script:not([type=module]), img, iframe, b[onclick], [onerror], [onload]").length);
    assert.equal(made, 0);
    assert.equal(await app.evaluate(() => document.body.textContent.includes("<img src=x onerror=alert(1)>")), true);
    await give(page, { isError: true, content: [{ type: "text", text: HOSTILE[0] }] });
    await app.getByRole("alert").getByText(HOSTILE[0]).waitFor();
    await closeApp(page);
  });

  test("a host that passes no calls on gets what the call gave, and is told that it stays so", async () => {
    const { page, app, seen } = await openApp(browser, daemon, { calls: false });
    await app.getByText("cannot be refreshed").waitFor();
    const given = await resultOf("canary_status", { canaryId: ids.rolledBack, series: true });
    const { metrics } = given.structuredContent.evidence, failed = metrics.find(({ metric }) => metric === "error_rate");
    failed.baseline = { requests: 2000, possibly_bad: 25, ratio: 1.5, log_e: 0, breach_at: 5, polls: 4, usable: 4, is_used: true };
    await give(page, given);
    await title(app, "ranker:2");
    await detail(app).getByText(/Rolled back after/).waitFor();
    await detail(app).getByText("Baseline: failed requests").waitFor();
    await detail(app).getByText("1.25 %").waitFor();
    assert.equal(await app.getByRole("button", { name: "Refresh" }).count(), 0);
    assert.equal(await detail(app).getByRole("button", { name: /…$/ }).count(), 0);
    await assertAccessible(app, "given");
    await picture(page, "app-given");
    assert.deepEqual((await seen()).calls, []);
    await closeApp(page);
    const begun = await openApp(browser, daemon, { calls: false });
    await give(begun.page, await resultOf("run_eval", { taskId: "quick", configId: "default" }));
    await title(begun.app, "quick");
    await closeApp(begun.page);
    const other = await openApp(browser, daemon, { calls: false });
    await give(other.page, { content: [{ type: "text", text: "Something <b>else</b>." }] });
    await other.app.getByText("Something <b>else</b>.").waitFor();
    await closeApp(other.page);
  });

  test("what the host refuses is said, and asked again later", async () => {
    const { page, app, refusals, seen } = await openApp(browser, daemon);
    await app.getByText("Live").waitFor();
    refusals.next = () => "the user said no";
    await app.getByRole("alert").getByText(/The host refused: The user said no|The host refused: .*the user said no/i).waitFor();
    await app.getByText("Not refreshed").waitFor();
    const before = (await seen()).calls.length;
    refusals.next = null;
    await app.getByRole("button", { name: "Ask now" }).click();
    await app.getByText("Live").waitFor();
    assert.ok((await seen()).calls.length > before);
    await closeApp(page);
  });

  test("a call that was cancelled is said to be", async () => {
    const { page, app } = await openApp(browser, daemon);
    await page.evaluate(() => window.cancelled("the user"));
    await app.getByRole("alert").getByText("was cancelled").waitFor();
    await closeApp(page);
  });

  test("colours, numbers and times are the host's", async () => {
    const variables = { "--color-background-primary": "rgb(250, 240, 230)", "--font-sans": "serif", "--color-text-primary": "url(http://evil.example/x)", "--evil": "red" };
    const { page, app, seen } = await openApp(browser, daemon, { context: { styles: { variables }, locale: "de-DE", timeZone: "Pacific/Kiritimati", availableDisplayModes: ["inline", "fullscreen"] } });
    const style = () => app.evaluate(() => ({ back: getComputedStyle(document.body).backgroundColor, font: getComputedStyle(document.documentElement).fontFamily, inline: document.documentElement.getAttribute("style"), scheme: getComputedStyle(document.documentElement).colorScheme }));
    const first = await style();
    assert.deepEqual([first.back, first.font, first.scheme], ["rgb(250, 240, 230)", "serif", "light"]);
    assert.ok(!/evil/.test(first.inline), first.inline);
    await openAt(page, { canaryId: ids.observing });
    await title(app, "reader:5");
    await detail(app).getByText(/\d,\d+ % failed|\d,\d+ %/).first().waitFor();
    const day = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeZone: "Pacific/Kiritimati" }).format();
    const local = await app.evaluate(() => [...document.querySelectorAll("time")].map((node) => [node.dateTime, node.textContent]));
    for (const [at, text] of local) {
      const hour = new Intl.DateTimeFormat("sv", { hour: "2-digit", timeZone: "Pacific/Kiritimati" }).format(new Date(at));
      assert.ok(text.replace(`${day} `, "").startsWith(hour), `${at} reads ${text}`);
    }
    await page.evaluate(() => window.change({ theme: "dark", locale: "not a language", availableDisplayModes: ["inline", "fullscreen"] }));
    await eventually("the dark scheme", async () => (await style()).scheme === "dark");
    await app.getByRole("button", { name: "Larger" }).click();
    await app.getByRole("button", { name: "Smaller" }).waitFor();
    assert.deepEqual((await seen()).modes, ["fullscreen"]);
    await closeApp(page);
  });
});
