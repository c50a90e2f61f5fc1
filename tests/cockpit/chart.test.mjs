// Does a chart show what there is, and nothing else, at every width and to every reader?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertAccessible, closeQuietly, openBrowser, picture } from "./harness/browser.mjs";
import { openParts } from "./harness/unit_page.mjs";

let browser;
let page;

before(async () => (browser = await openBrowser()));
after(() => browser.close());

/** Puts a chart of these data into the page, `width` pixels wide. */
async function draw(options, data, width = 400) {
  await page.evaluate(
    ([given, series, pixels]) => {
      const place = document.getElementById("place");
      place.replaceChildren();
      place.style.width = `${pixels}px`;
      const formats = { ms: (value) => `${Math.round(value)} ms`, odds: (value) => (value < 0 ? "less than 1 to 1" : `${Math.round(Math.exp(value))} to 1`) };
      window.chart = window.createChart({ ...given, format: formats[given.format] });
      place.append(window.chart.element);
      window.chart.update(series);
    },
    [options, data, width],
  );
  // The size is known with the next frame.
  await page.waitForFunction(() => document.querySelector("#place svg text"));
}

const path = (name) => page.locator(`.chart-${name}`).getAttribute("d");
const texts = () => page.locator("#place svg text").allTextContents();
const LATENCY = { title: "p95 latency", unit: "ms", format: "ms" };
const TARGET = { value: 250, label: "target at most 250 ms" };

describe("a chart", () => {
  before(async () => (page = await openParts(browser, ["00-page.js", "10-words.js", "50-chart.js", "73-frame.js"], ["createChart"])));
  after(() => closeQuietly(page));

  test("breaks its line at what is missing and at what is too far apart", async () => {
    const points = [[1, 100], [2, 110], [3, null], [4, 120], [5, 130], [20, 140], [21, 150]];
    await draw(LATENCY, { points, limit: TARGET, window: [0, 30], gapAfter: 3 });
    assert.equal((await path("line0")).match(/M\d/g).length, 3);
    assert.equal((await path("missing0")).match(/M/g).length, 1);
    assert.equal(await page.getByRole("img").getAttribute("aria-labelledby"), await page.locator("#place svg title").getAttribute("id"));
    await page.getByRole("img", { name: "p95 latency: latest 150 ms, target at most 250 ms, 0 of 6 samples over it, 1 without data" }).waitFor();
  });

  test("marks what is over its limit by shape", async () => {
    await draw(LATENCY, { points: [[1, 100], [10, 300], [20, 200], [29, 264]], limit: TARGET, window: [0, 30] });
    assert.equal((await path("over0")).match(/z/g).length, 2);
    await page.getByRole("img", { name: /latest 264 ms, target at most 250 ms, 2 of 4 samples over it/ }).waitFor();
  });

  test("shows a sample that stands alone", async () => {
    await draw(LATENCY, { points: [[5, 100]], limit: null, window: [0, 30] });
    assert.match(await path("line0"), /^M[\d.]+ [\d.]+m-2 0a2 2/);
  });

  test("says that there is nothing yet, and draws nothing", async () => {
    await draw(LATENCY, { points: [], limit: TARGET, window: [0, 30] });
    assert.ok((await texts()).includes("No samples yet"));
    assert.equal(await path("line0"), "");
    await page.getByRole("img", { name: "p95 latency: no samples yet" }).waitFor();
  });

  test("writes no label over another at any width", async () => {
    const points = Array.from({ length: 70 }, (_, index) => [index * 4, 200 + 90 * Math.sin(index / 4)]);
    for (const width of [200, 260, 320, 480, 900]) {
      await draw(LATENCY, { points, limit: TARGET, window: [0, 300], warmup: [0, 20], now: 280 }, width);
      const boxes = await page.locator("#place svg text").evaluateAll((nodes) => nodes.map((node) => ({ text: node.textContent, ...node.getBoundingClientRect().toJSON() })));
      const outer = await page.locator("#place svg").boundingBox();
      for (const [index, one] of boxes.entries()) {
        assert.ok(one.left >= outer.x - 1 && one.right <= outer.x + outer.width + 1, `${one.text} leaves the chart at ${width} px`);
        for (const other of boxes.slice(index + 1)) {
          const apart = one.right <= other.left || other.right <= one.left || one.bottom <= other.top + 3 || other.bottom <= one.top + 3;
          assert.ok(apart, `"${one.text}" covers "${other.text}" at ${width} px`);
        }
      }
      assert.ok(boxes.some(({ text }) => text === `${TARGET.value} ms`), `the target is at the axis at ${width} px`);
      assert.match(await page.locator("figcaption").innerText(), /target at most 250 ms/);
    }
  });

  test("draws labels as large at every width", async () => {
    const heights = [];
    for (const width of [200, 900]) {
      await draw(LATENCY, { points: [[1, 100]], limit: TARGET, window: [0, 30] }, width);
      heights.push(Math.round((await page.locator("#place svg text").first().boundingBox()).height));
    }
    assert.ok(heights[0] > 10, `${heights[0]} px`);
    assert.equal(heights[0], heights[1]);
  });

  test("has a table on demand", async () => {
    await draw(LATENCY, { points: [[1, 100], [2, 300], [3, null]], limit: TARGET, window: [0, 30] });
    const toggle = page.getByRole("button", { name: "Show as table of p95 latency" });
    assert.equal(await toggle.getAttribute("aria-expanded"), "false");
    await toggle.click();
    assert.deepEqual(await page.locator("#place tbody tr").allInnerTexts(), ["1.0 s\t100 ms", "2.0 s\t300 ms ▲", "3.0 s\tno data"].map((text) => text.replace(".0", "")));
    await assertAccessible(page, "a chart with its table");
    await toggle.click();
    assert.equal(await toggle.getAttribute("aria-expanded"), "false");
    assert.equal(await page.getByRole("table").count(), 0);
  });

  test("shows two lines of evidence, each against its own threshold", async () => {
    const points = [[1, 0.5], [2, 2], [3, 5.5]];
    const second = { points: [[1, -1], [2, -3], [3, -900]], limit: { value: 2.996, label: "met: needs 20 to 1" } };
    await draw({ title: "Evidence", unit: "log odds", format: "odds", names: ["broken", "met"] }, { points, limit: { value: 5.298, label: "broken: needs 200 to 1" }, second, window: [0, 30] }, 260);
    await page.getByRole("img", { name: /broken: latest 245 to 1, broken: needs 200 to 1, 1 of 3 samples over it. met: latest less than 1 to 1, met: needs 20 to 1, 0 of 3 samples/ }).waitFor();
    const low = (await path("line1")).split("L").at(-1).split(" ")[1];
    assert.ok(Number(low) <= 148, "what is far below is drawn at the edge");
    await picture(page, "chart-evidence");
  });

  test("lets go of what it observes", async () => {
    await draw(LATENCY, { points: [[1, 100]], limit: TARGET, window: [0, 30] });
    await page.evaluate(() => window.chart.destroy());
    assert.equal(await page.locator("figure").count(), 0);
  });
});
