// `gatepost serve` in a directory of its own, without mail ports.

import { spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { get } from "node:https";
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
 * Starts a server that nobody has set up and waits until it answers. A `secure` one has a certificate
 * of its own making and is called `localhost`, which is another site than the provider's address.
 *
 * `setUpLink()` reads its one-time link; `close()` stops it and removes everything.
 */
export async function start({ secure = false } = {}) {
  // Unix sockets below hold 107 bytes, and the workers' own accounts walk through it.
  const directory = await mkdtemp(join(tmpdir(), "gpb-"));
  await chmod(directory, 0o755);
  const port = await freePort();
  const origin = secure ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
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
      setUpLink: () => written(link),
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

/** What stands in a file; the server answers a moment before it has written the link. */
async function written(file) {
  const deadline = Date.now() + UP_MS;
  for (;;) {
    const text = await readFile(file, "utf8").catch((error) => {
      if (error.code !== "ENOENT" || Date.now() > deadline) throw error;
      return "";
    });
    if (text.endsWith("\n")) return text.trim();
    await pause(50);
  }
}

async function answering(child, origin, output) {
  const deadline = Date.now() + UP_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`serve ended:\n${output()}`);
    if (await ready(origin)) return;
    if (Date.now() > deadline) throw new Error(`${PROGRAM} does not answer:\n${output()}`);
    await pause(100);
  }
}

/** Whether it says so; who it is, is told by the port alone. */
async function ready(origin) {
  if (origin.startsWith("http:")) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    return answer?.ok ?? false;
  }
  const url = new URL("/readyz", origin);
  return new Promise((resolve) => {
    const asked = { host: "127.0.0.1", port: url.port, path: url.pathname, rejectUnauthorized: false };
    const request = get({ ...asked, headers: { host: url.host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on("error", () => resolve(false));
  });
}

/** Below those that the system gives to outgoing connections: one of them could take it meanwhile. */
async function freePort() {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const listener = createServer();
    const free = once(listener, "listening").then(() => true, () => false);
    listener.listen(port, "127.0.0.1");
    if (!(await free)) continue;
    listener.close();
    await once(listener, "close");
    return port;
  }
}
