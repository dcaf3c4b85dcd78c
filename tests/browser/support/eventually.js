// What a page comes to show. A click is done before what it leads to is there, and by how much is up to
// the machine: whatever is read after one is read until it is as wanted.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/** Only a failing test waits this long. */
const PATIENCE_MS = 30_000;

/**
 * Reads until it is as wanted; what was read last.
 *
 * @template T
 * @param {() => Promise<T>} read
 * @param {RegExp | T} wanted what a text must match, or the very value
 */
export async function eventually(read, wanted) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await read();
    const good = wanted instanceof RegExp ? wanted.test(found) : found === wanted;
    if (good) return found;
    if (Date.now() > deadline) {
      if (wanted instanceof RegExp) assert.match(found, wanted);
      assert.equal(found, wanted);
    }
    await pause(50);
  }
}

/** Waits until the page says it; all that it says. */
export const says = (page, wanted) => eventually(() => page.locator("main").innerText(), wanted);

/**
 * Clicks what leads to another page, or to the same one anew, and waits until that one is there.
 *
 * @param {import("playwright-core").Locator} target
 */
export async function follow(target) {
  const page = target.page();
  // The page may still be loading, and that end is not the one to wait for.
  await page.waitForLoadState("load");
  await Promise.all([page.waitForEvent("load"), target.click()]);
}
