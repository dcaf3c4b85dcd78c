// Nobody is left standing in our pages on the way to an app, and an app that opened the sign-in in a
// window of its own hears of its end.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import { PROVIDER, redirectOf, untilPeopleSignIn } from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { command } from "./support/command.js";
import { eventually } from "./support/eventually.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";

const PEOPLE = {
  alice: {
    name: "Alice", email: "alice@example.org", email_verified: true, mailcow_template: "staff",
  },
  mallory: { name: "Mallory", email: "mallory@example.org", email_verified: true },
};

let browser;
let gatepost;
let administrator;
let sso;
let app;
let redirect;

/** An app that opens the sign-in in a window, which tells it how it ended. */
const APP = `<!DOCTYPE html><title>App</title><p id="heard">nothing yet</p><script>
addEventListener("message", ({ data }) => { document.querySelector("#heard").textContent = data; });
</script>`;
const BACK = `<!DOCTYPE html><title>Back</title><p id="back"></p><script>
document.querySelector("#back").textContent = location.search;
opener?.postMessage(location.search, location.origin);
</script>`;

before(async () => {
  app = http.createServer((request, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(request.url.startsWith("/cb") ? BACK : APP);
  });
  app.listen(0, "127.0.0.1");
  [browser, gatepost] = await Promise.all([launch(), server.start(), once(app, "listening")]);
  redirect = `http://127.0.0.1:${app.address().port}/cb`;
  sso = await provider.start(redirectOf(gatepost.origin), PEOPLE);
  administrator = await visit(browser, gatepost.origin);
  await untilPeopleSignIn(administrator.page, gatepost, sso.issuer);
});

after(async () => {
  await administrator?.close();
  await Promise.all([browser?.close(), gatepost?.close(), sso?.close()]);
  app?.close();
});

async function register(name) {
  const asked = ["app", "add", "generic", "--name", name, "--redirect", redirect, "--pkce", "if_sent"];
  const made = await command(gatepost.config, [...asked, "--json"]);
  return JSON.parse(made).app.client_id;
}

const question = (client, more = {}) => {
  const asked = {
    client_id: client, redirect_uri: redirect, response_type: "code",
    scope: "openid profile email", state: "a state", nonce: "n", ...more,
  };
  return `${gatepost.origin}/oauth/authorize?${new URLSearchParams(asked)}`;
};

const guests = () => [sso.issuer, new URL(redirect).origin];
const open = (options = {}) => visit(browser, gatepost.origin, { guests: guests(), ...options });
const leave = (page) => page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
const allow = (page) => page.getByRole("button", { name: "Allow" });

async function signIn(page, login = "alice") {
  await leave(page);
  await provider.signInThere(page, sso.issuer, login);
}

/** An answer that does not count: the page after it leads on to the same question. */
async function allowTwice(page) {
  const askedAnew = page.waitForEvent("framenavigated", (frame) =>
    new URL(frame.url()).pathname === "/oauth/authorize");
  await allow(page).click();
  await askedAnew;
  await allow(page).click();
}

/** What the app was told in this tab. */
async function told(page) {
  await page.waitForURL(`${redirect}?**`);
  return new URL(page.url()).searchParams;
}

test("a sign-in in a window that the app opened ends with word to the app", async () => {
  const client = await register("Window");
  const tab = await open();
  const { page } = tab;
  await page.goto(new URL("/", redirect).href);
  for (const more of [{}, { prompt: "login" }]) {
    const [window] = await Promise.all([
      page.waitForEvent("popup"),
      page.evaluate((url) => {
        globalThis.opened = open(url, "sign-in", "width=500,height=600");
      }, question(client, more)),
    ]);
    await leave(window);
    if (more.prompt) {
      await window.waitForURL(`${sso.issuer}/**`);
      await window.locator("[name=login]").fill("alice");
      await window.locator("[name=password]").fill("anything");
      await window.locator("[type=submit]").click();
    } else {
      await provider.signInThere(window, sso.issuer, "alice");
    }
    await allow(window).waitFor();
    assert.equal(await page.evaluate(() => globalThis.opened.closed), false, "still in touch");
    await allow(window).click();
    await window.waitForURL(`${redirect}?**`);
    const heard = page.locator("#heard", { hasText: "code=" });
    await heard.waitFor();
    const answer = new URLSearchParams(await heard.innerText());
    assert.equal(answer.get("state"), "a state");
    assert.equal(answer.get("iss"), gatepost.origin);
    await page.evaluate(() => {
      globalThis.opened.close();
      document.querySelector("#heard").textContent = "nothing yet";
    });
  }
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("our other pages stay out of reach of who opened them", async () => {
  const tab = await open();
  await tab.page.goto(new URL("/", redirect).href);
  const [window] = await Promise.all([
    tab.page.waitForEvent("popup"),
    tab.page.evaluate((url) => { globalThis.opened = open(url); }, `${gatepost.origin}/`),
  ]);
  await window.waitForLoadState();
  await eventually(() => tab.page.evaluate(() => globalThis.opened.closed), true);
  assert.equal(await window.evaluate(() => opener), null);
  await tab.close();
});

for (const javaScript of [true, false]) {
  const way = javaScript ? "with" : "without";
  test(`refused at the provider, and back to the app, ${way} JavaScript`, async () => {
    const client = await register(`Refused ${way}`);
    const tab = await open({ javaScript });
    const { page } = tab;
    await page.goto(question(client));
    await leave(page);
    await page.waitForURL(`${sso.issuer}/**`);
    tab.expectStatus(403);
    await page.getByRole("link", { name: /cancel/i }).click();
    const back = page.getByRole("link", { name: `Back to Refused ${way}` });
    await back.waitFor();
    await examine(tab, `ways-refused-${way}-script`);
    await back.click();
    const answer = await told(page);
    assert.equal(answer.get("error"), "access_denied");
    assert.equal(answer.get("state"), "a state");
    assert.equal(answer.get("iss"), gatepost.origin);

    // Somebody for whom there is no mailbox here; the app wants its answer as a form.
    await page.goto(question(client, { response_mode: "form_post" }));
    await examine(tab, `ways-sign-in-${way}-script`);
    await leave(page);
    tab.expectStatus(403);
    await provider.signInThere(page, sso.issuer, "mallory");
    const button = page.getByRole("button", { name: `Back to Refused ${way}` });
    await button.waitFor();
    await examine(tab, `ways-no-mailbox-${way}-script`);
    await button.click();
    await page.waitForURL(redirect);
    assert.deepEqual(tab.complaints, [], "the content policy let the form go");
    await tab.close();
  });
}

test("a consent page that was closed, one that ran out, and a bookmark", async () => {
  const client = await register("Closed");
  const tab = await open();
  const first = tab.page;
  const asked = question(client);
  await first.goto(asked);
  await signIn(first);
  await allow(first).waitFor();
  // Closed here, opened there.
  const second = await first.context().newPage();
  await second.goto(asked);
  await allow(second).waitFor();
  // The first page's session is replaced by a new one of hers: her answer there is asked for again.
  await second.goto(question(client, { prompt: "login" }));
  await leave(second);
  await second.waitForURL(`${sso.issuer}/**`);
  await second.locator("[name=login]").fill("alice");
  await second.locator("[name=password]").fill("anything");
  await second.locator("[type=submit]").click();
  await allow(second).waitFor();
  tab.expectStatus(403);
  await allowTwice(first);
  assert.ok((await told(first)).get("code"));
  await allow(second).click();
  assert.ok((await told(second)).get("code"));
  // A bookmark of the request, and of the sign-in page that leads to it.
  for (const bookmark of [asked, `${gatepost.origin}/?${new URLSearchParams({ next: new URL(asked).pathname + new URL(asked).search })}`]) {
    await second.goto(bookmark);
    await allow(second).click();
    assert.ok((await told(second)).get("code"));
  }
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("two tabs sign in to two apps at once, and each comes to its own", async () => {
  const clients = [await register("One"), await register("Two")];
  const tab = await open();
  const pages = [tab.page, await tab.page.context().newPage()];
  for (const [index, page] of pages.entries()) {
    await page.goto(question(clients[index], { state: `of tab ${index}` }));
    await leave(page);
    await page.waitForURL(`${sso.issuer}/**`);
  }
  for (const [index, page] of pages.entries()) {
    await page.locator("[name=login]").fill("alice");
    await page.locator("[name=password]").fill("anything");
    await page.locator("[type=submit]").click();
    const consent = page.locator("form:has([name=prompt][value=consent]) [type=submit]");
    await consent.or(allow(page)).waitFor();
    if (await consent.isVisible()) await consent.click();
    await allow(page).waitFor();
    assert.match(await page.locator("h1").innerText(), index ? /Two/ : /One/);
  }
  // The second sign-in replaced the session of the first: that page asks once more.
  tab.expectStatus(403);
  for (const [index, page] of pages.entries()) {
    if (index === 0) await allowTwice(page);
    else await allow(page).click();
    assert.equal((await told(page)).get("state"), `of tab ${index}`);
  }
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("the Back button, and an answer that comes twice, lead to the app", async () => {
  const client = await register("Twice");
  const tab = await open();
  const { page } = tab;
  const answers = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin === gatepost.origin && url.searchParams.has("code")) answers.push(url.href);
  });
  await page.goto(question(client));
  await signIn(page);
  await allow(page).click();
  assert.ok((await told(page)).get("code"));
  tab.expectStatus(400);
  const again = await page.goto(answers[0]);
  assert.equal(again.status(), 400);
  await examine(tab, "ways-twice");
  await page.getByRole("link", { name: "Try again" }).click();
  await allow(page).click();
  assert.ok((await told(page)).get("code"));
  // Back from the app: what was asked is asked again, or the app is there.
  await page.goBack();
  const known = page.getByRole("link", { name: /Try again|Back to Twice|Continue/ });
  const here = page.url().startsWith(redirect) || (await known.or(allow(page)).count()) > 0;
  assert.ok(here, page.url());
  await tab.close();
});
