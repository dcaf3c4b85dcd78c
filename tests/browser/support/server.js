// `gatepost serve` in a directory of its own, without mail ports.

import { spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { stop } from "./lines.js";

export const PROGRAM =
  process.env.GATEPOST_BINARY ??
  fileURLToPath(new URL("../../../target/debug/gatepost", import.meta.url));

/** Only a failing test waits this long; the first start of a debug build is slow. */
const UP_MS = 60_000;

const MAIL = ["imap", "imaps", "pop3", "pop3s", "sieve", "submission", "submissions", "smtp"];

/**
 * Starts a server that nobody has set up and waits until it answers.
 *
 * `setUpLink()` reads its one-time link; `close()` stops it and removes everything.
 */
export async function start() {
  // Unix sockets below hold 107 bytes, and the workers' own accounts walk through it.
  const directory = await mkdtemp(join(tmpdir(), "gpb-"));
  await chmod(directory, 0o755);
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const config = join(directory, "gatepost.toml");
  await writeFile(config, configuration(directory, port, origin));
  const child = spawn(PROGRAM, ["serve", "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  }
  const close = async () => {
    await stop(child);
    await rm(directory, { recursive: true });
  };
  try {
    const link = join(directory, "data/store/setup-link");
    await answering(child, origin, () => output);
    return {
      origin,
      config,
      output: () => output,
      setUpLink: async () => (await readFile(link, "utf8")).trim(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function configuration(directory, port, origin) {
  return [
    `public_url = "${origin}"`,
    "[listen]",
    `web = "127.0.0.1:${port}"`,
    ...MAIL.map((name) => `${name} = "off"`),
    `[data]\ndir = "${directory}/data"`,
    `[run]\ndir = "${directory}/run"`,
    // Numbers need no accounts.
    "[users]\nweb = 61001\nauth = 61002\nmail = 61003",
    "",
  ].join("\n");
}

async function answering(child, origin, output) {
  const deadline = Date.now() + UP_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`serve ended:\n${output()}`);
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error(`${PROGRAM} does not answer:\n${output()}`);
    await pause(100);
  }
}

async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}
