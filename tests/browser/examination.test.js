// The examination finds what it is there to find. Without this a page could pass by accident.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, visit } from "./support/browser.js";
import { examine } from "./support/examine.js";
import { serve } from "./support/static_site.js";

const STYLE = `
  :root { color-scheme: light dark; }
  body { color: CanvasText; background: Canvas; font: 16px/1.5 sans-serif; }
  .faint { color: light-dark(#ccc, #333); }
  .wide { width: 900px; }
`;

const page = (body, head = "") => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Sample</title>
    <link rel="stylesheet" href="/style.css">
    <link rel="icon" href="data:,">
    ${head}
  </head>
  <body><main><h1>Sample</h1>${body}</main></body>
</html>`;

const FILES = {
  "/style.css": STYLE,
  "/throws.js": "setTimeout(() => { throw new Error('dropped a plate'); })",
  "/good": page("<p>All is well.</p><a href='/good'>Again</a>"),
  "/faint": page("<p class='faint'>You can hardly read this.</p>"),
  "/wide": page("<p class='wide'>Too wide for a phone.</p>"),
  "/inline": page("<p>Styled in passing.</p>", "<style>p { margin: 0 }</style>"),
  "/stranger": page("<p>Calls out.</p>", "<link rel='stylesheet' href='http://127.0.0.2:9/x.css'>"),
  "/throws": page("<p>Throws.</p>", "<script src='/throws.js'></script>"),
  "/unnamed": page("<form><input></form>"),
};

let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), serve(FILES)]);
});

after(() => Promise.all([browser?.close(), site?.close()]));

async function examined(path, options) {
  const tab = await visit(browser, site.origin, options);
  try {
    await tab.page.goto(site.origin + path);
    await examine(tab, path.slice(1));
    return "";
  } catch (error) {
    assert.ok(error instanceof assert.AssertionError, error);
    return error.actual.join("\n");
  } finally {
    await tab.close();
  }
}

test("a good page passes in every view", async () => {
  assert.equal(await examined("/good"), "");
});

test("without JavaScript the layout is still examined", async () => {
  assert.equal(await examined("/good", { javaScript: false }), "");
  assert.match(await examined("/wide", { javaScript: false }), /wide dark 320px: scrolls/);
});

test("faint text is found in light and in dark", async () => {
  const found = await examined("/faint");
  assert.match(found, /faint light 1280px: color-contrast/);
  assert.match(found, /faint dark 320px: color-contrast/);
});

test("sideways scrolling is found on the narrow screens only", async () => {
  const found = await examined("/wide");
  assert.match(found, /wide light 320px: scrolls sideways to \d+px: .*class="wide"/);
  assert.doesNotMatch(found, /1280px: scrolls/);
});

test("a field without a name is found", async () => {
  assert.match(await examined("/unnamed"), /unnamed light 390px: label at input/);
});

test("code or style inside the page is found", async () => {
  assert.match(await examined("/inline"), /policy: style-src-elem refused inline/);
});

test("a request to another origin is found", async () => {
  assert.match(await examined("/stranger"), /asked a stranger: GET http:\/\/127\.0\.0\.2:9\/x\.css/);
});

test("an exception in a script is found", async () => {
  assert.match(await examined("/throws"), /threw: dropped a plate/);
});

test("an unexpected status is found, an expected one is not", async () => {
  const tab = await visit(browser, site.origin);
  await tab.page.goto(`${site.origin}/gone`);
  assert.match(tab.complaints.join("\n"), /answered 404: .*\/gone/);
  tab.complaints.length = 0;
  tab.expectStatus(404);
  await tab.page.goto(`${site.origin}/gone`);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});
