// What does a journal come to on the page, and what becomes of text that is not what it seems?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { closeQuietly, openBrowser } from "./harness/browser.mjs";
import { openParts } from "./harness/unit_page.mjs";

let browser;
let page;

before(async () => {
  browser = await openBrowser();
  page = await openParts(browser, ["00-page.js", "../chat/js/10-told.js"], ["told", "exact", "visible", "proseOf", "jsonOf"]);
});
after(async () => {
  await closeQuietly(page);
  await browser.close();
});

const AT = "2026-11-22T07:00:00.000Z";
const fold = (events) => page.evaluate((all) => window.told(all), events.map((event, index) => ({ seq: index + 1, timestamp: AT, ...event })));
const wanted = (id) => ({ type: "assistant_message", content: "", tool_calls: [{ id, name: "ops__run_eval", arguments: '{"a":1}' }], extra: { finish: "tool_calls" } });
const asked = (id) => ({ type: "meta", extra: { kind: "approval_requested", approval_id: `ap_${id}`, call_id: id, server: "ops", tool: "run_eval", arguments: { a: 1 }, reason: "it changes something", expires_at: AT } });
const decided = (id, allowed) => ({ type: "meta", extra: { kind: "approval_decided", approval_id: `ap_${id}`, call_id: id, allowed, by: "key:1", reason: allowed ? null : "no" } });
const called = (id) => ({ type: "tool_call", tool_calls: [{ id, name: "ops__run_eval", arguments: '{"a":1}' }], tool_call_id: id, extra: { server: "ops", tool: "run_eval" } });
const result = (id, outcome) => ({ type: "tool_result", tool_call_id: id, content: "said", extra: { outcome } });

describe("a call", () => {
  for (const [what, events, state] of [
    ["is wanted", [], "wanted"],
    ["is asked about", [asked("k")], "asks"],
    ["is allowed", [asked("k"), decided("k", true)], "allowed"],
    ["runs", [asked("k"), decided("k", true), called("k")], "running"],
    ["is done", [called("k"), result("k", "ok")], "ok"],
    ["is denied", [asked("k"), decided("k", false), result("k", "denied")], "denied"],
    ["was interrupted", [called("k"), result("k", "unknown")], "unknown"],
  ]) {
    test(`that ${what} is one card`, async () => {
      const { shown, asker } = await fold([{ type: "user_message", content: "do", request_id: "r" }, wanted("k"), ...events]);
      const calls = shown.filter(({ kind }) => kind === "call");
      assert.deepEqual(calls.map((call) => [call.state, call.args]), [[state, { a: 1 }]]);
      assert.equal(asker.request, "r");
    });
  }
});

test("a request is under way until it ends", async () => {
  const end = { type: "meta", extra: { kind: "turn_end", request_id: "r", status: "cancelled", by: "key:1", cost: { total_tokens: 3 } } };
  const { shown, asker } = await fold([{ type: "user_message", content: "do", request_id: "r" }, { type: "assistant_message", content: "par", extra: { finish: "cancelled" } }, end]);
  assert.equal(asker, null);
  assert.deepEqual(shown.map(({ kind }) => kind), ["user", "assistant", "end"]);
});

test("pieces of two attempts at an answer are not put together", async () => {
  const own = await openParts(browser, ["00-page.js", "../chat/js/30-known.js", "../chat/js/20-socket.js"], ["hear", "talk"]);
  const said = await own.evaluate(() => {
    const { hear, talk } = window;
    talk.id = "c";
    const texts = [];
    const piece = (attempt, start, data) => {
      hear({ request_id: "r", status: "chunk", conversation_id: "c", seq: 2, chunk: { type: "text", data, metadata: { type: "delta", attempt, start } } });
      texts.push(talk.live.text);
    };
    piece(0, 0, "ne");
    piece(0, 2, "ver");
    piece(1, 0, "one ");
    piece(1, 4, "two");
    hear({ request_id: "r", status: "chunk", conversation_id: "c", seq: 2, chunk: { type: "text", data: "one two ", metadata: { type: "replay", attempt: 1 } } });
    piece(1, 8, "three");
    return texts;
  });
  assert.deepEqual(said, ["ne", "never", "one ", "one two", "one two three"]);
  await closeQuietly(own);
});

test("what is hidden or turns text around is seen", async () => {
  const seen = await page.evaluate(() => [window.visible("a\u202eb\u200d\nc\u0007"), window.exact("a\u200bb\u{e0041}\u00ad\tc"), window.jsonOf({ a: "\u2066" })]);
  assert.deepEqual(seen, ["a\\u{202e}b\u200d\nc\\u{7}", "a\\u{200b}b\\u{e0041}\\u{ad}\tc", '{\n  "a": "\\u{2066}"\n}']);
});

test("blocks of code are set off, also the one that is still to end", async () => {
  const made = (text) => page.evaluate((said) => window.proseOf(said).map((node) => [node.tagName, node.textContent]), text);
  assert.deepEqual(await made("one\n\ntwo\n~~~\na\n```\nb\n~~~\nthree"), [["P", "one"], ["P", "two"], ["PRE", "a\n```\nb"], ["P", "three"]]);
  assert.deepEqual(await made("x\n```js\nlet a"), [["P", "x"], ["PRE", "let a"]]);
  assert.deepEqual(await made("a `b` and `c"), [["P", "a b and `c"]]);
});
