// The first day: from the set-up link to a provider that answers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  PROVIDER, addDomain, addProvider, addTemplate, checkConnection, redirectOf, setUp, turnOnUntested,
} from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { SLUG, connect, testSignIn } from "./support/connect.js";
import { Effort } from "./support/effort.js";
import { eventually, says } from "./support/eventually.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

test("from the set-up link to a provider that answers", async (t) => {
  const gatepost = await server.start();
  t.after(gatepost.close);
  const { origin } = gatepost;
  const sso = await provider.start(redirectOf(origin), {});
  t.after(sso.close);
  const tab = await visit(browser, origin);
  const examined = (name) => examine(tab, `first-run-${name}`);
  const { page } = tab;

  await page.goto(origin);
  await says(page, /not set up yet/);
  await examined("before");

  const link = await gatepost.setUpLink();
  await setUp(page, link, examined);
  assert.ok(!gatepost.output().includes(link.split("#")[1]), "the link is in the log");

  await addDomain(page, origin, examined);
  await addTemplate(page, origin, examined);
  await addProvider(page, origin, sso.issuer, examined);
  assert.ok((await page.locator("main").innerText()).includes(redirectOf(origin)));
  await checkConnection(page, origin, examined);
  const report = await page.getByRole("region", { name: "As text" }).innerText();
  assert.doesNotMatch(report, /^FAILED/m);
  assert.match(report, /^ok /m);

  await turnOnUntested(page, origin, examined);

  await page.goto(`${origin}/admin`);
  await examined("overview-later");
  await page.goto(`${origin}/admin/providers`);
  await examined("providers");
  await page.goto(`${origin}/admin/mailboxes`);
  await examined("mailboxes");
  await tab.close();

  // Nobody else gets in by the link, and the button is there.
  const stranger = await visit(browser, origin);
  await stranger.page.goto(link);
  await stranger.page.getByRole("heading", { name: "This server is set up" }).waitFor();
  await examine(stranger, "first-run-link-again");
  await stranger.page.goto(origin);
  await stranger.page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).waitFor();
  await stranger.close();
});

test("a browser without JavaScript takes the same way", async (t) => {
  const gatepost = await server.start();
  t.after(gatepost.close);
  const { origin } = gatepost;
  const sso = await provider.start(redirectOf(origin), {});
  t.after(sso.close);
  const tab = await visit(browser, origin, { javaScript: false });
  await setUp(tab.page, await gatepost.setUpLink());
  await addDomain(tab.page, origin);
  await addTemplate(tab.page, origin);
  await addProvider(tab.page, origin, sso.issuer);
  await checkConnection(tab.page, origin);
  const report = await tab.page.getByRole("region", { name: "As text" }).innerText();
  assert.doesNotMatch(report, /^FAILED/m);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

const PEOPLE = {
  alice: { name: "Alice Aalto", email: "alice@example.org", email_verified: true, groups: ["staff"] },
  mallory: { name: "Mallory", email: "mallory@elsewhere.example", email_verified: true },
};

// What a whole connection may cost; without a script the set-up code is a field more.
const MOST_CLICKS = 12;
const MOST_FIELDS = { true: 9, false: 10 };

for (const javaScript of [true, false]) {
  const way = javaScript ? "with" : "without";
  test(`from the set-up link to the first sign-in by the pages alone, ${way} JavaScript`, async (t) => {
    const gatepost = await server.start();
    t.after(gatepost.close);
    const { origin } = gatepost;
    const sso = await provider.start(`${origin}/sso/${SLUG}/callback`, PEOPLE);
    t.after(sso.close);
    const guests = [sso.issuer];
    const tab = await visit(browser, origin, { javaScript, guests });
    const examined = (name) => examine(tab, `connect-${way}-script-${name}`);
    const { page } = tab;
    const effort = new Effort();

    await connect(page, effort, await gatepost.setUpLink(), sso.issuer, examined);
    await testSignIn(page, effort, sso.issuer, "alice");
    await says(page, /It works/);
    await says(page, /Nothing was saved/);
    await says(page, /alice@example\.org would be made/);
    await examined("tested");
    const result = page.url();
    await effort.click(page.getByRole("button", { name: "Looks right: switch it on" }));
    await page.getByText(`${PROVIDER.name} is switched on.`).waitFor();
    await examined("switched-on");

    // Alice herself, elsewhere.
    const hers = await visit(browser, origin, { javaScript, guests });
    await hers.page.goto(origin);
    await effort.click(hers.page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }));
    await provider.signInThere(hers.page, sso.issuer, "alice");
    await hers.page.getByText("Your mailbox alice@example.org was created.").waitFor();
    assert.deepEqual(hers.complaints, []);
    t.diagnostic(`${effort.clicks} clicks, ${effort.fields} typed fields`);
    assert.ok(effort.clicks <= MOST_CLICKS, `${effort.clicks} clicks`);
    assert.ok(effort.fields <= MOST_FIELDS[javaScript], `${effort.fields} typed fields`);

    // Her own session shows nothing of the test.
    hers.expectStatus(403);
    await hers.page.goto(result);
    assert.ok(!(await hers.page.content()).includes("Nothing was saved"));
    await hers.close();

    // Somebody of another domain, whom the same page refuses.
    await page.context().clearCookies({ domain: "127.0.0.1", name: /^_/ });
    await page.goto(`${origin}/admin/providers/${SLUG}/tests`);
    await examined("tests");
    await page.getByRole("link", { name: `Sign in at ${PROVIDER.name}` }).click();
    await provider.signInThere(page, sso.issuer, "mallory");
    await page.getByRole("heading", { name: "Refused: SSO-401" }).waitFor();
    await says(page, /The person would read/);
    await examined("refused");
    await page.getByRole("link", { name: "Add elsewhere.example" }).click();
    const name = page.getByLabel("Name", { exact: true });
    await eventually(() => name.inputValue(), "elsewhere.example");
    await tab.close();
  });
}

test("a wrong set-up code and a weak password are told at their fields", async (t) => {
  const gatepost = await server.start();
  t.after(gatepost.close);
  const tab = await visit(browser, gatepost.origin);
  const { page } = tab;
  const submit = async (code, password) => {
    await page.goto(`${gatepost.origin}/setup`);
    await page.getByLabel("Set-up code").fill(code);
    await page.getByLabel("Name", { exact: true }).fill("root");
    await page.getByLabel("E-mail").fill("root@example.org");
    await page.getByLabel("Password", { exact: true }).fill(password);
    tab.expectStatus(422);
    await page.getByRole("button", { name: "Create administrator" }).click();
    await page.getByRole("alert").or(page.locator(".wrong")).first().waitFor();
  };
  await submit("not-the-code", "four words are enough");
  await says(page, /was used or has run out/);
  await examine(tab, "first-run-wrong-code");
  await submit(await gatepost.setUpLink(), "short");
  await says(page, /characters/);
  await examine(tab, "first-run-weak-password");
  await tab.close();
});
