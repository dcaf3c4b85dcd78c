// A device shows a code, and a person types it in the browser: signed out or in, with and without
// JavaScript, to the end at the device.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROVIDER, redirectOf, untilPeopleSignIn } from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { command } from "./support/command.js";
import { says } from "./support/eventually.js";
import { examine } from "./support/examine.js";
import * as provider from "./support/provider.js";
import * as server from "./support/server.js";

const PEOPLE = {
  alice: {
    name: "Alice", email: "alice@example.org", email_verified: true, mailcow_template: "staff",
  },
};
const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

let browser;
let gatepost;
let administrator;
let sso;
let client;

before(async () => {
  [browser, gatepost] = await Promise.all([launch(), server.start()]);
  sso = await provider.start(redirectOf(gatepost.origin), PEOPLE);
  administrator = await visit(browser, gatepost.origin);
  await untilPeopleSignIn(administrator.page, gatepost, sso.issuer);
  const asked = ["--name", "Television", "--kind", "public", "--devices", "yes", "--json"];
  const made = await command(gatepost.config, ["app", "add", "generic", ...asked]);
  client = JSON.parse(made).app.client_id;
});

after(async () => {
  await administrator?.close();
  await Promise.all([browser?.close(), gatepost?.close(), sso?.close()]);
});

const post = (path, form) =>
  fetch(`${gatepost.origin}${path}`, { method: "POST", body: new URLSearchParams(form) });

/** A television that asked for its codes. */
async function waits() {
  const answer = await post("/oauth/device_authorization", {
    client_id: client, scope: "openid profile email offline_access",
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** What a television is told that asks; it asks slowly enough. */
async function told(codes) {
  const form = { client_id: client, grant_type: GRANT, device_code: codes.device_code };
  const answer = await (await post("/oauth/token", form)).json();
  return answer.error ?? Object.keys(answer).sort().join(" ");
}

const allow = (page) => page.getByRole("button", { name: "Allow" });

async function type(page, code) {
  await page.getByLabel("Code", { exact: true }).fill(code);
  await page.getByRole("button", { name: "Continue" }).click();
}

test("an administrator lets an app show codes, and reads how to try it", async () => {
  const { page } = administrator;
  await page.goto(`${gatepost.origin}/admin/apps/new?card=generic`);
  await page.getByLabel("Name", { exact: true }).fill("Radio");
  await page.locator("summary", { hasText: "Tokens" }).click();
  await page.getByLabel(/None: an app in a browser/).check();
  await page.getByLabel(/Shows a code/).check();
  await examine(administrator, "connect-admin-new");
  await page.getByRole("button", { name: "Add app" }).click();
  await page.getByText("To try it on a command line").first().waitFor();
  await examine(administrator, "connect-admin-added");
  const text = await page.locator("body").innerText();
  const radio = text.match(/-d client_id=(\S+) -d scope/)[1];
  const shown = await command(gatepost.config, ["app", "show", radio]);
  assert.match(shown, /Codes on devices\s+yes/);
});

for (const javaScript of [true, false]) {
  const way = javaScript ? "with" : "without";
  test(`from the code on the device back to the device, ${way} JavaScript`, async () => {
    const tab = await visit(browser, gatepost.origin, { javaScript, guests: [sso.issuer] });
    const { page } = tab;
    const codes = await waits();
    assert.equal(await told(codes), "authorization_pending");
    await page.goto(codes.verification_uri);
    await examine(tab, `connect-${way}-script-sign-in`);
    await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
    await provider.signInThere(page, sso.issuer, "alice");
    await page.getByRole("heading", { name: "Connect a device" }).waitFor();
    await examine(tab, `connect-${way}-script-type`);

    tab.expectStatus(422);
    await type(page, "zzzz zzzz");
    await page.getByText("No device waits with this code.").first().waitFor();
    await examine(tab, `connect-${way}-script-wrong`);
    await type(page, codes.user_code.toLowerCase().replace("-", ""));
    await allow(page).waitFor();
    assert.equal(await page.locator(".shown-code").innerText(), codes.user_code);
    await says(page, /from 127\.0\.0\.1, the network you are in/);
    await examine(tab, `connect-${way}-script-ask`);
    await allow(page).click();
    await page.getByText("You can go back to your device.").waitFor();
    await examine(tab, `connect-${way}-script-done`);
    assert.equal(
      await told(codes),
      "access_token expires_in id_token refresh_token scope token_type",
    );

    // The page with the code in its address, and a no.
    const others = await waits();
    await page.goto(others.verification_uri_complete);
    await page.getByRole("button", { name: "Deny" }).click();
    await page.getByText("Nothing was allowed").first().waitFor();
    await examine(tab, `connect-${way}-script-denied`);
    assert.equal(await told(others), "access_denied");

    await page.goto(`${gatepost.origin}/apps`);
    await examine(tab, `connect-${way}-script-list`);
    await says(page, /Television/);
    assert.deepEqual(tab.complaints, []);
    await tab.close();
  });
}

test("Not you leads to the sign-in page and back to the same code", async () => {
  const tab = await visit(browser, gatepost.origin, { guests: [sso.issuer] });
  const { page } = tab;
  const codes = await waits();
  await page.goto(codes.verification_uri_complete);
  await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  await provider.signInThere(page, sso.issuer, "alice");
  await page.getByRole("link", { name: "Not you?" }).click();
  await page.getByText("Sign in as the one").waitFor();
  await examine(tab, "connect-not-you");
  await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  // The provider asks who it is, although Alice is signed in there.
  await page.locator("[name=login]").fill("alice");
  await page.locator("[name=password]").fill("anything");
  await page.locator("[type=submit]").click();
  await allow(page).waitFor();
  assert.equal(await page.locator(".shown-code").innerText(), codes.user_code);
  await tab.close();
});

test("a device that asks too often is told to slow down, and is served in the end", async () => {
  const codes = await waits();
  const answers = [await told(codes), await told(codes)];
  assert.deepEqual(answers, ["authorization_pending", "slow_down"]);
  const tab = await visit(browser, gatepost.origin, { guests: [sso.issuer] });
  const { page } = tab;
  await page.goto(codes.verification_uri_complete);
  await page.getByRole("link", { name: `Continue with ${PROVIDER.name}` }).click();
  await provider.signInThere(page, sso.issuer, "alice");
  await allow(page).click();
  await page.getByText("You can go back to your device.").waitFor();
  assert.match(await told(codes), /^access_token/);
  await tab.close();
});
