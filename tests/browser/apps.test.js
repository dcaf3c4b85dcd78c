// A person signs in to apps through Gatepost: from the app to the company's provider, back to consent
// and on to the app, wherever its redirect leads, under the content policy of our pages.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { PROVIDER, redirectOf, untilPeopleSignIn } from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { command } from "./support/command.js";
import { eventually, follow, says } from "./support/eventually.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";

const PEOPLE = {
  alice: {
    name: "Alice", email: "alice@example.org", email_verified: true, mailcow_template: "staff",
  },
};
const PRIVATE = "com.example.notes:/signed-in";

let browser;
let gatepost;
let administrator;
let sso;
let plain;
let secure;

/** An app that shows the answer it was brought: its query, or the form. */
async function app(listener) {
  listener.on("request", async (request, answer) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    answer.setHeader("content-type", "text/plain");
    answer.end(`${request.method} ${request.url} ${Buffer.concat(parts)}`);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return listener;
}

async function certificate() {
  const directory = await mkdtemp(join(tmpdir(), "gpa-"));
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  await promisify(execFile)("openssl", [...words, "-keyout", key, "-out", cert]);
  const pair = { key: await readFile(key), cert: await readFile(cert) };
  await rm(directory, { recursive: true });
  return pair;
}

before(async () => {
  [browser, gatepost, plain, secure] = await Promise.all([
    launch(), server.start(), app(http.createServer()), app(https.createServer(await certificate())),
  ]);
  const { origin } = gatepost;
  sso = await provider.start(redirectOf(origin), PEOPLE);
  const tab = await visit(browser, origin);
  await untilPeopleSignIn(tab.page, gatepost, sso.issuer);
  administrator = tab;
});

after(async () => {
  await administrator?.close();
  await Promise.all([browser?.close(), gatepost?.close(), sso?.close()]);
  for (const listener of [plain, secure]) listener?.close();
});

/** Registers an app; its client id. */
async function register(name, redirect, ...words) {
  const asked = ["app", "add", "generic", "--name", name, "--redirect", redirect, "--pkce", "if_sent"];
  const made = await command(gatepost.config, [...asked, ...words, "--json"]);
  return JSON.parse(made).app.client_id;
}

const question = (client, redirect, more = {}) => {
  const asked = {
    client_id: client, redirect_uri: redirect, response_type: "code",
    scope: "openid profile email", state: "a state", nonce: "n", ...more,
  };
  return `${gatepost.origin}/oauth/authorize?${new URLSearchParams(asked)}`;
};

/** Alice leaves for the provider from the sign-in page, and comes back to the consent page. */
async function signIn(page) {
  await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  await provider.signInThere(page, sso.issuer, "alice");
}

const allow = (page) => page.getByRole("button", { name: "Allow" });

for (const javaScript of [true, false]) {
  const way = javaScript ? "with" : "without";
  test(`to an app at another origin and back to it at once the next time, ${way} JavaScript`, async () => {
    const redirect = `https://localhost:${secure.address().port}/cb`;
    const name = javaScript ? "Files" : "Photos";
    const client = await register(name, redirect);
    const guests = [sso.issuer, new URL(redirect).origin];
    const tab = await visit(browser, gatepost.origin, { javaScript, guests });
    const { page } = tab;
    await page.goto(question(client, redirect));
    await examine(tab, `apps-${way}-script-sign-in`);
    await signIn(page);
    await allow(page).waitFor();
    await examine(tab, `apps-${way}-script-consent`);
    await allow(page).click();
    await page.waitForURL(`${redirect}?**`);
    const answer = new URL(page.url()).searchParams;
    assert.equal(answer.get("state"), "a state");
    assert.equal(answer.get("iss"), gatepost.origin);
    assert.ok(answer.get("code"));

    await page.goto(question(client, redirect));
    assert.ok(page.url().startsWith(redirect), "what was allowed is not asked again");

    await page.goto(`${gatepost.origin}/apps`);
    await examine(tab, `apps-${way}-script-connected`);
    const disconnect = page.getByRole("link", { name: `Disconnect ${name}` });
    await page.goto(gatepost.origin + (await disconnect.getAttribute("href")));
    await examine(tab, `apps-${way}-script-disconnect`);
    await follow(page.locator("main").getByRole("button", { name: /^Disconnect/ }));
    await says(page, /No connected websites yet/);
    await examine(tab, `apps-${way}-script-none`);
    await tab.close();
  });
}

test("to a program on the person's own machine, by a form, and refused", async () => {
  const redirect = `http://127.0.0.1:${plain.address().port}/cb`;
  const client = await register("Desktop", redirect);
  const guests = [sso.issuer, new URL(redirect).origin];
  const tab = await visit(browser, gatepost.origin, { guests });
  const { page } = tab;
  await page.goto(question(client, redirect));
  await signIn(page);
  await allow(page).click();
  await page.waitForURL(`${redirect}?**`);

  await page.goto(question(client, redirect, { response_mode: "form_post" }));
  await allow(page).click();
  await page.waitForURL(redirect);
  await eventually(() => page.locator("body").innerText(), /^POST \/cb code=[^&]+&state=a\+state&iss=/);

  await page.goto(question(client, redirect));
  await page.getByRole("button", { name: "Deny" }).click();
  await page.waitForURL(`${redirect}?**`);
  assert.equal(new URL(page.url()).searchParams.get("error"), "access_denied");
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("to a program with a scheme of its own", async () => {
  const client = await register("Notes", PRIVATE);
  const tab = await visit(browser, gatepost.origin, { guests: [sso.issuer] });
  const { page } = tab;
  await page.goto(question(client, PRIVATE));
  await signIn(page);
  await allow(page).waitFor();
  // Nobody here has that program: that the policy lets the browser try is all there is to see.
  const [answer, tried] = await Promise.all([
    page.waitForResponse((one) => one.url().endsWith("/oauth/consent")),
    page.waitForEvent("requestfailed", (request) => request.url().startsWith(PRIVATE)),
    allow(page).click(),
  ]);
  assert.equal(answer.status(), 303);
  assert.ok((await answer.headerValue("location")).startsWith(`${PRIVATE}?code=`));
  assert.equal(tried.failure().errorText, "net::ERR_ABORTED");
  assert.deepEqual(tab.complaints, [], "the content policy let it go");
  await tab.close();
});

test("signing out at an app's word, with its ID token at once and otherwise after a question", async () => {
  const there = `https://localhost:${secure.address().port}`;
  const [redirect, out] = [`${there}/cb`, `${there}/out`];
  const made = JSON.parse(await command(gatepost.config, [
    "app", "add", "generic", "--name", "Library", "--redirect", redirect, "--pkce", "if_sent",
    "--sign-out-redirect", out, "--json",
  ]));
  const { client_id: client } = made.app;
  const endSession = (parameters) =>
    `${gatepost.origin}/oauth/end-session?${new URLSearchParams(parameters)}`;
  const guests = [sso.issuer, there];
  const tab = await visit(browser, gatepost.origin, { guests });
  const { page } = tab;
  await page.goto(question(client, redirect));
  await signIn(page);
  await allow(page).click();
  await page.waitForURL(`${redirect}?**`);
  const form = new URLSearchParams({
    grant_type: "authorization_code", redirect_uri: redirect, client_id: client,
    client_secret: made.client_secret, code: new URL(page.url()).searchParams.get("code"),
  });
  const answer = await fetch(`${gatepost.origin}/oauth/token`, { method: "POST", body: form });
  const { id_token: token } = await answer.json();
  await page.goto(endSession({
    id_token_hint: token, post_logout_redirect_uri: out, state: "a state",
  }));
  assert.equal(page.url(), `${out}?state=a%20state`);
  await page.goto(`${gatepost.origin}/home`);
  assert.equal(new URL(page.url()).pathname, "/", "signed out here");

  await page.goto(question(client, redirect));
  await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  await page.waitForURL(`${redirect}?**`);
  tab.expectStatus(400);
  await page.goto(endSession({ client_id: client, post_logout_redirect_uri: `${out}/` }));
  await examine(tab, "apps-sign-out-refused");
  await page.goto(endSession({ client_id: client, post_logout_redirect_uri: out }));
  await examine(tab, "apps-sign-out-question");
  await page.getByRole("link", { name: "Stay signed in, back to Library" }).click();
  await page.waitForURL(out);

  // A form of the app that is too long for a query, of another site: our own page brings it on.
  const state = "/".repeat(4000);
  await page.evaluate(([action, fields]) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action });
    for (const [name, value] of Object.entries(fields)) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    document.body.append(form);
    form.submit();
  }, [`${gatepost.origin}/oauth/end-session`, {
    client_id: client, post_logout_redirect_uri: out, state, logout_hint: "x".repeat(6000),
  }]);
  await page.getByText("You are signed in as").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await examine(tab, "apps-sign-out-done");
  await page.getByRole("link", { name: "Back to Library" }).click();
  await page.waitForURL(`${out}?state=${encodeURIComponent(state)}`);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("an app that is not known, and a redirect that is not registered, end here", async () => {
  const redirect = `http://127.0.0.1:${plain.address().port}/cb`;
  const client = await register("Strict", redirect);
  const tab = await visit(browser, gatepost.origin);
  const { page } = tab;
  for (const [id, to, name] of [
    ["nobody", redirect, "unknown"],
    [client, `${redirect}/`, "redirect"],
  ]) {
    tab.expectStatus(400);
    await page.goto(question(id, to));
    assert.ok(page.url().startsWith(gatepost.origin));
    await examine(tab, `apps-refused-${name}`);
  }
  await tab.close();
});

test("the pages of an app, from its kind to what was refused", async () => {
  const { page } = administrator;
  const open = async (path, name) => {
    await page.goto(`${gatepost.origin}/admin/apps${path}`);
    await examine(administrator, `apps-admin-${name}`);
  };
  await open("/new", "kinds");
  await follow(page.getByRole("link", { name: /Nextcloud/ }).first());
  await examine(administrator, "apps-admin-new");
  const redirect = "https://cloud.example.org/apps/user_oidc/code";
  await page.getByLabel("Redirect", { exact: false }).first().fill(redirect);
  await page.getByRole("button", { name: "Add app" }).click();
  await page.getByText("occ user_oidc:provider").first().waitFor();
  await examine(administrator, "apps-admin-added");
  const id = new URL(page.url()).pathname.split("/")[3];
  const client = (await page.locator("body").innerText()).match(/--clientid='([^']+)'/)[1];

  const stranger = await visit(browser, gatepost.origin);
  stranger.expectStatus(400);
  await stranger.page.goto(question(client, `${redirect}/`));
  await stranger.close();
  await open("", "list");
  await page.goto(`${gatepost.origin}/admin/apps/${id}`);
  await page.getByText("Tokens, signing out and providers").click();
  await examine(administrator, "apps-admin-rarer");
  for (const tab of ["", "/secrets", "/activity", "/people"]) {
    await open(`/${id}${tab}`, `app${tab.replace("/", "-")}`);
  }
  await open(`/${id}/test`, "app-test-empty");
  const who = page.getByLabel("Address of the person");
  const show = page.getByRole("button", { name: "Show" });
  administrator.expectStatus(422);
  await who.fill("nobody@example.org");
  await show.click();
  await page.locator("#problems").waitFor();
  await examine(administrator, "apps-admin-app-test-nobody");
  await who.fill("alice@example.org");
  await show.click();
  await page.getByText("alice@example.org may use Nextcloud").waitFor();
  await eventually(() => page.locator("#c-userinfo").innerText(), /"email": "alice@example.org"/);
  await says(page, /through Example/);
  await examine(administrator, "apps-admin-app-test");
  await page.goto(`${gatepost.origin}/admin/apps/${id}/test?person=alice@example.org&scopes=mail`);
  await page.getByText("OAUTH-705").first().waitFor();
  await examine(administrator, "apps-admin-app-test-refused");
  await page.goto(`${gatepost.origin}/admin/apps/${id}/activity`);
  assert.match(await page.locator(".diff ins").innerText(), /^too much:\s+\/$/);
});
