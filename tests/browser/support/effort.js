// What a way through the pages costs a person: clicks, and fields typed into.

/** Counts what is done through it. Addresses typed and pages of others are not counted. */
export class Effort {
  clicks = 0;
  fields = 0;

  /** @param {import("playwright-core").Locator} target a link, button, box or choice */
  async click(target) {
    this.clicks += 1;
    await target.click();
  }

  /** @param {import("playwright-core").Locator} field */
  async type(field, text) {
    this.fields += 1;
    await field.fill(text);
  }
}
