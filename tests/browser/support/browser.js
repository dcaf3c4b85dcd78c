// Debian's Chromium, driven by playwright-core, and what a page did while we watched.

import { chromium } from "playwright-core";

// The background services would only knock at hosts that a test machine does not reach.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts a browser with a profile of its own; close it with `browser.close()`. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });
}

/**
 * Opens an empty tab in a new session (own cookies) and watches it.
 *
 * `complaints` of the returned visit fills up with what no page of ours may do: violate its
 * content security policy, print an error, throw, ask another origin for anything, or get an error
 * status. `expectStatus(404)` excuses one coming answer of that status.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} origin the origin that the pages belong to
 * @param {{ javaScript?: boolean, guests?: string[] }} [options] `guests`: origins whose pages the
 *   browser goes to as well, such as the company provider's. What those pages do is their own matter
 */
export async function visit(browser, origin, { javaScript = true, guests = [] } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: javaScript,
    // A demo's certificate is its own; that browsers warn about it is not what pages are tested for.
    ignoreHTTPSErrors: true,
    locale: "en-GB",
    reducedMotion: "reduce",
  });
  const complaints = [];
  const expected = [];
  const allowed = new Set([origin, ...guests].map((url) => new URL(url).origin));
  const ours = (url) => !guests.includes(originOf(url));

  await context.exposeBinding("reportViolation", ({ frame }, text) => {
    if (ours(frame.url())) complaints.push(text);
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      const where = event.sourceFile ? ` (${event.sourceFile}:${event.lineNumber})` : "";
      globalThis.reportViolation(
        `policy: ${event.violatedDirective} refused ${event.blockedURI || "inline code"}${where}`,
      );
    });
  });
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && !allowed.has(url.origin) && ours(request.frame().url())) {
      complaints.push(`asked a stranger: ${request.method()} ${url.href}`);
    }
  });
  context.on("weberror", (event) => {
    if (ours(event.page()?.url())) complaints.push(`threw: ${event.error().message}`);
  });
  context.on("response", (response) => {
    if (response.status() < 400 || !ours(response.url())) return;
    const index = expected.indexOf(response.status());
    if (index >= 0) expected.splice(index, 1);
    else complaints.push(`answered ${response.status()}: ${response.url()}`);
  });
  context.on("console", (message) => {
    // A failed load is told by its response, which names the address.
    const told = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !told && ours(message.page()?.url())) complaints.push(`console: ${message.text()}`);
  });

  const page = await context.newPage();
  return {
    page,
    context,
    complaints,
    javaScript,
    expectStatus: (status) => expected.push(status),
    close: () => context.close(),
  };
}

function originOf(url) {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}
