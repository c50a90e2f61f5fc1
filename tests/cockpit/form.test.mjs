// Does every tool's schema become a form, and what is typed there the arguments it says?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertAccessible, closeQuietly, openBrowser } from "./harness/browser.mjs";
import { makeHome } from "./harness/daemon.mjs";
import { openParts } from "./harness/unit_page.mjs";

let browser;
let home;
let page;
let tools;

before(async () => {
  browser = await openBrowser();
  home = makeHome({ keys: false });
  const daemon = await home.start();
  const answer = await fetch(`${daemon.url}/mcp`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
  });
  tools = new Map((await answer.json()).result.tools.map((tool) => [tool.name, tool.inputSchema]));
  page = await openParts(browser, ["00-page.js", "10-words.js", "60-form.js"], ["createForm"]);
});
after(async () => {
  await closeQuietly(page);
  await browser.close();
  await home.remove();
});

async function show(schema, { suggestions = {}, ...options } = {}) {
  await page.evaluate(([given, settings, offered]) => {
    window.form = window.createForm(given, { ...settings, known: (name) => offered[name] ?? [] });
    document.getElementById("place").replaceChildren(window.form.element);
  }, [schema, options, suggestions]);
}

const read = () => page.evaluate(() => window.form.read());
const object = (properties, required = []) => ({ type: "object", properties, required });

describe("a form", () => {
  test("is made of every tool of the daemon, and asks for what is required", async () => {
    assert.ok(tools.size > 30);
    for (const [name, schema] of tools) {
      await show(schema);
      const { value, problems } = await read();
      const objects = Object.keys(schema.properties ?? {}).filter((key) => schema.properties[key].type === "object" && schema.required?.includes(key));
      assert.deepEqual(value, Object.fromEntries(objects.map((key) => [key, {}])), name);
      const asked = (schema.required ?? []).filter((key) => !objects.includes(key));
      assert.deepEqual(problems.map(({ path }) => path).sort(), asked.toSorted(), name);
      await page.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
      await assertAccessible(page, `the form of ${name}`);
    }
  });

  test("sends what was typed, in the types of the schema, and leaves out what is empty", async () => {
    await show(tools.get("start_canary"), { first: ["windowSeconds", "targets"], hidden: ["policy.targets", "policy.windowSeconds"] });
    await page.getByLabel("Model ID").fill("ranker:12");
    await page.getByLabel("From gate").fill("staging");
    await page.getByLabel("To gate").fill("production");
    await page.getByLabel("Window (seconds)", { exact: true }).fill("120");
    await page.getByLabel("Max error rate").fill("0.02");
    await page.getByText("More settings").click();
    await page.getByLabel("Mode", { exact: true }).selectOption({ label: "both: Its targets, and the gate it comes from: a breach that both share rolls nothing back." });
    await page.getByLabel("Before").fill('["promote"]');
    await page.getByLabel("Requires").fill('[{"taskId":"t","metric":"accuracy","min":0.5}]');
    assert.deepEqual(await read(), {
      value: {
        modelId: "ranker:12", fromGate: "staging", toGate: "production", windowSeconds: 120, targets: { max_error_rate: 0.02 },
        policy: { mode: "both", approval: { before: ["promote"] }, requires: [{ taskId: "t", metric: "accuracy", min: 0.5 }] },
      },
      problems: [],
    });
    const labels = await page.locator(".form > .field label").allTextContents();
    assert.deepEqual(labels.slice(0, 3), ["Model ID required", "From gate required", "To gate required"]);
  });

  test("says beside the field what is wrong, and opens what hides it", async () => {
    await show(tools.get("start_canary"), { initial: { modelId: "m", fromGate: "a", policy: { alpha: "much", requires: {} } } });
    await page.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = true)));
    await page.getByLabel("Requires").fill("{");
    await page.locator("details").evaluateAll((all) => all.forEach((details) => (details.open = false)));
    const { problems } = await read();
    const byPath = (one, other) => one.path.localeCompare(other.path);
    assert.deepEqual(problems.toSorted(byPath), [
      { path: "policy.alpha", sentence: "Give a number." },
      { path: "policy.requires", sentence: "This is not JSON." },
      { path: "toGate", sentence: "To gate is needed." },
    ]);
    await page.evaluate((found) => window.form.show([...found, { path: null, sentence: "The daemon says no." }]), problems);
    const alpha = page.getByLabel("Alpha");
    assert.ok(await alpha.isVisible());
    assert.equal(await alpha.getAttribute("aria-invalid"), "true");
    const described = (await alpha.getAttribute("aria-describedby")).split(" ");
    const told = await page.evaluate((ids) => ids.map((id) => document.getElementById(id).textContent), described);
    assert.equal(told.at(-1), "Give a number.");
    await page.getByRole("alert").getByText("The daemon says no.").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-invalid")), "true");
    await assertAccessible(page, "a form with problems");
    await page.evaluate(() => window.form.show([]));
    assert.notEqual(await alpha.getAttribute("aria-invalid"), "true");
    assert.equal(await page.getByText("The daemon says no.").count(), 0);
  });

  test("follows references, and leaves out nulls", async () => {
    const schema = {
      ...object({ inner: { anyOf: [{ $ref: "#/$defs/inner" }, { type: "null" }], description: "Of its own." }, lines: { type: "array", items: { type: "string" } } }),
      $defs: { inner: object({ size: { type: ["integer", "null"], minimum: 1 } }, ["size"]) },
    };
    await show(schema);
    assert.deepEqual(await read(), { value: {}, problems: [] });
    await page.getByLabel("Size").fill("often");
    assert.deepEqual((await read()).problems, [{ path: "inner.size", sentence: "Give a number." }]);
    await page.getByLabel("Size").fill("3");
    await page.getByLabel("Lines").fill('["one", "two"]');
    assert.deepEqual(await read(), { value: { inner: { size: 3 }, lines: ["one", "two"] }, problems: [] });
  });

  test("has a box for what is true or false, and sends it when it is not the default", async () => {
    await show(object({ off: { type: "boolean", default: false }, on: { type: "boolean", default: true }, needed: { type: "boolean" } }, ["needed"]));
    assert.deepEqual((await read()).value, { needed: false });
    await page.getByText("More settings").click();
    await page.getByLabel("Off").check();
    await page.getByLabel("On", { exact: true }).uncheck();
    assert.deepEqual((await read()).value, { off: true, on: false, needed: false });
  });

  test("sends what is hidden as it was given, and offers what is suggested", async () => {
    await show(tools.get("abort_canary"), { hidden: ["canaryId"], initial: { canaryId: "canary_1" } });
    assert.equal(await page.getByLabel("Canary ID").count(), 0);
    await page.getByLabel("Reason").fill("too slow\nfor us");
    assert.deepEqual(await read(), { value: { canaryId: "canary_1", reason: "too slow\nfor us" }, problems: [] });
    await show(tools.get("promote_model"), { suggestions: { gate: ["staging", "production"] } });
    const list = await page.getByLabel("Gate").getAttribute("list");
    assert.equal(await page.locator(`[id="${list}"] option`).count(), 2);
  });

  test("checks what has no field of its own", async () => {
    await show(object({ any: { description: "Anything." }, map: { type: "object", additionalProperties: { type: "string" } } }));
    await page.getByLabel("Any").fill("{");
    assert.deepEqual((await read()).problems, [{ path: "any", sentence: "This is not JSON." }]);
    await page.getByLabel("Any").fill("[1, 2.50]");
    await page.getByLabel("Map").fill('{"a":"b"}');
    assert.deepEqual(await read(), { value: { any: [1, 2.5], map: { a: "b" } }, problems: [] });
  });

  test("takes texts of a schema for texts", async () => {
    const hostile = '<img src=x onerror=alert(1)>';
    await show(object({ [hostile]: { type: "string", description: hostile, default: hostile }, choice: { enum: [hostile] } }));
    assert.equal(await page.locator("#place img").count(), 0);
    await page.getByLabel("Choice").selectOption(hostile);
    assert.deepEqual((await read()).value, { choice: hostile });
  });
});
