// "Carol can't get in": the helpdesk finds the gate, mends it, and sees that it is mended.

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

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

const CAROL = `carol@${DOMAIN}`;
const PEOPLE = {
  carol: { email: CAROL, email_verified: true, name: "Carol Costa" },
};

/** A server that is set up, with a provider that answers. */
async function company(t, options) {
  const gatepost = await server.start();
  t.after(gatepost.close);
  const sso = await provider.start(redirectOf(gatepost.origin), PEOPLE);
  t.after(sso.close);
  const helpdesk = await visit(browser, gatepost.origin, options);
  await setUp(helpdesk.page, await gatepost.setUpLink());
  await addDomain(helpdesk.page, gatepost.origin);
  await addTemplate(helpdesk.page, gatepost.origin);
  await addProvider(helpdesk.page, gatepost.origin, sso.issuer);
  await checkConnection(helpdesk.page, gatepost.origin);
  await turnOnUntested(helpdesk.page, gatepost.origin);
  return { origin: gatepost.origin, sso, helpdesk };
}

/** Carol comes by the provider; what her page says. */
async function carolComes({ origin, sso }, expected) {
  const tab = await visit(browser, origin, { guests: [sso.issuer] });
  await tab.page.goto(origin);
  if (expected) tab.expectStatus(expected);
  await tab.page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  await provider.signInThere(tab.page, sso.issuer, "carol");
  const text = await tab.page.locator("main").innerText();
  await tab.close();
  return text;
}

/** Gives everybody the template, where the button below the verdict leads to. */
async function mend(page) {
  await page.getByRole("link", { name: "Choose what everyone else gets" }).first().click();
  await page.getByLabel("Everyone else").selectOption({ label: `gets ${TEMPLATE}` });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("are saved").first().waitFor();
}

for (const javaScript of [true, false]) {
  const how = javaScript ? "in the browser" : "without JavaScript";
  test(`the reason is found, mended, and seen to be mended, ${how}`, async (t) => {
    const here = await company(t, { javaScript });
    const { origin, helpdesk } = here;
    const { page } = helpdesk;
    const examined = (name) => examine(helpdesk, `why-${javaScript ? "" : "plain-"}${name}`);

    await page.goto(`${origin}/admin`);
    await examined("overview-quiet");
    const refusal = await carolComes(here, 403);
    const reference = refusal.match(/[0-9A-Z]{4}-[0-9A-Z]{4}/)[0];

    await page.goto(`${origin}/admin`);
    await says(page, /1 person could not sign in/);
    await page.getByText("The same numbers in a table").click();
    await examined("overview-alert");

    // By the reference, as it is read over the phone.
    await page.goto(`${origin}/admin/why`);
    await examined("nobody-asked-about");
    await page.getByLabel("Address or reference").fill(reference.toLowerCase().replace("-", " "));
    await page.getByRole("button", { name: "Find out" }).click();
    await page.getByText("Blocked now").waitFor();
    const gates = page.getByRole("list", { name: "What is asked, in order" }).getByRole("listitem");
    await eventually(() => gates.count(), 16);
    if (!javaScript) await follow(page.getByRole("link", { name: "Ask the provider now" }));
    await gates.nth(1).getByText(/answered in \d+ ms/).first().waitFor();
    await gates.nth(9).getByText(/SSO-405/).first().waitFor();
    await examined("blocked");

    await follow(page.getByRole("link", { name: CAROL }).first());
    await says(page, /Code exchanged/);
    await examined("attempt");
    const attempt = page.url();
    await follow(page.getByRole("link", { name: "Replay against current rules" }));
    await says(page, /Would be refused: SSO-405/);
    await examined("replay-refused");
    await follow(page.getByRole("link", { name: "Change the claims and decide again" }));
    await examined("what-if");

    await page.goto(`${origin}/admin/why?who=${CAROL}`);
    await mend(page);
    await page.goto(attempt);
    await follow(page.getByRole("link", { name: "Replay against current rules" }));
    await says(page, /Would get in/);
    await examined("replay-mended");
    await page.goto(`${origin}/admin/why?who=${CAROL}`);
    await says(page, /Would work now/);
    await examined("mended");
    assert.match(await carolComes(here), /carol@/);

    // She leaves, and may not come back until somebody lets her.
    await page.goto(`${origin}/admin/mailboxes/${encodeURIComponent(CAROL)}/delete`);
    await page.getByLabel("Do not let this person come back").check();
    await examined("delete-and-block");
    await page.getByRole("button", { name: "Delete" }).click();
    assert.match(await carolComes(here, 403), /Your sign-in here was closed on/);
    await page.goto(`${origin}/admin/blocks`);
    await examined("blocked-people");
    await page.getByRole("link", { name: `Unblock the person of ${CAROL}` }).click();
    await page.getByRole("button", { name: "Unblock" }).click();
    await page.getByText("is not blocked any more").waitFor();
    await examined("nobody-blocked");
    assert.match(await carolComes(here), /carol@/);
    await page.goto(`${origin}/admin/mailboxes/${encodeURIComponent(CAROL)}`);
    await examined("mailbox-with-a-link");

    await page.goto(`${origin}/admin/settings`);
    await examined("settings");
    await page.goto(`${origin}/admin`);
    await page.getByRole("button", { name: "Close the alert about" }).click();
    await page.getByText("Needs you").waitFor({ state: "detached" });
    await examined("overview-seen-to");
    await helpdesk.close();
  });
}
