// From the set-up link to a provider that people sign in by, on the pages alone and counted.

import { ADMIN, DOMAIN, PROVIDER } from "./administrator.js";
import { CLIENT, signInThere } from "./provider.js";

/** The short name that is made from the provider's name. */
export const SLUG = "example-sso";

const nothing = async () => {};

/** Sets up administrator, domain and provider by clicks and typed fields; ends on the provider's page. */
export async function connect(page, effort, link, issuer, examined = nothing) {
  const button = (name) => page.getByRole("button", { name, exact: true });
  const to = (name) => page.getByRole("link", { name, exact: true });

  await page.goto(link);
  const code = page.getByLabel("Set-up code");
  // A browser without JavaScript cannot read what follows the #.
  if ((await code.inputValue()) === "") await effort.type(code, link);
  await effort.type(page.getByLabel("Name", { exact: true }), ADMIN.name);
  await effort.type(page.getByLabel("E-mail"), ADMIN.email);
  await effort.type(page.getByLabel("Password", { exact: true }), ADMIN.password);
  await effort.click(button("Create administrator"));

  await effort.click(to("Add a domain"));
  await effort.type(page.getByLabel("Name", { exact: true }), DOMAIN);
  await effort.click(button("Add domain"));

  await effort.click(to("Add a provider").first());
  await effort.click(page.getByRole("link", { name: "Another OpenID provider" }));
  await effort.type(page.getByLabel("Name on the button"), PROVIDER.name);
  await effort.type(page.getByLabel("Issuer", { exact: true }), issuer);
  await effort.type(page.getByLabel("Client id"), CLIENT.id);
  await effort.type(page.getByLabel("Client secret"), CLIENT.secret);
  await effort.click(page.getByLabel(DOMAIN));
  await effort.click(page.getByLabel("Get the template Default"));
  // The provider of this test runs on loopback, which is allowed by name like any internal address.
  await effort.click(page.getByText("Certificate and internal hosts"));
  await effort.type(page.getByLabel("Hosts that may have internal addresses"), "127.0.0.1");
  await examined("form");
  await effort.click(button("Add provider"));
  await page.getByRole("heading", { name: PROVIDER.name, level: 1 }).waitFor();
  await examined("added");
}

/** Tests a sign-in as `login` from the provider's page; ends on the result. */
export async function testSignIn(page, effort, issuer, login) {
  await effort.click(page.getByRole("link", { name: "Test sign-in", exact: true }));
  await signInThere(page, issuer, login);
  await page.getByRole("heading", { name: "Test sign-in", level: 1 }).waitFor();
}
