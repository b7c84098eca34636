// What goes wrong, and what the page says about it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, launch } from "./person.mjs";
import { Stack } from "./stack.mjs";
import { enter, sections } from "./entry.mjs";
import { fillAws, testAws } from "./steps.mjs";

// Roles of the local organization that fail, each with words of the remedy.
const SCENARIOS = {
  "no-trust": /Edit trust policy/,
  "external-id-not-enforced": /Do this at once/,
  "wrong-region": /Save the configuration with the instance’s primary region|primary region/,
  "instance-deleted": /compare/,
  "missing-sso-DescribeInstance": /"Action": "sso:DescribeInstance"|sso:DescribeInstance/,
  "kms-disabled": /Enable the key/,
  "network-restricted": /network access controls/,
  "unreachable": /Try again in a minute/,
};

let stack;
let browser;

before(async () => {
  [stack, browser] = [await Stack.start(process.env.LOCAL), await launch()];
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

test("each failing role is shown with its remedy, and can be corrected", async (t) => {
  await stack.reset();
  const person = await Person.at(browser);
  await enter(person, stack, sections("aws"));
  for (const [scenario, remedy] of Object.entries(SCENARIOS)) {
    await t.test(scenario, async () => {
      await testAws(person, stack, `arn:aws:iam::123456789012:role/scenario/${scenario}`);
      const failing = person.page.locator(".check.fail, .check.unavailable, .check.warn").first();
      const text = await failing.innerText();
      assert.match(text, /What to do/, text);
      assert.match(text, remedy, text);
      assert.doesNotMatch(text, /(POST|PUT) \/v1/, text);
      assert.equal(await person.button("Continue").isVisible(), false);
      await person.accessible(scenario);
      await person.button(/^Connect AWS/).click();
      await person.heading("Connect AWS");
    });
  }
  await testAws(person, stack, stack.role_arn);
  await person.sees("The connection works");
  await person.well();
  await person.close();
});

test("wrong values are refused at their field, before anything is sent", async () => {
  await stack.reset();
  const person = await Person.at(browser);
  await enter(person, stack, sections("aws"));
  await person.press("Save and test");
  const invalid = () => person.page.locator("[aria-invalid]").evaluateAll((all) => all.map((one) => one.name));
  assert.deepEqual(await invalid(), ["sso_instance_arn", "region", "aws_account_id", "role_arn"]);
  assert.equal(await person.page.evaluate(() => document.activeElement.name), "sso_instance_arn");
  await person.accessible("empty fields");
  await fillAws(person, stack);
  for (const [role, fault] of [
    ["arn:aws:iam::123456789012:policy/X", "ARN of a policy"], ["arn:aws:sts::123456789012:assumed-role/X/y", "ARN of a session"],
    ["arn:aws:iam::123456789012:user/ada", "ARN of a user"], ["arn:aws:iam::210987654321:role/X", "in account 210987654321"],
  ]) {
    await person.type("Role ARN", role);
    await person.press("Save and test");
    await person.sees(fault);
    assert.deepEqual(await invalid(), ["role_arn"]);
  }
  assert.ok(person.requests.every((request) => request.method() !== "PUT"));
  await person.close();
});

test("the answer of DNS is shown, and the page checks by itself", async () => {
  const { path, id } = await stack.configuration(["dns.example"]);
  const [domain] = (await stack.expect(200, "GET", `${path}/domains`)).body.content;
  const person = await Person.at(browser);
  await person.page.clock.install();
  await enter(person, stack, { ...sections("domains"), sso_configuration_id: id });
  await person.heading("Prove your domains");
  await person.press("Check now");
  await person.sees("There is no such record yet");
  await stack.records([[domain.RecordName, "<script>alert(1)</script>"]]);
  await person.press("Check now");
  await person.sees("The record has another value");
  await person.sees("<script>alert(1)</script>");
  await person.accessible("another value");
  await stack.clearRecords();
  await stack.records([[domain.RecordName, domain.RecordValue]]);
  await person.page.clock.runFor(21000);
  await person.page.getByText("Proven", { exact: true }).first().waitFor();
  await person.well();
  await person.close();
});
