// What every page must be, at every width and in both colour schemes.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";

export const WIDTHS = [1280, 390, 320];
export const SCHEMES = ["light", "dark"];

const HEIGHT = 800;
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Examines the page that `visit` shows now, without loading it again (a page may show a secret only
 * once): accessibility by axe, no sideways scrolling, no complaint so far. Takes a screenshot of
 * each view when GATEPOST_SCREENSHOTS names a directory.
 *
 * @param {Awaited<ReturnType<typeof import("./browser.js").visit>>} visit
 * @param {string} name file name of the screenshots, and what a failure calls the page
 */
export async function examine(visit, name) {
  const problems = [];
  for (const scheme of SCHEMES) {
    for (const width of WIDTHS) {
      const view = `${name} ${scheme} ${width}px`;
      await show(visit.page, scheme, width);
      await screenshot(visit.page, `${name}-${scheme}-${width}`);
      problems.push(...(await wider(visit.page)).map((what) => `${view}: ${what}`));
      if (!visit.javaScript) continue; // axe waits for timers, which do not run then
      problems.push(...(await violations(visit.page)).map((what) => `${view}: ${what}`));
    }
  }
  await show(visit.page, SCHEMES[0], WIDTHS[0]);
  problems.push(...visit.complaints.splice(0).map((what) => `${name}: ${what}`));
  assert.deepEqual(problems, []);
}

async function show(page, colorScheme, width) {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: HEIGHT });
}

/** Elements that make the page scroll sideways. */
function wider(page) {
  return page.evaluate(() => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const culprits = [...document.body.querySelectorAll("*")]
      .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 0.5)
      .map((element) => `<${element.localName} class="${element.className}">`)
      .slice(0, 5);
    return [`scrolls sideways to ${root.scrollWidth}px: ${culprits.join(" ")}`];
  });
}

/** axe's findings, one line for each rule and place. */
async function violations(page) {
  // Evaluated through the debugger, which the page's own policy does not bind.
  await page.evaluate(axe.source);
  const found = await page.evaluate(
    (rules) =>
      globalThis.axe.run(document, {
        runOnly: { type: "tag", values: rules },
        resultTypes: ["violations"],
      }),
    RULES,
  );
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id} at ${node.target.join(" ")}: ${node.failureSummary}`),
  );
}

async function screenshot(page, name) {
  const directory = process.env.GATEPOST_SCREENSHOTS;
  if (!directory) return;
  await mkdir(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
}
