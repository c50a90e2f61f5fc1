// Are conversations on the page what they are in the daemon: said, streamed, approved, stopped, found again?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertAccessible, assertFits, closeQuietly, openBrowser, openPage, picture, REFUSED, UNREACHABLE } from "./harness/browser.mjs";
import { beginChat } from "./harness/chat_world.mjs";
import { dialog, enterKey, isLive, openCockpit, visit } from "./harness/cockpit.mjs";
import { READ_KEY } from "./harness/daemon.mjs";
import { eventually } from "./harness/patience.mjs";

let browser;
let world;
let page;

// What the browser itself writes while there is no daemon, and when one refuses a key.
const EXPECTED = [REFUSED, UNREACHABLE, /WebSocket connection to .* failed/];
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const ASKS = { name: "Conversations", exact: true };
const talks = (at = page) => at.getByRole("region", ASKS);
const talk = (at = page) => at.getByRole("region", { name: "Conversation", exact: true });
const said = (at = page) => talk(at).getByRole("list", { name: "What was said" });
const message = (at = page) => talk(at).getByLabel("Message", { exact: true });
async function tell(text, at = page) {
  await message(at).fill(text);
  await message(at).press("Enter");
}
const begin = (at = page) => talks(at).getByRole("button", { name: "New conversation" }).first().click();

before(async () => {
  browser = await openBrowser();
  world = await beginChat({ servers: { things: { command: "python3", args: [new URL("../fixtures/mcp_server.py", import.meta.url).pathname], elicitation: true, policy: "allow" } } });
  page = await openCockpit(browser, world.daemon, { path: "?view=chat" });
});
after(async () => {
  await closeQuietly(page, EXPECTED);
  await browser.close();
  await world.end();
});

describe("a conversation", () => {
  test("is begun, answered, entitled, and has its price", async () => {
    await tell("say Hello, **reader**.");
    await said().getByText("Hello, **reader**.").waitFor();
    await said().getByText("42 tokens · cost 0.05").waitFor();
    await talks().getByRole("button", { name: /Hello/ }).waitFor();
    assert.match(page.url(), /\?view=chat#conv_[0-9a-z]{20,}$/);
    const [row] = world.home.rows("SELECT count(*) AS found FROM chat_events WHERE type = 'user_message'");
    assert.equal(row.found, 1);
  });

  test("comes a word at a time, and is the same after a reload in the middle", async () => {
    await begin();
    const text = Array.from({ length: 40 }, (_, number) => `word${number}`).join(" ");
    await tell(`slowly ${text}`);
    await said().locator(".live").getByText(/^word0 .*word15/).waitFor();
    assert.equal(await said().locator(".live").getByText(/word39/).count(), 0);
    await page.reload();
    await isLive(page);
    await said().getByText(/Assistant/).waitFor();
    await eventually("the first half again", async () => (await said().locator(".live .prose").innerText()).includes("word15"));
    world.provider.goOn();
    await eventually("the whole", async () => (await said().locator(".assistant .prose").last().innerText().catch(() => "")) === text);
    await said().getByText("42 tokens").waitFor();
  });

  test("is stopped, and what was said is kept", async () => {
    await begin();
    await tell("slowly one two three four five six");
    await said().locator(".live").getByText(/one two/).waitFor();
    await talk().getByRole("button", { name: "Stop", exact: true }).click();
    await said().getByText("It was stopped here.").waitFor();
    await said().getByText(/■ stopped by/).waitFor();
    assert.match(await said().locator(".assistant .prose").innerText(), /^one two/);
    world.provider.goOn();
  });

  test("says why there is no answer", async () => {
    await begin();
    await tell("break");
    await said().locator(".fault").waitFor();
    assert.match(await said().locator(".fault").innerText(), /\w+.*\.$/m);
  });

  test("has code as code, and nothing of it as markup", async () => {
    await begin();
    await tell("say Look:\n```sh\nrm <b>-rf</b> `x`\n```\nand `this <img src=x>` \u202etxt");
    await said().getByRole("region", { name: "Code" }).waitFor();
    assert.equal(await said().getByRole("region", { name: "Code" }).innerText(), "rm <b>-rf</b> `x`");
    assert.equal(await said().locator("p code", { hasText: "this <img src=x>" }).count(), 1);
    assert.equal(await said().locator("img, b").count(), 0);
    assert.equal(await said().getByText("\\u{202e}txt").count(), 2);
  });

  test("is renamed, forked, found and removed", async () => {
    await begin();
    await tell("say A zebra crosses.");
    await said().getByText("42 tokens").waitFor();
    await talk().getByRole("button", { name: "Rename…" }).click();
    await dialog(page).getByLabel("Title").fill("On zebras");
    await dialog(page).getByRole("button", { name: "Rename", exact: true }).click();
    await talk().getByRole("heading", { level: 2, name: "On zebras" }).waitFor();
    const one = page.url();
    await said().getByRole("button", { name: /^Fork after event/ }).click();
    await talk().getByRole("heading", { level: 2, name: "On zebras (fork)" }).waitFor();
    assert.notEqual(page.url(), one);
    await said().getByText("Forked from").waitFor();
    await tell("say and back again");
    await said().getByText("and back again").nth(1).waitFor();
    await talks().getByLabel("Search conversations").fill("zebra");
    await talks().getByRole("button", { name: /On zebras/ }).first().waitFor();
    await talks().locator("mark", { hasText: "zebra" }).first().waitFor();
    await talks().getByRole("button", { name: /^On zebras (user|assistant)/ }).first().click();
    await talk().getByRole("heading", { level: 2, name: "On zebras", exact: true }).waitFor();
    await talks().getByLabel("Search conversations").fill("");
    await talk().getByRole("button", { name: "Remove…" }).click();
    await dialog(page).getByRole("button", { name: "Remove", exact: true }).click();
    await talk().getByRole("heading", { level: 2, name: "New conversation" }).waitFor();
    assert.deepEqual(world.home.rows("SELECT title FROM conversations WHERE title LIKE 'On zebras%'"), [{ title: "On zebras (fork)" }]);
  });
});

const CALL = 'call ops__run_eval {"taskId":"quick","configId":"default"}';

describe("a call that changes something", () => {
  test("waits for a yes, is made once, and its result is there to be unfolded", async () => {
    await begin();
    await tell(CALL);
    const card = said().getByRole("listitem").filter({ hasText: "waits for approval" });
    await card.getByText("May run_eval of ops be called?").waitFor();
    assert.match(await card.getByRole("region", { name: "Arguments" }).innerText(), /"taskId": "quick"/);
    await card.getByText(/can be answered for/).waitFor();
    await page.getByRole("link", { name: "Chat, 1 call waits for approval" }).waitFor();
    await card.getByRole("button", { name: "Allow once: run_eval of ops" }).click();
    await said().getByText(/The tool said: /).waitFor();
    const done = said().getByRole("listitem").filter({ hasText: "done" });
    await done.getByText(/Allowed by/).waitFor();
    await done.getByText("Result", { exact: true }).click();
    assert.match(await done.getByRole("region", { name: "Result" }).innerText(), /job_/);
    assert.equal((await world.daemon.call("list_jobs", {})).jobs.length, 1);
    await page.getByRole("link", { name: "Chat", exact: true }).waitFor();
  });

  test("is denied from elsewhere on the page, where everybody who operates is told", async () => {
    await begin();
    await tell(CALL);
    await said().getByText("May run_eval of ops be called?").waitFor();
    await page.getByRole("link", { name: "Models" }).click();
    await page.getByRole("link", { name: "Chat, 1 call waits for approval" }).waitFor();
    const other = await openPage(browser);
    await visit(other, world.daemon, { path: "?view=chat" });
    await talks(other).getByRole("region", { name: "Approvals" }).getByRole("button", { name: "Deny: run_eval of ops" }).click();
    await page.getByRole("link", { name: "Chat", exact: true }).click();
    await said().getByText(/Denied by/).waitFor();
    assert.equal((await world.daemon.call("list_jobs", {})).jobs.length, 1);
    await closeQuietly(other, EXPECTED);
  });

  test("is asked about once if always is said", async () => {
    await begin();
    await tell(CALL);
    await said().getByRole("button", { name: "Always in this conversation: run_eval of ops" }).click();
    await said().getByText(/The tool said: /).waitFor();
    await tell(CALL);
    await said().getByText(/The tool said: /).nth(1).waitFor();
    assert.equal(await said().getByText("May run_eval of ops be called?").count(), 0);
  });

  test("hides nothing in its arguments", async () => {
    await begin();
    await tell('call ops__run_eval {"taskId":"quick\u200b\u202e","configId":"default"}');
    const shown = await said().getByRole("region", { name: "Arguments" }).innerText();
    assert.match(shown, /quick\\u\{200b\}\\u\{202e\}/);
    await said().getByRole("button", { name: /^Deny/ }).click();
    await said().getByText(/Denied by/).waitFor();
  });
});

describe("a question of a server", () => {
  test("is a form, and its answer reaches the server", async () => {
    await begin();
    await tell("call things__asks {}");
    const card = said().getByRole("listitem").filter({ hasText: "things asks" });
    await card.getByText("Which branch?").waitFor();
    await card.getByRole("button", { name: "Answer" }).click();
    await card.getByText("Branch is needed.").waitFor();
    await card.getByLabel("Branch").fill("main");
    await card.getByRole("button", { name: "Answer" }).click();
    await said().getByText(/The tool said: .*main/).waitFor();
    assert.equal(await card.count(), 0);
  });
});

describe("who may only read", () => {
  test("is offered nothing to say or to allow", async () => {
    const reader = await openPage(browser);
    await visit(reader, world.daemon, { key: READ_KEY, path: "?view=chat" });
    await talks(reader).getByText("No conversation yet.").waitFor();
    assert.equal(await message(reader).isVisible(), false);
    assert.equal(await talk(reader).getByRole("button", { name: /Send|Allow|Deny/ }).count(), 0);
    await closeQuietly(reader, EXPECTED);
  });
});

describe("a daemon that is gone", () => {
  test("is followed again, and the conversation goes on", async () => {
    await begin();
    await tell("say before");
    await said().getByText("42 tokens").waitFor();
    const { port } = world.daemon;
    await world.daemon.kill();
    await page.getByRole("banner").getByText(/Reconnecting|Connecting/).waitFor();
    world.daemon = await world.home.start({ port });
    await isLive(page);
    await tell("say behind");
    await said().getByText("behind", { exact: true }).waitFor();
  });
});

for (const [device, options] of [["desk", {}], ["phone", PHONE]]) {
  for (const colorScheme of ["dark", "light"]) {
    test(`everybody can use it on a ${colorScheme} ${device}`, async () => {
      const at = await openPage(browser, { ...options, colorScheme });
      await at.goto(`${world.daemon.url}/cockpit.html?view=chat`);
      await enterKey(at, "operate-0123456789abcdef");
      await isLive(at);
      const look = async (what) => {
        await assertFits(at, what);
        await picture(at, `${device}-${colorScheme}-chat-${what}`);
        await assertAccessible(at, what);
      };
      await talks(at).getByRole("button", { name: /^call ops__run_eval/ }).first().waitFor();
      await look("list");
      await begin(at);
      await tell("say It has `code`, and a block:\n```\nlukhas-mcp approvals\n```\nThat is all.", at);
      await said(at).getByText("42 tokens").waitFor();
      await tell(CALL, at);
      await said(at).getByText("May run_eval of ops be called?").waitFor();
      await look("asks");
      await said(at).getByRole("button", { name: /^Allow once/ }).click();
      await said(at).getByText(/The tool said/).waitFor();
      await said(at).getByText("Result", { exact: true }).click();
      await tell("call things__asks {}", at);
      await said(at).getByText("Which branch?").waitFor();
      await look("form");
      await said(at).getByRole("button", { name: "Decline" }).click();
      await said(at).getByText(/The tool said/).nth(1).waitFor();
      if (device === "phone") {
        const low = await at.getByRole("button").evaluateAll((buttons) => buttons.filter((one) => one.checkVisibility()).map((one) => [one.textContent, one.getBoundingClientRect().height]).filter(([, height]) => height > 0 && height < 43.5));
        assert.deepEqual(low, []);
      }
      await closeQuietly(at, EXPECTED);
    });
  }
}
