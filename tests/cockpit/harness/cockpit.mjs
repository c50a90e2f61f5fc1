// Where is what on the page, by the names that everybody sees and hears?

import { openPage } from "./browser.mjs";
import { KEY } from "./daemon.mjs";

/** Opens the page of a daemon, with the key that it asks for, and waits until it is live. */
export async function openCockpit(browser, daemon, { key = KEY, path = "", ...options } = {}) {
  const page = await openPage(browser, options);
  await visit(page, daemon, { key, path });
  return page;
}

export async function visit(page, daemon, { key = KEY, path = "" } = {}) {
  await page.goto(`${daemon.url}/cockpit.html${path}`);
  if (key) await enterKey(page, key);
  await isLive(page);
}

export async function enterKey(page, key) {
  await page.getByRole("dialog").getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Use this key" }).click();
}

/** Waits for a state of the connection, such as "Live" or /Reconnecting/. */
export const saysConnection = (page, text) => page.getByRole("banner").getByText(text, typeof text === "string" ? { exact: true } : {}).waitFor();
export const isLive = (page) => saysConnection(page, "Live");

export const list = (page) => page.getByRole("region", { name: "Work", exact: true });
export const detail = (page) => page.getByRole("region", { name: "Detail", exact: true });
export const log = (page) => page.getByRole("region", { name: "Events", exact: true });
export const dialog = (page) => page.getByRole("dialog");

/** The rows that name a task, a model or a state. */
export const row = (page, text) => list(page).getByRole("listitem").filter({ hasText: text });

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Waits until the row of a task or a model says a state, such as "rolled back". */
export const isInState = (page, name, state) => list(page).getByRole("button", { name: new RegExp(`${escaped(name)} ${state}\\b`) }).first().waitFor();

/** Selects a row and waits until its detail is there. */
export async function open(page, text) {
  await row(page, text).getByRole("button").first().click();
  await detail(page).getByRole("heading", { level: 2, name: text }).waitFor();
}

/** Begins an action of the detail that is shown, and waits for its dialog. */
export async function begin(page, name) {
  await detail(page).getByRole("button", { name, exact: true }).click();
  await dialog(page).waitFor();
}

/** Presses the dialog's button, and waits until the dialog is gone. */
export async function confirm(page, name) {
  await dialog(page).getByRole("button", { name, exact: true }).click();
  await dialog(page).waitFor({ state: "hidden" });
}
