// The company's provider: `oidc-provider`, which somebody else wrote.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { line, stop } from "./lines.js";

const DIRECTORY = fileURLToPath(new URL("../../providers/oidc-provider", import.meta.url));

/** How Gatepost is known there. */
export const CLIENT = { id: "gatepost", secret: "a secret: with/reserved+characters" };

/**
 * Starts it with these people (login → claims); any password opens an account.
 *
 * @param {string} redirect the one redirect URL of our client
 * @param {Record<string, object>} people
 * @param {object} [more] further metadata of our client, as it is registered there
 */
export async function start(redirect, people, more = {}) {
  const child = spawn("node", ["provider.mjs"], {
    cwd: DIRECTORY,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const client = {
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    redirect_uris: [redirect],
    token_endpoint_auth_method: "client_secret_basic",
    ...more,
  };
  child.stdin.write(`${JSON.stringify({ clients: [client], people })}\n`);
  const issuer = await line(child, "ready ");
  return { issuer, close: () => stop(child) };
}

/**
 * At the provider's own pages: signs in and consents, until the browser is back.
 *
 * @param {import("playwright-core").Page} page
 */
export async function signInThere(page, issuer, login) {
  await page.waitForURL(`${issuer}/**`);
  await page.locator("[name=login]").fill(login);
  await page.locator("[name=password]").fill("anything");
  await page.locator("[type=submit]").click();
  const consent = page.locator("form:has([name=prompt][value=consent]) [type=submit]");
  await consent.click();
  await page.waitForURL((url) => url.origin !== issuer);
}
