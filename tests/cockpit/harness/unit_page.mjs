// How are parts of the script tried alone?
//
// A page with the cockpit's headers and style, and only the parts that are named; what they declare
// is put on `window` for the test.

import { readdirSync, readFileSync } from "node:fs";

import { openPage } from "./browser.mjs";

const ASSETS = new URL("../../../assets/cockpit/", import.meta.url);
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const HTML = '<!doctype html><html lang="en"><head><title>Parts</title><link rel="stylesheet" href="/parts.css"></head><body><main><h1>Parts</h1><div id="place"></div></main><script type="module" src="/parts.js"></script></body></html>';

/** Opens a page with parts of the script, such as `50-chart.js`, and these names of theirs. */
export async function openParts(browser, parts, names, options) {
  const page = await openPage(browser, options);
  const read = (path) => readFileSync(new URL(path, ASSETS), "utf8");
  const style = readdirSync(new URL("css/", ASSETS)).sort().map((name) => read(`css/${name}`)).join("\n");
  const script = `${parts.map((part) => read(`js/${part}`)).join("\n")}\nObject.assign(window, { ${names.join(", ")} });`;
  const files = { "/parts.css": ["text/css", style], "/parts.js": ["text/javascript", script], "/": ["text/html", HTML] };
  await page.route("**/*", (route) => {
    const [contentType, body] = files[new URL(route.request().url()).pathname] ?? ["text/plain", ""];
    return route.fulfill({ contentType, body, headers: { "Content-Security-Policy": POLICY } });
  });
  await page.goto("http://parts.test/");
  await page.waitForFunction((name) => name in window, names[0]);
  return page;
}
