// An app that runs in a browser alone: a page of another origin signs in with oidc-client-ts, set up with
// the very block that administrators are given, and a page of an origin that is not registered gets nothing.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { PROVIDER, redirectOf, untilPeopleSignIn } from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { command } from "./support/command.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";
import { serve } from "./support/static_site.js";

const PEOPLE = {
  alice: {
    name: "Alice", email: "alice@example.org", email_verified: true, mailcow_template: "staff",
  },
};
const LIBRARY = new URL("node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js", import.meta.url);
const PAGE =
  '<!doctype html><html lang="en"><title>Board</title>' +
  '<script src="/oidc-client-ts.min.js"></script><script src="/board.js"></script>';

let browser;
let gatepost;
let administrator;
let sso;
let board;
let elsewhere;
let app;

/** Where the page is, by a name of which each port is an origin of its own. */
const named = (site) => site.origin.replace("127.0.0.1", "localhost");

before(async () => {
  [browser, gatepost] = await Promise.all([launch(), server.start()]);
  const { origin } = gatepost;
  sso = await provider.start(redirectOf(origin), PEOPLE);
  administrator = await visit(browser, origin);
  await untilPeopleSignIn(administrator.page, gatepost, sso.issuer);
  const library = await readFile(LIBRARY, "utf8");
  const files = { "/": PAGE, "/callback": PAGE, "/oidc-client-ts.min.js": library };
  const policy = `default-src 'none'; script-src 'self'; connect-src ${origin}`;
  [board, elsewhere] = await Promise.all([serve(files, policy), serve(files, policy)]);
  const asked = ["--name", "Board", "--kind", "public", "--redirect", `${named(board)}/callback`, "--json"];
  app = JSON.parse(await command(gatepost.config, ["app", "add", "generic", ...asked])).app;
  const guide = JSON.parse(await command(gatepost.config, ["app", "block", app.client_id, "--json"]));
  // The block as it stands. Userinfo is asked too, which the library does where it is told so, and the page
  // goes on after the hour.
  files["/board.js"] =
    "const UserManager = class extends oidc.UserManager {" +
    "  constructor(settings) { super({ ...settings, loadUserInfo: true, scope: settings.scope + ' offline_access' }); }" +
    `};\nglobalThis.manager = ${guide.block.text}`;
});

after(async () => {
  await administrator?.close();
  await Promise.all([browser, gatepost, sso, board, elsewhere].map((one) => one?.close()));
});

const guests = () => [sso.issuer, named(board), named(elsewhere)];

/** Opens the page, leaves for Gatepost, and comes back with what the library made of the answer. */
async function signedIn(page, through) {
  await page.goto(named(board));
  await page.evaluate(() => void globalThis.manager.signinRedirect());
  await through();
  await page.getByRole("button", { name: "Allow" }).click();
  await page.waitForURL(`${named(board)}/callback?**`);
  return page.evaluate(async () => ({ ...(await globalThis.manager.signinCallback()) }));
}

/** Alice comes from the sign-in page, by the company's provider. */
async function throughTheCompany(page) {
  await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  await provider.signInThere(page, sso.issuer, "alice");
}

/** What a page reads of an answer: its status with its JSON, or the browser's own error. */
const read = (page, path, options) =>
  page.evaluate(async ([url, how]) => {
    try {
      const answer = await fetch(url, how);
      return `${answer.status} ${JSON.stringify(await answer.json())}`;
    } catch (error) {
      return String(error);
    }
  }, [`${gatepost.origin}${path}`, options]);

const asBearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });

test("a page signs in, learns who it is, goes on, and gives everything back", async () => {
  const tab = await visit(browser, gatepost.origin, { guests: guests() });
  const { page } = tab;
  const first = await signedIn(page, () => throughTheCompany(page));
  assert.equal(first.profile.email, "alice@example.org", "userinfo was read");
  assert.ok(first.access_token && first.id_token && first.refresh_token);

  const next = await page.evaluate(async () => ({ ...(await globalThis.manager.signinSilent()) }));
  assert.notEqual(next.access_token, first.access_token);
  assert.notEqual(next.refresh_token, first.refresh_token);
  assert.match(await read(page, "/oauth/userinfo", asBearer(next.access_token)), /^200 .*alice@example\.org/);
  assert.deepEqual(tab.complaints, []);

  await page.evaluate(() => globalThis.manager.revokeTokens());
  const known = await fetch(`${gatepost.origin}/oauth/userinfo`, asBearer(next.access_token));
  assert.equal(known.status, 401, "revoked");
  assert.deepEqual(tab.complaints, []);
  // Why a refresh is refused is for the page to read.
  const form = { grant_type: "refresh_token", client_id: app.client_id, refresh_token: next.refresh_token };
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const body = String(new URLSearchParams(form));
  assert.match(
    await read(page, "/oauth/token", { method: "POST", headers, body }),
    /^400 .*"error":"invalid_grant"/,
  );
  await tab.close();
});

test("the same page of an origin that is not registered gets nothing", async () => {
  const tab = await visit(browser, gatepost.origin, { guests: guests() });
  const { page } = tab;
  const user = await signedIn(page, () => throughTheCompany(page));
  const stranger = await tab.context.newPage();
  await stranger.goto(named(elsewhere));

  assert.match(await read(stranger, "/.well-known/openid-configuration"), /^200 /, "that is for everybody");
  const refused = stranger.waitForEvent("console", (message) => message.text().includes("CORS policy"));
  assert.match(await read(stranger, "/oauth/userinfo", asBearer(user.access_token)), /^TypeError/);
  assert.match((await refused).text(), /No 'Access-Control-Allow-Origin' header is present on the requested resource/);

  // With a refresh token in hand, which no sign-in here would have given it.
  const failed = await stranger.evaluate(async (stolen) => {
    await globalThis.manager.storeUser(new globalThis.oidc.User(stolen));
    return globalThis.manager.signinSilent().then(() => "signed in", String);
  }, user);
  assert.match(failed, /^TypeError: Failed to fetch/);

  tab.expectStatus(400);
  const redirect_uri = `${named(elsewhere)}/callback`;
  await stranger.evaluate((uri) => void globalThis.manager.signinRedirect({ redirect_uri: uri }), redirect_uri);
  await stranger.waitForURL(`${gatepost.origin}/oauth/authorize?**`);
  await stranger.getByRole("heading", { name: "This app asked for the wrong way back" }).waitFor();
  await tab.close();
});

test("what an administrator reads about it", async () => {
  const { page } = administrator;
  await page.goto(`${gatepost.origin}/admin/apps/${app.id}/connect`);
  await page.getByText("new UserManager(").first().waitFor();
  await examine(administrator, "single-page-block");
  await page.goto(`${gatepost.origin}/admin/apps/${app.id}/secrets`);
  await examine(administrator, "single-page-no-secret");
  await page.goto(`${gatepost.origin}/admin/apps/new?card=generic`);
  await page.getByText("Tokens, signing out and providers").click();
  await page.getByText("None: an app in a browser alone").waitFor();
  await examine(administrator, "single-page-kind");
});
