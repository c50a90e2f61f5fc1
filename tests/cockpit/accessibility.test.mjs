// Can everybody use every view and every dialog, dark and light, on a desk and on a phone?
//
// Runs axe on each, and keeps a picture of each in target/cockpit.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertAccessible, assertFits, closeQuietly, openBrowser, openPage, picture, REFUSED } from "./harness/browser.mjs";
import { begin, detail, dialog, isInState, list, openCockpit, visit } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { SHORT_POLICY, startModelServer } from "./harness/model_server.mjs";
import { eventually } from "./harness/patience.mjs";

let browser;
let home;
let daemon;
let models;
const ids = {};

before(async () => {
  browser = await openBrowser();
  models = await startModelServer();
  home = makeHome({ environment: models.environment });
  daemon = await home.start();
  models.serve("ranker:2", { errorRate: 0.3 });
  models.serve("reader:5", { errorRate: 0.012, latency: 0.2 });
  models.serve("shy:2");
  for (const modelId of ["ranker:1", "reader:4", "shy:1"]) await daemon.call("promote_model", { modelId, gate: "production", reason: "the first of its kind" });
  const start = async (modelId, policy = {}) => (await daemon.call("start_canary", { modelId, fromGate: "staging", toGate: "production", windowSeconds: 600, policy: { ...SHORT_POLICY, ...policy } })).canaryId;
  ids.rolledBack = await start("ranker:2");
  ids.observing = await start("reader:5");
  ids.shy = await start("shy:2", { approval: { before: ["start"] } });
  for (const taskId of ["quick", "failing", "waiting"]) ids[taskId] = (await daemon.call("run_eval", { taskId, configId: "default" })).jobId;
  await eventually("the rollback", async () => (await daemon.call("canary_status", { canaryId: ids.rolledBack })).status === "ROLLED_BACK");
  await eventually("the failure", async () => (await daemon.call("status", { jobId: ids.failing })).status === "FAILED");
});
after(async () => {
  await browser.close();
  await home.remove();
  await models.stop();
});

const DETAILS = [["rolled-back", "rolledBack", "ranker:2"], ["observing", "observing", "reader:5"], ["running", "waiting", "waiting"], ["awaiting", "shy", "shy:2"], ["completed", "quick", "quick"], ["failed", "failing", "failing"]];

async function check(page, name) {
  await assertFits(page, name);
  await picture(page, name);
  await assertAccessible(page, name);
}

for (const [device, options] of [["desk", {}], ["phone", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }]]) {
  for (const colorScheme of ["dark", "light"]) {
    describe(`on a ${colorScheme} ${device}`, () => {
      let page;
      const name = (what) => `${device}-${colorScheme}-${what}`;
      const show = async (address) => page.goto(`${daemon.url}/cockpit.html${address}`);

      before(async () => (page = await openCockpit(browser, daemon, { ...options, colorScheme })));
      after(() => closeQuietly(page, [REFUSED]));

      test("the list", async () => {
        if (device === "phone") await page.getByRole("button", { name: "← All" }).click().catch(() => {});
        await isInState(page, "ranker:2", "rolled back");
        await check(page, name("list"));
      });

      for (const [what, id, title] of DETAILS) {
        test(`the detail: ${what}`, async () => {
          await show(`#${ids[id]}`);
          await detail(page).getByRole("heading", { level: 2, name: title }).waitFor();
          await detail(page).getByRole("heading", { name: "Story" }).waitFor();
          await check(page, name(what));
        });
      }

      for (const view of ["models", "supervision"]) {
        test(`the view: ${view}`, async () => {
          await show(`?view=${view}`);
          await page.getByRole("table").first().waitFor();
          await check(page, name(view));
        });
      }

      test("the dialogs", async () => {
        await show(`#${ids.observing}`);
        for (const [what, button] of [["key", "Key"], ["help", "Help"]]) {
          await page.getByRole("button", { name: button, exact: true }).click();
          await check(page, name(`dialog-${what}`));
          await page.keyboard.press("Escape");
        }
        await detail(page).getByRole("heading", { level: 2, name: "reader:5" }).waitFor();
        for (const action of ["Abort…", "Pause…", "Promote now…"]) {
          await begin(page, action);
          await dialog(page).getByText("What will be sent").click();
          await check(page, name(`dialog-${action.split(/[… ]/)[0].toLowerCase()}`));
          await page.keyboard.press("Escape");
        }
        if (device === "phone") await page.getByRole("button", { name: "← All" }).click();
        for (const [what, button, confirm] of [["eval", "New eval…", "Run the eval"], ["canary", "New canary…", "Start the canary"]]) {
          await list(page).getByRole("button", { name: button }).click();
          await dialog(page).getByText("More settings").click();
          await dialog(page).getByRole("button", { name: confirm }).click();
          await dialog(page).getByText(/is needed/).first().waitFor();
          await check(page, name(`dialog-${what}`));
          await page.keyboard.press("Escape");
        }
      });

      test("the empty page and the question for a key", async () => {
        const empty = await openPage(browser, { ...options, colorScheme });
        await empty.goto(`${daemon.url}/cockpit.html`);
        await dialog(empty).waitFor();
        await check(empty, name("key-needed"));
        await closeQuietly(empty, [REFUSED]);
      });
    });
  }
}

describe("what a reader prefers", () => {
  test("in forced colours and at 320 px, all is there", async () => {
    const page = await openCockpit(browser, daemon, { forcedColors: "active", viewport: { width: 320, height: 640 }, path: `#${ids.rolledBack}` });
    await detail(page).getByRole("heading", { name: "Story" }).waitFor();
    await assertFits(page, "320 px");
    await picture(page, "forced-colours-320");
    await closeQuietly(page, [REFUSED]);
  });

  test("with reduced motion, nothing moves", async () => {
    const page = await openCockpit(browser, daemon, { reducedMotion: "reduce" });
    await isInState(page, "ranker:2", "rolled back");
    const moving = await page.evaluate(() => [...document.querySelectorAll("*")].filter((node) => {
      const { animationName, animationDuration, transitionDuration } = getComputedStyle(node);
      const lasts = (times) => times.split(",").some((time) => parseFloat(time) > 0.001);
      return (animationName !== "none" && lasts(animationDuration)) || lasts(transitionDuration);
    }).map((node) => node.outerHTML.slice(0, 80)));
    assert.deepEqual(moving, []);
    await closeQuietly(page, [REFUSED]);
  });

  test("the theme can be chosen, and stays", async () => {
    const page = await openCockpit(browser, daemon, { colorScheme: "light" });
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.getByRole("button", { name: /^Theme/ }).click();
    await eventually("a dark page", async () => (await background()) !== light);
    await page.reload();
    assert.notEqual(await background(), light);
    await closeQuietly(page, [REFUSED]);
  });

  test("a print is a report of what is shown, without controls", async () => {
    const page = await openCockpit(browser, daemon, { path: `#${ids.rolledBack}` });
    await detail(page).getByRole("heading", { name: "Story" }).waitFor();
    await page.emulateMedia({ media: "print" });
    assert.ok(await detail(page).getByRole("heading", { name: "Story" }).isVisible());
    assert.equal(await list(page).isVisible(), false);
    for (const button of await page.getByRole("button").all()) assert.equal(await button.isVisible(), false, await button.innerText());
    await picture(page, "print");
    await closeQuietly(page, [REFUSED]);
  });

  test("targets on a phone are large enough for a finger", async () => {
    const page = await openCockpit(browser, daemon, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, path: `#${ids.observing}` });
    await detail(page).getByRole("heading", { name: "Story" }).waitFor();
    const small = await page.getByRole("button").evaluateAll((buttons) => buttons.filter((button) => button.checkVisibility()).map((button) => [button.textContent, button.getBoundingClientRect()]).filter(([, { width, height }]) => width > 0 && (height < 43.5 || width < 24)).map(([text, { width, height }]) => `${text}: ${width} × ${height}`));
    assert.deepEqual(small, []);
    await closeQuietly(page, [REFUSED]);
  });

  test("a phone has the list and the detail as two screens", async () => {
    const page = await openPage(browser, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    await visit(page, daemon);
    await list(page).getByRole("button", { name: /reader:5/ }).click();
    await detail(page).getByRole("heading", { level: 2, name: "reader:5" }).waitFor();
    assert.equal(await list(page).isVisible(), false);
    await page.getByRole("button", { name: "← All" }).click();
    assert.ok(await list(page).isVisible());
    assert.equal(await detail(page).isVisible(), false);
    await closeQuietly(page, [REFUSED]);
  });
});
