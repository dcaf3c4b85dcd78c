// Several providers in a real browser: the address first, the domain's choice, moving people.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ADMIN, DOMAIN, PROVIDER, addDomain, addProvider, addTemplate, redirectOf, setUp,
  turnOnUntested,
} from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { command } from "./support/command.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";

const SCHOOL = "school.test";
const person = (email) => ({
  name: "Alice", email, email_verified: true, mailcow_template: "staff",
});

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/** A server with two providers: the company's for both domains, the school's for its own alone. */
async function twoProviders(t) {
  const gatepost = await server.start();
  t.after(gatepost.close);
  const { origin } = gatepost;
  const company = await provider.start(redirectOf(origin), { alice: person(`alice@${DOMAIN}`) });
  t.after(company.close);
  const school = await provider.start(`${origin}/sso/school/callback`, {
    alice: person(`alice@${SCHOOL}`),
    bob: person(`bob@${DOMAIN}`),
  });
  t.after(school.close);

  const admin = await visit(browser, origin);
  await setUp(admin.page, await gatepost.setUpLink());
  await addDomain(admin.page, origin);
  await addTemplate(admin.page, origin);
  await addProvider(admin.page, origin, company.issuer);
  await turnOnUntested(admin.page, origin);
  const run = (...words) => command(gatepost.config, words);
  await run("domain", "add", SCHOOL);
  await run("provider", "edit", PROVIDER.slug, "--allow-host", "127.0.0.1", "--domain", DOMAIN, "--domain", SCHOOL);
  const added = [
    "provider", "add", "School SSO", "--slug", "school", "--issuer", school.issuer,
    "--client-id", provider.CLIENT.id, "--secret-stdin", "--domain", SCHOOL,
    "--scopes", "openid profile email mailcow_template", "--allow-host", "127.0.0.1",
  ];
  await command(gatepost.config, added, provider.CLIENT.secret);
  await run("rule", "add", "school", "--value", "staff", "--template", "Staff");
  await run("provider", "enable", "school", "--untested");
  return { origin, admin, company, school, run };
}

test("the address leads to the provider of its domain", async (t) => {
  const { origin, admin, school, run } = await twoProviders(t);
  await admin.page.goto(`${origin}/admin/providers`);
  await examine(admin, "several-list");
  await admin.page.goto(`${origin}/admin/rules`);
  await admin.page.getByRole("link", { name: "School SSO", exact: true }).waitFor();
  await examine(admin, "several-rules");
  await admin.page.goto(`${origin}/admin/domains/${SCHOOL}`);
  await examine(admin, "several-domain");
  await admin.page.getByLabel("Its people sign in by").selectOption("Only School SSO");
  await admin.page.getByRole("button", { name: "Save the choice" }).click();
  await admin.page.getByText(`People of ${SCHOOL} sign in by School SSO only.`).waitFor();
  await admin.close();

  const tab = await visit(browser, origin, { guests: [school.issuer] });
  const { page } = tab;
  await page.goto(origin);
  await examine(tab, "several-sign-in");
  await page.getByText("Other ways").click();
  await examine(tab, "several-sign-in-other-ways");
  await page.getByLabel("E-mail address").fill(`alice@${SCHOOL}`);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  // By itself: nothing is clicked here.
  await page.waitForURL(`${school.issuer}/**`);
  // Back, and once more: a button this time, and no circle.
  await page.goto(origin);
  await page.getByLabel("E-mail address").fill(`alice@${SCHOOL}`);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  const on = page.getByRole("link", { name: "Continue with School SSO" });
  await on.waitFor();
  await examine(tab, "several-leaving");
  await on.click();
  await provider.signInThere(page, school.issuer, "alice");
  await page.getByText(`alice@${SCHOOL}`).first().waitFor();
  await tab.close();

  // Whoever comes by the other one is shown the way.
  await run("domain", "edit", DOMAIN, "--provider", PROVIDER.slug);
  await run("provider", "edit", "school", "--domain", SCHOOL, "--domain", DOMAIN);
  const bob = await visit(browser, origin, { guests: [school.issuer] });
  await bob.page.goto(`${origin}/sso/school/start`);
  bob.expectStatus(403);
  await provider.signInThere(bob.page, school.issuer, "bob");
  await bob.page.getByRole("link", { name: "Continue there" }).waitFor();
  await examine(bob, "several-other-provider");
  await bob.close();
});

test("a domain without a provider, and a browser without JavaScript", async (t) => {
  const { origin, school } = await twoProviders(t);
  const tab = await visit(browser, origin, { javaScript: false, guests: [school.issuer] });
  const { page } = tab;
  await page.goto(origin);
  await page.getByLabel("E-mail address").fill("nobody@absent.test");
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByText("Sign in with your password, or choose another way.").waitFor();
  assert.equal(await page.getByLabel("Address or name").inputValue(), "nobody@absent.test");
  await examine(tab, "several-no-provider");
  await page.getByLabel("E-mail address").fill(`alice@${SCHOOL}`);
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByText(`People of ${SCHOOL} sign in with one of these.`).waitFor();
  await examine(tab, "several-choose");
  await tab.close();
});

test("people are moved by a campaign", async (t) => {
  const { origin, admin, company } = await twoProviders(t);
  const alice = await visit(browser, origin, { guests: [company.issuer] });
  await alice.page.goto(`${origin}/sso/${PROVIDER.slug}/start`);
  await provider.signInThere(alice.page, company.issuer, "alice");
  await alice.close();

  const { page } = admin;
  await page.goto(`${origin}/admin/relinks`);
  await examine(admin, "relinks-none");
  await page.goto(`${origin}/admin/relinks/new`);
  await page.getByLabel("People linked at").selectOption(PROVIDER.name);
  await page.getByLabel("Now come by").selectOption("School SSO");
  await page.getByLabel("Domains").fill(SCHOOL);
  await examine(admin, "relinks-new");
  await page.getByRole("button", { name: "Show whom it moves" }).click();
  await page.getByRole("heading", { name: "0 people can move" }).waitFor();
  await examine(admin, "relinks-preview");
  await page.getByLabel("Your own password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Start moving" }).click();
  await page.getByText("keep their mailboxes from now on").waitFor();
  await examine(admin, "relinks-list");
  await admin.close();
});
