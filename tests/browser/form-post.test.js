// An answer by a form (`response_mode=form_post`), which another site's page sends: a real browser
// leaves its cookies at home, and finds its sign-in all the same. A stranger's form does nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ADMIN, PROVIDER, addDomain, addProvider, addTemplate, checkConnection, redirectOf, setUp,
  turnOnUntested,
} from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { says } from "./support/eventually.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";
import { serve } from "./support/static_site.js";

const person = (name) => ({
  name,
  email: `${name.toLowerCase()}@example.org`,
  email_verified: true,
  mailcow_template: "staff",
});

const PEOPLE = { alice: person("Alice"), bob: person("Bob"), carol: person("Carol") };

let browser;
let gatepost;
let sso;

before(async () => {
  [browser, gatepost] = await Promise.all([launch(), server.start({ secure: true })]);
  const { origin } = gatepost;
  sso = await provider.start(redirectOf(origin), PEOPLE);
  // Without a certificate of its own, set-up answers under the tunnel's name only.
  const link = await gatepost.setUpLink();
  const tab = await visit(browser, origin, { guests: [new URL(link).origin] });
  const { page } = tab;
  await setUp(page, link);
  await page.goto(origin);
  await page.getByLabel("Address or name").fill(ADMIN.name);
  await page.getByLabel("Password", { exact: true }).fill(ADMIN.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await addDomain(page, origin);
  await addTemplate(page, origin);
  await addProvider(page, origin, sso.issuer);
  await checkConnection(page, origin);
  await page.goto(`${origin}/admin/providers/${PROVIDER.slug}`);
  await page.getByLabel("How it sends its answers").selectOption("As a form (form_post)");
  await examine(tab, "form-post-setting");
  await page.getByRole("button", { name: /^Save/ }).click();
  await page.getByRole("heading", { name: PROVIDER.name, level: 1 }).waitFor();
  await turnOnUntested(page, origin);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

after(async () => {
  await Promise.all([browser?.close(), gatepost?.close(), sso?.close()]);
});

/** Requests that reached the callback, with the cookies of ours that they carried. */
function watch(page) {
  const seen = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname !== `/sso/${PROVIDER.slug}/callback`) return;
    const told = request.allHeaders().then((headers) => ({
      method: request.method(),
      query: url.search,
      ours: (headers.cookie ?? "").includes("gatepost"),
    }));
    seen.push(told);
  });
  return async () => Promise.all(seen);
}

const leave = async (page) => {
  await page.goto(gatepost.origin);
  await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
};

test("the form arrives without cookies, and its browser gets in", async () => {
  const tab = await visit(browser, gatepost.origin, { guests: [sso.issuer] });
  const { page } = tab;
  const callbacks = watch(page);
  await leave(page);
  await page.waitForURL(`${sso.issuer}/**`);
  await provider.signInThere(page, sso.issuer, "alice");
  await page.waitForURL(`${gatepost.origin}/home`);
  await says(page, /alice@example\.org/);
  const [posted, fetched, ...more] = await callbacks();
  assert.deepEqual(more, []);
  assert.equal(posted.method, "POST");
  assert.equal(posted.ours, false, "SameSite=Lax cookies stay at home");
  assert.equal(posted.query, "");
  assert.equal(fetched.method, "GET");
  assert.equal(fetched.ours, true);
  assert.match(fetched.query, /^\?posted=[\w-]+$/, "no code in the address");
  for (const cookie of await tab.context.cookies(gatepost.origin)) {
    assert.equal(cookie.sameSite, "Lax", cookie.name);
    assert.ok(cookie.secure && cookie.httpOnly && cookie.name.startsWith("__Host-"), cookie.name);
  }
  await examine(tab, "form-post-home");
  await tab.close();
});

test("without the cookie of the browser that left, nobody gets in", async () => {
  const tab = await visit(browser, gatepost.origin, { guests: [sso.issuer] });
  const { page } = tab;
  await leave(page);
  await page.waitForURL(`${sso.issuer}/**`);
  await tab.context.clearCookies({ domain: "localhost" });
  tab.expectStatus(400);
  await provider.signInThere(page, sso.issuer, "bob");
  await page.getByRole("heading", { name: "Start again" }).waitFor();
  await says(page, /Cookies must be allowed for localhost/);
  await examine(tab, "form-post-refused");
  const ours = (await tab.context.cookies(gatepost.origin)).map((cookie) => cookie.name);
  assert.ok(!ours.includes("__Host-gatepost"), "nobody is signed in");
  await tab.close();
});

test("a stranger's page with somebody else's answer signs nobody in", async () => {
  // The stranger signs in as Carol and keeps the answer in place of sending it.
  const stranger = await visit(browser, gatepost.origin, { guests: [sso.issuer] });
  let answer;
  await stranger.page.route(redirectOf(gatepost.origin), (route) => {
    answer = route.request().postData();
    return route.fulfill({ status: 200, contentType: "text/html", body: "kept" });
  });
  await leave(stranger.page);
  await provider.signInThere(stranger.page, sso.issuer, "carol");
  await stranger.page.getByText("kept").waitFor();
  assert.match(answer, /code=/);
  await stranger.close();

  const fields = [...new URLSearchParams(answer)].map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
  );
  const page = `<!doctype html><title>Kittens</title><form method="post"
    action="${redirectOf(gatepost.origin)}">${fields.join("")}<button>More kittens</button></form>`;
  const site = await serve({ "/": page }, "default-src 'none'");
  const victim = await visit(browser, gatepost.origin, { guests: [site.origin] });
  try {
    await victim.page.goto(gatepost.origin);
    await victim.page.goto(site.origin);
    victim.expectStatus(400);
    await victim.page.getByRole("button").click();
    await victim.page.getByRole("heading", { name: "Start again" }).waitFor();
    await victim.page.goto(`${gatepost.origin}/home`);
    await victim.page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).waitFor();
    assert.deepEqual(victim.complaints, []);
  } finally {
    await victim.close();
    await site.close();
  }
});
