// The command line of a running server.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { PROGRAM } from "./server.js";

/**
 * Runs `gatepost WORDS`; what it printed.
 *
 * @param {string} config the server's configuration file
 * @param {string[]} words
 * @param {string} [input] for its standard input, such as a secret
 */
export async function command(config, words, input = "") {
  const running = promisify(execFile)(PROGRAM, words, { env: { GATEPOST_CONFIG: config } });
  // A command that asks for no input may have ended before; how it ended is what counts.
  running.child.stdin.on("error", (error) => {
    if (error.code !== "EPIPE") throw error;
  });
  running.child.stdin.end(input);
  return (await running).stdout;
}
