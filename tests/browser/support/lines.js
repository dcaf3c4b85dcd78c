// Child processes of which a test waits for a line.

import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * Waits for the first line on the child's standard output that starts with `start`; the rest of it.
 *
 * @param {import("node:child_process").ChildProcess} child
 * @param {string} start
 */
export async function line(child, start) {
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`ended with ${code} before it said "${start}"`);
  });
  const said = (async () => {
    for await (const text of lines) {
      if (text.startsWith(start)) return text.slice(start.length);
    }
    return ended;
  })();
  ended.catch(() => {}); // told by the race, or of no interest after it
  return Promise.race([said, ended]);
}

/** Asks the child to end and waits until it has. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await ended;
  clearTimeout(late);
}
