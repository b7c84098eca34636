// A person at the page: a browser context, actions that are counted, and everything that must not happen.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launch() {
  // A container has no user namespaces for the sandbox, and little shared memory.
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

export class Person {
  static async at(browser, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    // Init scripts are not the page's, so its policy does not concern them.
    await context.addInitScript(axe);
    await context.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    return Object.assign(new Person(), { context, actions: 0, faults: [], requests: [] }).newTab();
  }

  // Another tab of the same browser, with a storage of its own.
  async newTab() {
    const page = await this.context.newPage();
    page.setDefaultTimeout(10000);
    page.on("pageerror", (error) => this.faults.push(error.message));
    page.on("console", (message) => {
      const expected = /Failed to load resource/.test(message.text());
      if (message.type() === "error" && !expected) this.faults.push(message.text());
    });
    page.on("request", (request) => this.requests.push(request));
    return Object.assign(Object.create(Person.prototype), this, { page });
  }

  async open(url) {
    await this.page.goto(url);
    // The page takes the secret out of the address, also where the address of a page that is open changed.
    await this.page.waitForFunction(() => !window.location.hash);
    await this.page.locator("h1").waitFor();
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  async press(name) {
    this.actions += 1;
    await this.button(name).click();
  }

  async type(label, text) {
    this.actions += 1;
    await this.page.getByLabel(label, { exact: true }).fill(text);
  }

  async choose(label) {
    this.actions += 1;
    await this.page.getByRole("radio", { name: label, exact: true }).check();
  }

  async heading(name) {
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  async sees(text) {
    try {
      await this.page.getByText(text).filter({ visible: true }).first().waitFor();
    } catch (error) {
      throw new Error(`${error.message}\nThe page says:\n${await this.text()}`);
    }
  }

  // What the page says, all of it.
  text() {
    return this.page.locator("body").innerText();
  }

  // Nothing went wrong behind what is seen.
  async well() {
    assert.deepEqual(this.faults, []);
    assert.deepEqual(await this.page.evaluate(() => window.violations), []);
  }

  // Nothing that axe-core finds.
  async accessible(where) {
    const found = await this.page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
      return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${help}\n  ${html}\n  ${failureSummary}`));
    });
    assert.deepEqual(found, [], where);
  }

  // The page is no wider than the window.
  async fits(where) {
    const [content, window_] = await this.page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(content <= window_, `${where}: ${content} of ${window_} pixels`);
  }

  async close() {
    await this.context.close();
  }
}
