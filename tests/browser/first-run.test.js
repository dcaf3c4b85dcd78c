// The first day: from the set-up link to a provider that answers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  PROVIDER, addDomain, addProvider, addTemplate, checkConnection, redirectOf, setUp,
} from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
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
  assert.match(await page.locator("main").innerText(), /not set up yet/);
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
  assert.match(await page.locator("main").innerText(), /was used or has run out/);
  await examine(tab, "first-run-wrong-code");
  await submit(await gatepost.setUpLink(), "short");
  assert.match(await page.locator("main").innerText(), /characters/);
  await examine(tab, "first-run-weak-password");
  await tab.close();
});
