// Rules: tried on a person, previewed for everybody, saved, and brought back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  DOMAIN, PROVIDER, TEMPLATE, addDomain, addProvider, addTemplate, checkConnection, redirectOf,
  setUp, turnOnUntested,
} from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { eventually, follow, says } from "./support/eventually.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";

const ALICE = `alice@${DOMAIN}`;
const PEOPLE = {
  alice: { email: ALICE, email_verified: true, name: "Alice <b>Aalto</b>", mailcow_template: "staff" },
};

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

for (const javaScript of [true, false]) {
  const how = javaScript ? "" : " without JavaScript";
  test(`rules are tried, previewed, saved and brought back${how}`, async (t) => {
    const gatepost = await server.start();
    t.after(gatepost.close);
    const { origin } = gatepost;
    const sso = await provider.start(redirectOf(origin), PEOPLE);
    t.after(sso.close);
    const tab = await visit(browser, origin, { javaScript });
    const { page } = tab;
    const examined = (name) => examine(tab, `rules-${javaScript ? "" : "plain-"}${name}`);
    const holds = (label, value) => eventually(() => page.getByLabel(label).inputValue(), value);
    const press = (name) => follow(page.getByRole("button", { name, exact: true }));

    await setUp(page, await gatepost.setUpLink());
    await addDomain(page, origin);
    await addTemplate(page, origin);
    await addProvider(page, origin, sso.issuer);
    await checkConnection(page, origin);
    await turnOnUntested(page, origin);
    // A second template, which switches mailboxes off.
    await page.goto(`${origin}/admin/templates/new`);
    await page.getByLabel("Name", { exact: true }).fill("Left");
    await page.getByLabel("New mailboxes are switched on").uncheck();
    await press("Add template");
    await page.getByRole("link", { name: "Left" }).waitFor();

    const person = await visit(browser, origin, { javaScript: true });
    await person.page.goto(`${origin}/sso/${PROVIDER.slug}/start`);
    await provider.signInThere(person.page, sso.issuer, "alice");
    await says(person.page, new RegExp(ALICE));
    await person.close();

    const rules = `${origin}/admin/providers/${PROVIDER.slug}/rules`;
    await page.goto(rules);
    await says(page, /Who gets which template/);
    await examined("in-force");

    // A rule on top: the address decides before mailcow's claim does.
    await page.getByLabel("Claim of rule 2").fill("email");
    await page.getByLabel("Test of rule 2").selectOption("matches");
    await page.getByLabel("Value of rule 2").fill(`.*@${DOMAIN}`);
    await page.getByLabel("Template of rule 2").selectOption("Left");
    await press("Move rule 2 up");
    await holds("Claim of rule 1", "email");
    await page.getByLabel("Address", { exact: true }).fill(ALICE);
    await press("Try it");
    await says(page, /Rule 1: the next sign-in would be refused|Rule 1 decides: the next/);
    await says(page, /yes too, but rule 1 decides/);
    await examined("tried");

    await press("Preview the effect");
    await says(page, /1 would be refused at their next sign-in/);
    await press("Save");
    await says(page, /Nothing is saved yet/);
    await examined("asked");

    // Another template by the same claim, and the number puts it last.
    await page.getByLabel("Template of rule 1").selectOption(TEMPLATE);
    await page.getByLabel("Place of rule 1").fill("2");
    await press("Save");
    await says(page, /are saved/);
    await holds("Claim of rule 2", "email");

    await follow(page.getByRole("link", { name: "History", exact: true }));
    await says(page, /email matches/);
    await examined("history");
    await follow(page.getByRole("link", { name: /^Load as a draft/ }).first());
    await says(page, /They are a draft until you save them/);

    await page.getByLabel("Value of rule 1").fill("");
    tab.expectStatus(422);
    await press("Preview the effect");
    await says(page, /name the value/);
    await examined("wrong");
    assert.deepEqual(tab.complaints, []);
    await tab.close();
  });
}
