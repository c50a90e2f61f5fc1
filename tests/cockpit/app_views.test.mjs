// Can everybody read the app, dark and light, in a wide window and in the narrowest?
//
// Runs axe on each view, and keeps a picture of each in target/cockpit.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { closeApp, detail, openApp, openAt, title } from "./harness/app_host.mjs";
import { beginWorld } from "./harness/app_world.mjs";
import { assertAccessible, openBrowser, picture } from "./harness/browser.mjs";
import { pause } from "./harness/patience.mjs";

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

const ALL = ["canary", "rolled-back", "job", "awaiting", "model"];
const VIEWS = [
  ["inline", 760, ["light", "dark"], ALL], ["narrow", 380, ["light", "dark"], ALL],
  ["least", 320, ["light"], ["canary"]], ["wide", 1180, ["dark"], ["rolled-back"]],
];
const NAMES = { canary: "reader:5", "rolled-back": "ranker:2", job: "waiting", awaiting: "shy:2", model: "ranker:1" };
const given = (what) => ({ canary: { canaryId: ids.observing }, "rolled-back": { canaryId: ids.rolledBack }, job: { jobId: ids.waiting }, awaiting: { canaryId: ids.shy }, model: { id: "ranker:1" } })[what];

for (const [device, width, schemes, views] of VIEWS) {
  for (const colorScheme of schemes) {
    test(`on a ${colorScheme} ${device} page`, async () => {
      const viewport = { width, height: 900 };
      const { page, app, seen } = await openApp(browser, daemon, { viewport, colorScheme });
      const check = async (what) => {
        await pause(300);
        const { sizes } = await seen();
        const [content, box] = await app.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        assert.ok(content <= box, `${what} is ${content} px wide in a frame of ${box} px`);
        assert.equal(sizes.at(-1).width, width);
        await page.setViewportSize({ width, height: Math.max(200, sizes.at(-1).height) });
        await picture(page, `app-${device}-${colorScheme}-${what}`);
        await assertAccessible(app, `${device} ${colorScheme} ${what}`);
        await page.setViewportSize(viewport);
      };
      await app.getByRole("button", { name: /reader:5 observing/ }).getByText(/failed/).waitFor();
      await app.getByRole("button", { name: /endless running.*40 %/ }).waitFor();
      await app.getByRole("heading", { name: "Models in their gates" }).waitFor();
      await app.getByText("Live").waitFor();
      await check("list");
      for (const what of views) {
        await openAt(page, given(what));
        await title(app, NAMES[what]);
        await detail(app).locator(".story li").first().waitFor();
        await check(what);
      }
      await openAt(page, given("canary"));
      await title(app, "reader:5");
      await detail(app).getByRole("button", { name: "Abort…" }).click();
      await app.getByRole("group", { name: "Abort reader:5?" }).waitFor();
      await check("abort");
      await page.keyboard.press("Escape");
      assert.equal(await app.evaluate(() => document.activeElement.textContent), "Abort…");
      await closeApp(page);
    });
  }
}
