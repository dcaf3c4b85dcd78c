// What an administrator does on the first day, on the pages.
//
// Each act leaves the browser on the page that it leads to. `examined` is called with a name on
// each page that is met.

import { CLIENT } from "./provider.js";

export const ADMIN = { name: "root", email: "root@example.org", password: "four words are enough" };
export const DOMAIN = "example.org";
export const TEMPLATE = "Staff";
export const PROVIDER = { name: "Example SSO", slug: "example" };

const nothing = async () => {};

/** The redirect URL that the provider must know. */
export const redirectOf = (origin) => `${origin}/sso/${PROVIDER.slug}/callback`;

/** Opens the set-up link and makes the first administrator. */
export async function setUp(page, link, examined = nothing) {
  await page.goto(link);
  const code = page.getByLabel("Set-up code");
  // A browser without JavaScript cannot read what follows the #.
  if ((await code.inputValue()) === "") await code.fill(link);
  await page.getByLabel("Name", { exact: true }).fill(ADMIN.name);
  await page.getByLabel("E-mail").fill(ADMIN.email);
  await page.getByLabel("Password", { exact: true }).fill(ADMIN.password);
  await examined("set-up");
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await examined("overview");
}

export async function addDomain(page, origin, examined = nothing) {
  await page.goto(`${origin}/admin/domains/new`);
  await page.getByLabel("Name", { exact: true }).fill(DOMAIN);
  await page.getByLabel("Quota of a mailbox", { exact: true }).fill("5 GiB");
  await examined("domain-new");
  await page.getByRole("button", { name: "Add domain" }).click();
  await page.getByText(DOMAIN).first().waitFor();
  await examined("domain-added");
}

export async function addTemplate(page, origin, examined = nothing) {
  await page.goto(`${origin}/admin/templates/new`);
  await page.getByLabel("Name", { exact: true }).fill(TEMPLATE);
  await page.getByRole("textbox", { name: "Quota", exact: true }).fill("2 GiB");
  await examined("template-new");
  await page.getByRole("button", { name: "Add template" }).click();
  await page.getByText(TEMPLATE).first().waitFor();
  await examined("template-added");
}

/** The issuer form, and one rule as mailcow has it in the editor; ends on the provider's page. */
export async function addProvider(page, origin, issuer, examined = nothing) {
  await page.goto(`${origin}/admin/providers/new`);
  await examined("provider-kinds");
  await page.getByRole("link", { name: "Another OpenID provider" }).click();
  await page.getByLabel("Name on the button").fill(PROVIDER.name);
  await page.getByLabel("Short name").fill(PROVIDER.slug);
  await page.getByLabel("Issuer", { exact: true }).fill(issuer);
  await page.getByLabel("Client id").fill(CLIENT.id);
  await page.getByLabel("Client secret").fill(CLIENT.secret);
  await page.getByLabel("Scopes").fill("openid profile email mailcow_template");
  await page.getByLabel(DOMAIN).check();
  await page.getByLabel("Are refused").check();
  await examined("provider-new");
  await page.getByRole("button", { name: "Add provider" }).click();
  await page.getByRole("heading", { name: PROVIDER.name, level: 1 }).waitFor();
  await examined("provider-added");
  await page.getByRole("link", { name: "Change the rules" }).click();
  await page.getByLabel("Claim of rule 1").fill("mailcow_template");
  await page.getByLabel("Value of rule 1").fill("staff");
  await page.getByLabel("Template of rule 1").selectOption(TEMPLATE);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("are saved").first().waitFor();
  await page.getByRole("link", { name: PROVIDER.name, exact: true }).click();
  await page.getByRole("heading", { name: PROVIDER.name, level: 1 }).waitFor();
}

/** Runs the connection check, allows the provider's loopback address on its offer, checks again. */
export async function checkConnection(page, origin, examined = nothing) {
  await page.goto(`${origin}/admin/providers/${PROVIDER.slug}/check`);
  await examined("check-new");
  await page.getByRole("button", { name: "Check connection" }).click();
  await finished(page);
  await examined("check-refused");
  await page.getByRole("link", { name: /^Allow 127\.0\.0\.1/ }).first().click();
  await page.getByRole("button", { name: "Allow", exact: true }).click();
  await page.getByRole("button", { name: "Check again" }).click();
  await finished(page);
  await examined("check-done");
}

/** Switches the provider on with the word that nobody has tested it. */
export async function turnOnUntested(page, origin, examined = nothing) {
  await page.goto(`${origin}/admin/providers/${PROVIDER.slug}/switch`);
  await examined("switch-on");
  await page.getByLabel("Turn it on untested").check();
  await page.getByRole("button", { name: "Switch on", exact: true }).click();
  await page.getByText(`${PROVIDER.name} is switched on.`).waitFor();
}

/** Everything up to a provider that people can sign in by. */
export async function untilPeopleSignIn(page, gatepost, issuer) {
  const { origin } = gatepost;
  await setUp(page, await gatepost.setUpLink());
  await addDomain(page, origin);
  await addTemplate(page, origin);
  await addProvider(page, origin, issuer);
  await checkConnection(page, origin);
  await turnOnUntested(page, origin);
}

/** The result stands on the page once the text of it does; without JavaScript one asks again. */
async function finished(page) {
  const report = page.getByRole("region", { name: "As text" });
  for (let turn = 0; turn < 60; turn += 1) {
    const there = await report.waitFor({ timeout: 1000 }).then(() => true, () => false);
    if (there) return;
    // With JavaScript the page may be loading itself anew at this very moment.
    await page.reload().catch(() => {});
  }
  throw new Error(`the check does not end: ${await page.locator("main").innerText()}`);
}
