// A person signs in at the company's provider and makes an app password for a phone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROVIDER, redirectOf, untilPeopleSignIn } from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { says } from "./support/eventually.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";

const person = (name, more) => ({
  name,
  email: `${name.toLowerCase()}@example.org`,
  email_verified: true,
  ...more,
});

const PEOPLE = {
  alice: person("Alice", { mailcow_template: "staff" }),
  bob: person("Bob", { mailcow_template: "staff" }),
  carol: person("Carol", {}),
};

let browser;
let gatepost;
let sso;

before(async () => {
  [browser, gatepost] = await Promise.all([launch(), server.start()]);
  const { origin } = gatepost;
  sso = await provider.start(redirectOf(origin), PEOPLE);
  const tab = await visit(browser, origin);
  await untilPeopleSignIn(tab.page, gatepost, sso.issuer);
  await tab.close();
});

after(async () => {
  await Promise.all([browser?.close(), gatepost?.close(), sso?.close()]);
});

const enter = async (page, login) => {
  await page.goto(gatepost.origin);
  await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  await provider.signInThere(page, sso.issuer, login);
};

// Two people, so that each way starts with an empty mailbox.
for (const [login, javaScript] of [["alice", true], ["bob", false]]) {
  const way = javaScript ? "with" : "without";
  test(`a password for a phone, ${way} JavaScript`, async () => {
    const tab = await visit(browser, gatepost.origin, { javaScript, guests: [sso.issuer] });
    const { page } = tab;
    const examined = (name) => examine(tab, `app-password-${way}-script-${name}`);

    await page.goto(gatepost.origin);
    await examined("sign-in");
    await enter(page, login);
    await says(page, new RegExp(`${login}@example\\.org`));
    await examined("home");

    await page.goto(`${gatepost.origin}/devices`);
    await examined("devices-none");
    await page.getByRole("link", { name: "Set up a device" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Phone");
    await examined("device-new");
    await page.getByRole("button", { name: "Make a password" }).click();

    await page.getByRole("heading", { name: "Password for “Phone”" }).waitFor();
    const secret = (await page.locator("#c-password").innerText()).trim();
    assert.match(secret, /^[a-z0-9]+(-[a-z0-9]+)+$/i);
    assert.ok(secret.replaceAll("-", "").length <= 32, secret);
    await examined("device-made");

    tab.expectStatus(410);
    await page.reload();
    await says(page, /was shown once/);
    assert.ok(!(await page.content()).includes(secret), "the password is shown again");
    await examined("device-gone");
    for (const path of ["/devices", "/home"]) {
      await page.goto(gatepost.origin + path);
      const content = await page.content();
      assert.ok(!content.includes(secret) && !content.includes(secret.replaceAll("-", "")));
    }

    await page.goto(`${gatepost.origin}/devices`);
    await examined("devices-one");
    await page.getByRole("link", { name: "Phone", exact: true }).click();
    await page.getByRole("heading", { name: "Phone", level: 1 }).waitFor();
    await examined("device");
    await page.goto(`${gatepost.origin}/devices`);
    await page.getByRole("link", { name: "Revoke Phone" }).click();
    await page.getByRole("button", { name: "Revoke", exact: true }).waitFor();
    await examined("revoke");
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByText("“Phone” is revoked").waitFor();
    await examined("revoked");
    await says(page, /No devices yet/);

    await page.goto(`${gatepost.origin}/security`);
    await examined("security");
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    await examined("signed-out");
    await page.goto(`${gatepost.origin}/devices`);
    await page.getByRole("heading", { name: "Sign in", level: 1 }).waitFor();
    await tab.close();
  });
}

test("somebody whom no rule matches is told so, with a reference", async () => {
  const tab = await visit(browser, gatepost.origin, { guests: [sso.issuer] });
  tab.expectStatus(403);
  await enter(tab.page, "carol");
  await says(tab.page, /[A-Z0-9]{4}-[A-Z0-9]{4}/);
  await examine(tab, "app-password-refused");
  await tab.close();
});
