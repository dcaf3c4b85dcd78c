// Tags on a mailbox and in a template: typed, shown, and the list narrowed to one.

import { after, before, test } from "node:test";
import { DOMAIN, addDomain, setUp } from "./support/administrator.js";
import { launch, visit } from "./support/browser.js";
import { examine } from "./support/examine.js";
import * as server from "./support/server.js";

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

test("an administrator tags a mailbox and lists those of a tag", async (t) => {
  const gatepost = await server.start();
  t.after(gatepost.close);
  const tab = await visit(browser, gatepost.origin);
  const { page } = tab;
  await setUp(page, await gatepost.setUpLink());
  await addDomain(page, gatepost.origin);
  for (const [name, tags] of [["alice", "Staff, VIP"], ["bob", ""]]) {
    await page.goto(`${gatepost.origin}/admin/mailboxes/new`);
    await page.getByLabel("Address", { exact: true }).fill(`${name}@${DOMAIN}`);
    await page.getByLabel("Tags").fill(tags);
    await page.getByRole("button", { name: "Add mailbox" }).click();
    await page.getByText(`The mailbox ${name}@${DOMAIN} is added.`).waitFor();
  }
  await page.getByRole("link", { name: "Change", exact: true }).click();
  await page.getByText("In use: staff, vip.").waitFor();
  await page.getByLabel("Tags").fill("sales team, staff");
  await examine(tab, "tags-form");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("link", { name: "sales team" }).waitFor();
  await examine(tab, "tags-mailbox");
  await page.getByRole("link", { name: "staff", exact: true }).click();
  await page.getByRole("link", { name: "tag: staff (remove)" }).waitFor();
  await examine(tab, "tags-list");
  await page.goto(`${gatepost.origin}/admin/templates/new`);
  await page.getByLabel("Name", { exact: true }).fill("Staff");
  await page.getByLabel("Tags").first().fill("Staff, files");
  await examine(tab, "tags-template");
  await tab.close();
});
