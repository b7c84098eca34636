// Every step in light and dark, narrow, enlarged, by keyboard, and without motion. Writes the screenshots of the documentation.
import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Person, launch } from "./person.mjs";
import { Stack } from "./stack.mjs";
import { enter, link, sections } from "./entry.mjs";
import { fillAws, testAws } from "./steps.mjs";

const LARGEST = 100000;
let walks = 0;
let stack;
let browser;

before(async () => {
  [stack, browser] = [await Stack.start(process.env.LOCAL), await launch()];
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

// Goes the whole path, and looks at each step.
async function walk(person, look) {
  await stack.reset();
  await stack.clearRecords();
  // A domain that is proven once is proven for the tenant.
  walks += 1;
  const { path, id } = await stack.configuration(["example.com", "example.org"].map((name) => `acme${walks}.${name}`));
  await person.open(await link(stack, sections("aws")));
  await look("start");
  await enter(person, stack, { ...sections("aws", "provider", "domains"), sso_configuration_id: id, return_url: "https://app.example.com/done" });
  await person.heading("Connect AWS");
  await fillAws(person, stack, "arn:aws:iam::123456789012:role/scenario/kms-disabled");
  await look("connect-aws");
  await person.press("Save and test");
  await person.sees("does not work yet");
  await look("test-failed");
  await person.button(/^Connect AWS/).click();
  await person.heading("Connect AWS");
  await testAws(person, stack);
  await person.sees("The connection works");
  await look("test-passed");
  await person.press("Continue");
  await person.heading("Connect your identity provider");
  await person.choose("Microsoft Entra ID");
  await look("provider");
  await person.type("Metadata URL", stack.metadata_url);
  await person.press("Check metadata");
  await person.sees("This is what we understood");
  await look("preview", person.page.locator(".panel", { hasText: "Give us its metadata" }));
  await person.press("Save and continue");
  await person.sees("Your identity provider is saved");
  await look("provider-saved");
  await person.press("Turn on sign-in");
  await person.page.getByRole("dialog").waitFor();
  await person.accessible("dialog");
  await person.press("Turn on");
  await person.sees("Sign-in is on");
  await person.press("Continue");
  await person.heading("Prove your domains");
  const domains = (await stack.expect(200, "GET", `${path}/domains`)).body.content;
  await stack.records([[domains[0].RecordName, domains[0].RecordValue], [domains[1].RecordName, "token=of-somebody-else"]]);
  for (const { Domain } of domains) {
    const card = person.page.locator("section", { has: person.page.getByRole("heading", { name: Domain, exact: true }) });
    await card.getByRole("button", { name: "Check now" }).click();
  }
  await person.sees("The record has another value");
  await look("domains");
  await stack.clearRecords();
  await stack.records(domains.map(({ RecordName, RecordValue }) => [RecordName, RecordValue]));
  await person.press("Check now");
  await person.button("Check now").waitFor({ state: "detached" });
  await person.press("Continue");
  await person.sees("Everything is set up");
  await look("done");
  await person.well();
}

for (const colorScheme of ["light", "dark"]) {
  test(`every step is accessible and fit to be shown, ${colorScheme}`, async () => {
    const person = await Person.at(browser, { colorScheme, reducedMotion: "reduce", viewport: { width: 1000, height: 720 } });
    await walk(person, async (name, part) => {
      await person.accessible(`${name}, ${colorScheme}`);
      await person.fits(`${name}, ${colorScheme}`);
      if (!process.env.SCREENSHOTS) return;
      await person.page.evaluate(() => window.scrollTo(0, 0));
      const file = join(process.env.SCREENSHOTS, `${name}-${colorScheme}.png`);
      await (part ? part.screenshot({ path: file }) : person.page.screenshot({ path: file }));
      assert.ok((await stat(file)).size <= LARGEST, `${file} is larger than ${LARGEST} bytes`);
    });
    await person.close();
  });
}

test("every step fits a window of 320 pixels", async () => {
  const person = await Person.at(browser, { viewport: { width: 320, height: 640 } });
  await walk(person, async (name) => {
    await person.fits(`${name}, 320 pixels`);
    await person.accessible(`${name}, 320 pixels`);
  });
  await person.close();
});

test("every step fits a window at 200 % zoom", async () => {
  // As a browser zooms: half the pixels of CSS, each of twice the size.
  const person = await Person.at(browser, { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 });
  await walk(person, async (name) => {
    await person.fits(`${name}, zoomed`);
    await person.accessible(`${name}, zoomed`);
  });
  await person.close();
});

test("with reduced motion nothing moves", async () => {
  const person = await Person.at(browser, { reducedMotion: "reduce" });
  await person.open(await link(stack, sections("aws")));
  const moving = await person.page.evaluate(() => {
    const spinner = document.createElement("span");
    spinner.className = "spinner";
    document.body.append(spinner);
    return getComputedStyle(spinner).animationName;
  });
  assert.equal(moving, "none");
  await person.close();
});

test("the first step can be done by keyboard alone, and the focus is always visible", async () => {
  await stack.reset();
  const person = await Person.at(browser);
  await enter(person, stack, sections("aws"));
  await person.heading("Connect AWS");
  const { keyboard } = person.page;
  const name = () => person.page.evaluate(() => document.activeElement.name || document.activeElement.innerText);
  const until = async (wanted) => {
    for (let steps = 0; steps < 60; steps += 1) {
      if ((await name())?.startsWith(wanted)) return;
      await keyboard.press("Tab");
      const outline = await person.page.evaluate(() => {
        const { activeElement } = document;
        const label = activeElement.type === "radio" ? activeElement.closest("label") : activeElement;
        return activeElement === document.body ? "body" : getComputedStyle(label).outlineStyle;
      });
      assert.notEqual(outline, "none", await name());
    }
    throw new Error(`the focus does not reach ${wanted}`);
  };
  for (const [field, value] of [["sso_instance_arn", stack.sso_instance_arn], ["region", stack.region], ["aws_account_id", "123456789012"]]) {
    await until(field);
    await keyboard.type(value);
  }
  await person.sees("CREATE_COMPLETE");
  await until("role_arn");
  await keyboard.type(stack.role_arn);
  await until("Save and test");
  await keyboard.press("Enter");
  await person.sees("The connection works");
  assert.equal(await name(), "Continue");
  await keyboard.press("Enter");
  await person.heading("Summary");
  await person.close();
});
