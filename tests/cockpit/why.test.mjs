// Does the page say why a canary was rolled back, with every number that it was decided on?

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser, REFUSED } from "./harness/browser.mjs";
import { detail, isInState, open, openCockpit } from "./harness/cockpit.mjs";
import { KEY, makeHome } from "./harness/daemon.mjs";
import { SHORT_POLICY, startModelServer } from "./harness/model_server.mjs";
import { eventually } from "./harness/patience.mjs";

let browser;
let home;
let daemon;
let models;
let canary;
let page;

before(async () => {
  browser = await openBrowser();
  models = await startModelServer();
  home = makeHome({ environment: models.environment });
  daemon = await home.start();
  models.serve("ranker:2", { errorRate: 0.2 });
  await daemon.call("promote_model", { modelId: "ranker:1", gate: "production" });
  canary = await daemon.call("start_canary", { modelId: "ranker:2", fromGate: "staging", toGate: "production", windowSeconds: 60, policy: SHORT_POLICY });
  await eventually("the rollback", async () => (await daemon.call("canary_status", canaryId())).status === "ROLLED_BACK");
  page = await openCockpit(browser, daemon);
  await isInState(page, "ranker:2", "rolled back");
  await open(page, "ranker:2");
});
after(async () => {
  await closeQuietly(page, [REFUSED]);
  await browser.close();
  await home.remove();
  await models.stop();
});

const canaryId = () => ({ canaryId: canary.canaryId });
const why = () => detail(page).getByRole("region", { name: "Why" });

describe("the panel of a canary that was rolled back", () => {
  test("has a check for each target, with what was observed, the bound and the verdict", async () => {
    const errors = why().getByRole("row").filter({ hasText: "Error rate" });
    await errors.getByText(/failed requests of \d+/).waitFor();
    const text = await errors.innerText();
    assert.match(text, /surely .*[\d.]+ % (to|and) [\d.]+ %/);
    assert.match(text, /≤ 2 %/);
    assert.match(text, /200 to 1/);
    assert.match(text, /fail/);
    const latency = await why().getByRole("row").filter({ hasText: "p95 latency" }).innerText();
    assert.match(latency, /≤ 250 ms/);
    assert.doesNotMatch(latency, /\bfail\b/);
  });

  test("says what would have changed it, and tells the story as the daemon does", async () => {
    const told = await daemon.call("why", { id: canary.canaryId });
    const { decisions } = await daemon.call("canary_status", canaryId());
    await why().getByText(decisions.at(-1).counterfactual.sentence, { exact: true }).waitFor();
    for (const { message } of told.facts) await why().getByText(message).first().waitFor();
    await why().getByText(decisions.at(-1).decisionId).waitFor();
    await why().getByText(decisions.at(-1).hash).waitFor();
  });

  test("stands below a verdict, a timeline and charts", async () => {
    await detail(page).getByText(/^Rolled back after .*too many requests failed/).waitFor();
    const steps = await detail(page).getByRole("list", { name: "Progress" }).getByRole("listitem").allInnerTexts();
    assert.deepEqual(steps.map((step) => step.split(/\s+/)[0]), ["from", "enter", "observe", "decide", "↩"]);
    await detail(page).getByRole("img", { name: /^Error rate: latest .*target at most 2 %/ }).waitFor();
  });

  test("can be copied as a call that answers the same", async () => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await detail(page).getByRole("button", { name: "Copy as curl" }).click();
    const command = await eventually("the command", () => page.evaluate(() => navigator.clipboard.readText()));
    assert.ok(!command.includes(KEY));
    assert.match(command, /X-API-Key: \$LUKHAS_MCP_API_KEY/);
    const body = JSON.parse(/-d '(.*)'$/s.exec(command)[1]);
    assert.equal(body.params.arguments.canaryId, canary.canaryId);
  });
});

describe("a report", () => {
  for (const format of ["json", "md", "csv"]) {
    test(`is saved as ${format}, as the daemon sent it`, async () => {
      const answered = page.waitForResponse((response) => response.url().includes("/api/report/"));
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        detail(page).getByRole("button", { name: `Report as ${format}` }).click(),
      ]);
      const { "repr-digest": digest } = await (await answered).allHeaders();
      const bytes = readFileSync(await download.path());
      assert.equal(download.suggestedFilename(), `${canary.canaryId}.${format}`);
      assert.equal(digest, `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`);
      assert.match(bytes.toString(), { json: /"ranker:2"/, md: /ranker:2/, csv: /error_rate/i }[format]);
    });
  }
});
