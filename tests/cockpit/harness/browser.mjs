// How does a test get a browser that tells on the page?
//
// Whatever the page writes to the console, every error, every dialog of the browser and every report
// of the content security policy is collected, and makes the test fail that does not expect it.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

import { PATIENCE } from "./patience.mjs";

const PICTURES = new URL("../../../target/cockpit/", import.meta.url).pathname;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export async function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-precise-memory-info"],
  });
}

/** Opens a page and watches it. `options` are those of the browser's context. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  return watched(context);
}

/** A further tab of a context, watched like the first. */
export async function watched(context) {
  const page = await context.newPage();
  const complaints = [];
  const requests = [];
  page.on("console", (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("dialog", async (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on("request", (request) => requests.push({ url: request.url(), type: request.resourceType() }));
  await page.exposeBinding("reportViolation", (_, text) => complaints.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  return Object.assign(page, {
    requests,
    /** What the page complained of, except for what matches one of `expected`. */
    complaints: (expected = []) => complaints.filter((text) => !expected.some((pattern) => pattern.test(text))),
  });
}

/** What the browser itself writes when a daemon refuses a key, and when there is no daemon. */
export const REFUSED = /Failed to load resource: .* 401/;
export const UNREACHABLE = /Failed to load resource: net::ERR_|Failed to load resource: .* 503/;

/** Fails if the page complained, and closes it. */
export async function closeQuietly(page, expected = []) {
  const complaints = page.complaints(expected);
  await page.context().close();
  assert.deepEqual(complaints, []);
}

/** Keeps a picture of the page as it is. */
export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}${name}.png`, animations: "disabled" });
}

/** Fails on every violation that axe finds. */
export async function assertAccessible(page, what) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (tags) => {
    const { violations: found } = await window.axe.run(document, { runOnly: { type: "tag", values: tags } });
    return found.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary}`) }));
  }, AXE_TAGS);
  assert.deepEqual(violations, [], `axe on ${what}`);
}

/** Fails if the page can be scrolled sideways. */
export async function assertFits(page, what) {
  const [content, box] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(content <= box, `${what} is ${content} px wide in a window of ${box} px`);
}

/** Has the page believe that its tab was hidden or shown; headless tabs are never hidden. */
export async function setHidden(page, hidden) {
  await page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (value ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}
