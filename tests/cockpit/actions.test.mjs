// Does every action do to the daemon what its dialog says, whatever arrives meanwhile?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, REFUSED } from "./harness/browser.mjs";
import { begin, confirm, detail, dialog, isInState, list, open, openCockpit, row } from "./harness/cockpit.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { SHORT_POLICY, startModelServer } from "./harness/model_server.mjs";
import { eventually } from "./harness/patience.mjs";

let browser;
let home;
let daemon;
let models;
let page;

before(async () => {
  browser = await openBrowser();
  models = await startModelServer();
  home = makeHome({ environment: models.environment });
  home.addTask("endless", "exec sleep 600");
  daemon = await home.start();
  page = await openCockpit(browser, daemon);
});
after(async () => {
  await closeQuietly(page, [REFUSED]);
  await browser.close();
  await home.remove();
  await models.stop();
});

/** Starts a canary that stays open until somebody ends it. */
async function startCanary(name, policy = {}) {
  models.serve(`${name}:2`, {});
  await daemon.call("promote_model", { modelId: `${name}:1`, gate: "production" });
  return daemon.call("start_canary", { modelId: `${name}:2`, fromGate: "staging", toGate: "production", windowSeconds: 3600, policy: { ...SHORT_POLICY, ...policy } });
}

const canaryRow = (id) => home.rows(`SELECT status, policy_json FROM canaries WHERE canary_id = '${id}'`)[0];
const isAudited = (action, text) => home.rows(`SELECT count(*) AS found FROM audits WHERE action = '${action}' AND payload_json LIKE '%${text}%'`)[0].found === 1;
const gateOf = async (name) => (await daemon.call("list_models", { gate: "production" })).models.map(({ modelId }) => modelId).filter((id) => id.startsWith(`${name}:`));

describe("a canary", () => {
  test("is aborted with a reason, while hundreds of events arrive", async () => {
    const { canaryId } = await startCanary("aborted");
    for (let version = 0; version < 5; version += 1) await startCanary(`noise${version}`);
    await open(page, "aborted:2");
    await begin(page, "Abort…");
    await dialog(page).getByLabel("Reason").fill("the error budget is");
    const seen = (await daemon.call("get_infrastructure_status")).stream.published;
    await eventually("200 events", async () => (await daemon.call("get_infrastructure_status")).stream.published >= seen + 200);
    assert.equal(await dialog(page).getByLabel("Reason").inputValue(), "the error budget is");
    await dialog(page).getByLabel("Reason").pressSequentially(" used up");
    await dialog(page).getByText(canaryId).first().waitFor();
    await confirm(page, "Abort");
    await isInState(page, "aborted:2", "rolled back");
    await eventually("the row in the database", () => canaryRow(canaryId).status === "ROLLED_BACK");
    assert.ok(isAudited("canary_abort", "the error budget is used up"));
    assert.deepEqual(await gateOf("aborted"), ["aborted:1"]);
    for (let version = 0; version < 5; version += 1) {
      const found = (await daemon.call("list_canaries", {})).canaries.find(({ modelId }) => modelId === `noise${version}:2`);
      await daemon.call("abort_canary", { canaryId: found.canaryId });
    }
  });

  test("is not aborted by a dialog that is left", async () => {
    const { canaryId } = await startCanary("kept");
    await open(page, "kept:2");
    await begin(page, "Abort…");
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "hidden" });
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Abort…");
    await begin(page, "Abort…");
    await dialog(page).getByRole("button", { name: "Back" }).click();
    await dialog(page).waitFor({ state: "hidden" });
    assert.equal((await daemon.call("canary_status", { canaryId })).status, "RUNNING");
  });

  test("is paused and resumed", async () => {
    const { canaryId } = await startCanary("paused");
    await open(page, "paused:2");
    await begin(page, "Pause…");
    await dialog(page).getByLabel("Reason").fill("a deployment is under way");
    await confirm(page, "Pause");
    await isInState(page, "paused:2", "paused");
    assert.equal((await daemon.call("canary_status", { canaryId })).phase, "paused");
    await begin(page, "Resume…");
    await confirm(page, "Resume");
    await isInState(page, "paused:2", "observing");
    assert.equal((await daemon.call("canary_status", { canaryId })).phase, "observing");
  });

  test("is promoted at once only with a reason", async () => {
    const { canaryId } = await startCanary("hurried");
    await open(page, "hurried:2");
    await begin(page, "Promote now…");
    await dialog(page).getByRole("button", { name: "Promote now" }).click();
    await dialog(page).getByText("Reason is needed.").waitFor();
    assert.equal(canaryRow(canaryId).status, "RUNNING");
    await dialog(page).getByLabel("Reason").fill("a fix that cannot wait");
    await confirm(page, "Promote now");
    await isInState(page, "hurried:2", "promoted");
    assert.equal(canaryRow(canaryId).status, "PROMOTED");
    assert.deepEqual(await gateOf("hurried"), ["hurried:2"]);
  });

  test("is approved where it waits for somebody", async () => {
    const { canaryId } = await startCanary("shy", { approval: { before: ["start"] } });
    await isInState(page, "shy:2", "awaits approval");
    await page.getByRole("button", { name: /^Attention/ }).click();
    await open(page, "shy:2");
    await begin(page, "Approve…");
    await confirm(page, "Approve");
    await page.getByRole("group", { name: "Show" }).getByRole("button", { name: "All" }).click();
    await isInState(page, "shy:2", "observing");
    assert.equal((await daemon.call("canary_status", { canaryId })).phase, "observing");
  });

  test("is started from the form, and again from one that is over", async () => {
    models.serve("formed:2", { errorRate: 0.5 });
    await list(page).getByRole("button", { name: "New canary…" }).click();
    await dialog(page).getByRole("button", { name: "Start the canary" }).click();
    await dialog(page).getByText("Model ID is needed.").waitFor();
    await dialog(page).getByLabel("Model ID").fill("formed:2");
    await dialog(page).getByLabel("From gate").fill("staging");
    await dialog(page).getByLabel("To gate").fill("production");
    await dialog(page).getByRole("button", { name: "Start the canary" }).click();
    await dialog(page).getByRole("alert").getByText(/target/i).first().waitFor();
    await dialog(page).getByLabel("Window (seconds)", { exact: true }).fill("60");
    await dialog(page).getByLabel("Max error rate").fill("0.02");
    await dialog(page).getByText("What will be sent").click();
    await dialog(page).getByText(/"max_error_rate": 0.02/).waitFor();
    await dialog(page).getByText("More settings").click();
    await dialog(page).getByLabel("Poll (seconds)").fill("0.1");
    await confirm(page, "Start the canary");
    await isInState(page, "formed:2", "rolled back");
    await open(page, "formed:2");
    await begin(page, "Start again…");
    assert.equal(await dialog(page).getByLabel("Max error rate").inputValue(), "0.02");
    await confirm(page, "Start again");
    await eventually("a second canary", async () => (await daemon.call("list_canaries", {})).canaries.filter(({ modelId }) => modelId === "formed:2").length === 2);
  });
});

describe("an eval", () => {
  test("is started from the form, run again and cancelled", async () => {
    await list(page).getByRole("button", { name: "New eval…" }).click();
    await dialog(page).getByLabel("Task ID").fill("no-such-task");
    await dialog(page).getByLabel("Config ID").fill("default");
    await dialog(page).getByRole("button", { name: "Run the eval" }).click();
    await dialog(page).getByText(/no-such-task/).first().waitFor();
    await dialog(page).getByLabel("Task ID").fill("quick");
    await confirm(page, "Run the eval");
    await isInState(page, "quick", "completed");
    await open(page, "quick");
    await begin(page, "Run again…");
    assert.equal(await dialog(page).getByLabel("Task ID").inputValue(), "quick");
    await dialog(page).getByLabel("Task ID").fill("endless");
    await confirm(page, "Run again");
    await isInState(page, "endless", "running");
    await open(page, "endless");
    await begin(page, "Cancel…");
    await dialog(page).getByLabel("Reason").fill("it never ends");
    await confirm(page, "Cancel");
    await isInState(page, "endless", "cancelled");
    assert.deepEqual(home.rows("SELECT status FROM jobs WHERE task_id = 'endless'"), [{ status: "CANCELLED" }]);
  });
});

describe("a gate", () => {
  test("has a model promoted and rolled back", async () => {
    await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Models" }).click();
    for (const version of [1, 2]) {
      await page.getByRole("button", { name: "Promote a model…" }).click();
      await dialog(page).getByLabel("Model ID").fill(`gated:${version}`);
      await dialog(page).getByLabel("Gate").fill("production");
      await dialog(page).getByRole("button", { name: /^Promote/ }).click();
      await dialog(page).waitFor({ state: "hidden" });
      await page.getByRole("button", { name: `Roll back… gated:${version} from production` }).waitFor();
    }
    assert.deepEqual(await gateOf("gated"), ["gated:2"]);
    await page.getByRole("button", { name: "Roll back… gated:2 from production" }).click();
    await dialog(page).getByLabel("Reason").fill("users complain");
    await dialog(page).getByRole("button", { name: /^Roll/ }).click();
    await page.getByRole("button", { name: "Roll back… gated:1 from production" }).waitFor();
    assert.deepEqual(await gateOf("gated"), ["gated:1"]);
    await page.getByText("users complain").first().waitFor();
  });
});
