// The causes of mailcow's troubleshooting list, each really broken: somebody is refused, the helpdesk
// opens the attempt by its reference, follows its button to a form that is filled in as far as the
// value can be known, saves it, and the attempt succeeds.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  DOMAIN, PROVIDER, TEMPLATE, addDomain, addProvider, addTemplate, redirectOf, setUp, turnOnUntested,
} from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { command } from "./support/command.js";
import { eventually, follow, says } from "./support/eventually.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";

const person = (name, email, template) => ({
  name, email, email_verified: true, mailcow_template: template,
});
const PEOPLE = {
  alice: person("Alice Aalto", `alice@${DOMAIN}`, "staff"),
  bob: person("Bob Berg", `bob@${DOMAIN}`, "staff"),
  carol: person("Carol Costa", `carol@${DOMAIN}`, "guests"),
  dave: person("Dave Dahl", "dave@corp.test", "staff"),
  erin: person("Erin Engel", `erin@${DOMAIN}`, "Staff"),
};

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/** A server with a provider that is switched on; `client` is how we are registered there. */
async function company(t, client) {
  const gatepost = await server.start();
  t.after(gatepost.close);
  const { origin } = gatepost;
  const sso = await provider.start(redirectOf(origin), PEOPLE, client);
  t.after(sso.close);
  const helpdesk = await visit(browser, origin);
  await setUp(helpdesk.page, await gatepost.setUpLink());
  await addDomain(helpdesk.page, origin);
  await addTemplate(helpdesk.page, origin);
  await addProvider(helpdesk.page, origin, sso.issuer);
  await turnOnUntested(helpdesk.page, origin);
  const run = (...words) => command(gatepost.config, words);
  const secret = (text) => {
    const words = ["provider", "secret", PROVIDER.slug, "--secret-stdin"];
    return command(gatepost.config, words, text);
  };
  const here = { origin, sso, helpdesk, page: helpdesk.page, run, secret };
  here.examined = (name) => examine(helpdesk, `mend-${name}`);
  return here;
}

/** Somebody comes by the provider; what their page says. `stays`: they never see the provider. */
async function comes({ origin, sso }, login, { status, stays = false } = {}) {
  const tab = await visit(browser, origin, { guests: [sso.issuer] });
  await tab.page.goto(origin);
  if (status) tab.expectStatus(status);
  await tab.page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  if (stays) await tab.page.waitForURL((url) => url.pathname.startsWith("/sso/"));
  else await provider.signInThere(tab.page, sso.issuer, login);
  const text = await tab.page.locator("main").innerText();
  assert.deepEqual(tab.complaints, []);
  await tab.close();
  return text;
}

/** They are refused; the helpdesk opens what happened by the reference that their page shows. */
async function refused(here, login, code, how) {
  const text = await comes(here, login, how);
  const reference = text.match(/[0-9A-Z]{4}-[0-9A-Z]{4}/)?.[0];
  assert.ok(reference, text);
  const { page, origin } = here;
  await page.goto(`${origin}/admin/why`);
  await page.getByLabel("Address or reference").fill(reference.toLowerCase().replace("-", " "));
  await page.getByRole("button", { name: "Find out" }).click();
  await page.getByText(code).first().waitFor();
  return reference;
}

/** Follows the one button below the verdict. */
async function mendBy({ page }, words) {
  const button = page.locator(".verdict").getByRole("link");
  await eventually(() => button.innerText(), words);
  await follow(button);
}

/** What has the focus is the field that mends it. */
async function atField({ page }, label) {
  const field = page.getByLabel(label, { exact: true }).first();
  // The browser gives the focus once it has drawn the page.
  await eventually(() => field.evaluate((it) => it === document.activeElement), true);
  return field;
}

async function save({ page }, name = "Save") {
  await page.getByRole("button", { name, exact: true }).click();
  await page.locator(".notice.ok, .notice.warn").first().waitFor();
}

/** The recorded attempt is decided anew, on everything as it is now. */
async function replayed({ page, origin }, reference) {
  await page.goto(`${origin}/admin/sign-ins/${reference}`);
  await follow(page.getByRole("link", { name: "Replay against current rules" }));
  await says(page, /Would get in/);
}

async function getsIn(here, login) {
  assert.match(await comes(here, login), new RegExp(PEOPLE[login].email));
}

test("cause 1: the provider is not reachable, or its addresses are wrong", async (t) => {
  const here = await company(t);
  const { page, sso, origin, run, examined } = here;
  const never = { status: 503, stays: true };

  await refused(here, "alice", "SSO-107", never);
  await examined("internal-attempt");
  await mendBy(here, "Allow 127.0.0.1 for this provider");
  await examined("internal-allow");
  await save(here, "Allow");
  await getsIn(here, "alice");

  await run("provider", "edit", PROVIDER.slug, "--issuer", `${sso.issuer}/`);
  await refused(here, "bob", "SSO-103", never);
  await mendBy(here, "Use the answered issuer");
  const issuer = await atField(here, "Issuer");
  assert.equal(await issuer.inputValue(), sso.issuer);
  await says(page, /filled in and not saved yet/);
  await examined("issuer");
  // Looking at it has saved nothing.
  assert.match(await run("provider", "show", PROVIDER.slug), new RegExp(`${sso.issuer}/\\s`));
  await save(here);
  await getsIn(here, "bob");

  const endpoints = [
    "--authorize-url", `${sso.issuer}/auth`, "--token-url", `${origin}/token`,
    "--userinfo-url", `${sso.issuer}/me`,
  ];
  await run("provider", "edit", PROVIDER.slug, ...endpoints);
  await here.secret(provider.CLIENT.secret);
  await run("mailbox", "delete", `bob@${DOMAIN}`, "--yes");
  await refused(here, "bob", "SSO-104", { status: 503 });
  await mendBy(here, "Change the token endpoint");
  const token = await atField(here, "Token endpoint");
  await examined("endpoint");
  await token.fill(`${sso.issuer}/token`);
  await page.getByLabel("Client secret", { exact: true }).fill(provider.CLIENT.secret);
  await save(here);
  await getsIn(here, "bob");
});

test("cause 2: the secret or a scope is wrong", async (t) => {
  const here = await company(t, { scope: "openid profile email" });
  const { page, run, secret, examined } = here;
  await run("provider", "edit", PROVIDER.slug, "--allow-host", "127.0.0.1");
  await run("rule", "everyone-else", PROVIDER.slug, "--template", TEMPLATE);

  await refused(here, "alice", "SSO-203", { status: 502, stays: true });
  await mendBy(here, "Remove the scope mailcow_template");
  const scopes = await atField(here, "Scopes");
  assert.equal(await scopes.inputValue(), "openid profile email");
  await examined("scope");
  await save(here);

  await secret("not the secret that the provider knows");
  await refused(here, "alice", "SSO-201", { status: 502 });
  await examined("secret-attempt");
  await mendBy(here, "Set the client secret");
  const field = await atField(here, "Client secret");
  assert.equal(await field.inputValue(), "");
  await examined("secret");
  await field.fill(provider.CLIENT.secret);
  await save(here);
  await getsIn(here, "alice");
});

test("cause 3: the domain is missing, switched off, or at a limit", async (t) => {
  const here = await company(t);
  const { page, run, examined } = here;
  await run("provider", "edit", PROVIDER.slug, "--allow-host", "127.0.0.1");
  const again = async (login, reference) => {
    await replayed(here, reference);
    await getsIn(here, login);
  };

  const missing = await refused(here, "dave", "SSO-401", { status: 403 });
  await mendBy(here, "Add corp.test");
  assert.equal(await (await atField(here, "Name")).inputValue(), "corp.test");
  assert.ok(await page.getByLabel(PROVIDER.name).isChecked());
  await examined("domain-new");
  await save(here, "Add domain");
  await again("dave", missing);

  await run("domain", "edit", DOMAIN, "--active", "no");
  const off = await refused(here, "alice", "SSO-402", { status: 403 });
  await mendBy(here, `Switch ${DOMAIN} on`);
  assert.ok(await page.getByLabel("Switched on").isChecked());
  await examined("domain-off");
  await save(here);
  await again("alice", off);

  await run("domain", "edit", DOMAIN, "--max-mailboxes", "1");
  const full = await refused(here, "bob", "SSO-403", { status: 403 });
  await mendBy(here, "Raise to 11 mailboxes");
  assert.equal(await (await atField(here, "Most mailboxes")).inputValue(), "11");
  await examined("domain-full");
  await save(here);
  await again("bob", full);

  const tight = ["--default-quota", "1G", "--max-quota", "5G", "--domain-quota", "5G"];
  await run("domain", "edit", DOMAIN, ...tight);
  await run("rule", "add", PROVIDER.slug, "--value", "guests", "--template", TEMPLATE);
  const quota = await refused(here, "carol", "SSO-404", { status: 403 });
  await mendBy(here, "Raise to 6 GiB");
  const together = await atField(here, "Quota of all mailboxes together");
  assert.equal(await together.inputValue(), "6 GiB");
  await examined("domain-quota");
  await save(here);
  await again("carol", quota);
});

test("cause 4: no rule gives a template", async (t) => {
  const here = await company(t);
  const { page, run, examined } = here;
  await run("provider", "edit", PROVIDER.slug, "--allow-host", "127.0.0.1");

  const unmatched = await refused(here, "carol", "SSO-405", { status: 403 });
  await mendBy(here, "Add a rule from these claims");
  const template = await atField(here, "Template of rule 2");
  assert.equal(await page.getByLabel("Claim of rule 2").inputValue(), "mailcow_template");
  assert.equal(await page.getByLabel("Value of rule 2").inputValue(), "guests");
  await examined("rule-added");
  await template.selectOption(TEMPLATE);
  await save(here);
  await replayed(here, unmatched);
  await getsIn(here, "carol");

  const near = await refused(here, "erin", "SSO-406", { status: 403 });
  await mendBy(here, "Match ignoring case");
  assert.equal(await (await atField(here, "Value of rule 1")).inputValue(), "(?i)staff");
  assert.equal(await page.getByLabel("Test of rule 1").inputValue(), "matches");
  await examined("rule-case");
  await save(here);
  await replayed(here, near);
  await getsIn(here, "erin");
});
