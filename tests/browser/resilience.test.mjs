// What happens on the way: reload, other tabs, a slow or lost connection, and the end of a session.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, launch } from "./person.mjs";
import { Stack } from "./stack.mjs";
import { enter, link, sections } from "./entry.mjs";
import { fillAws } from "./steps.mjs";

const CONFIG = "/v1/integrations/aws-identity-center/config";
let stack;
let browser;

before(async () => {
  [stack, browser] = [await Stack.start(process.env.LOCAL), await launch()];
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

async function started() {
  await stack.reset();
  const person = await Person.at(browser);
  await enter(person, stack, sections("aws", "provider"));
  await person.heading("Connect AWS");
  return person;
}

test("a reload and the back button lose nothing", async () => {
  const person = await started();
  await fillAws(person, stack);
  await person.page.reload();
  await person.heading("Connect AWS");
  assert.equal(await person.page.getByLabel("Role ARN", { exact: true }).inputValue(), stack.role_arn);
  await person.press("Save and test");
  await person.sees("The connection works");
  await person.page.goBack();
  await person.heading("Connect AWS");
  assert.equal(await person.page.getByLabel("Region", { exact: true }).inputValue(), stack.region);
  await person.page.goForward();
  await person.heading("Test the connection");
  await person.page.reload();
  await person.heading("Test the connection");
  await person.well();
  await person.close();
});

test("a change in another tab is shown with both values, and the person decides", async () => {
  const person = await started();
  await fillAws(person, stack);
  const other = { sso_instance_arn: stack.sso_instance_arn, role_arn: "arn:aws:iam::123456789012:role/Other", region: "eu-west-1" };
  await stack.expect(200, "PUT", CONFIG, other);
  await person.press("Save and test");
  await person.page.getByRole("dialog").waitFor();
  const shown = await person.page.getByRole("dialog").innerText();
  for (const value of ["Region", "us-east-1", "eu-west-1", stack.role_arn, other.role_arn]) assert.ok(shown.includes(value), shown);
  await person.accessible("conflict");
  assert.equal((await stack.send("GET", CONFIG)).body.region, "eu-west-1");
  await person.press("Save my values");
  await person.sees("The connection works");
  assert.equal((await stack.send("GET", CONFIG)).body.role_arn, stack.role_arn);
  await person.close();
});

test("keeping what is saved fills the fields with it", async () => {
  const person = await started();
  await fillAws(person, stack);
  await stack.expect(200, "PUT", CONFIG, { sso_instance_arn: stack.sso_instance_arn, role_arn: "arn:aws:iam::123456789012:role/Other", region: "eu-west-1" });
  await person.press("Save and test");
  await person.press("Keep what is saved");
  assert.equal(await person.page.getByLabel("Region", { exact: true }).inputValue(), "eu-west-1");
  assert.equal((await stack.send("GET", CONFIG)).body.region, "eu-west-1");
  await person.close();
});

test("a double click saves once", async () => {
  const person = await started();
  await fillAws(person, stack);
  await person.button("Save and test").dblclick();
  await person.sees("The connection works");
  const sent = (method, path) => person.requests.filter((request) => request.method() === method && request.url().endsWith(path));
  assert.equal(sent("PUT", "/config").length, 1);
  assert.equal(sent("POST", "/test").length, 1);
  await person.close();
});

test("a lost response is repeated with the same key, and done once", async () => {
  const person = await started();
  await fillAws(person, stack);
  let lost = 0;
  await person.page.route("**/aws-identity-center/test", async (route) => {
    if (route.request().method() !== "POST" || lost > 0) return route.continue();
    lost += 1;
    await route.fetch();
    return route.abort("connectionreset");
  });
  await person.press("Save and test");
  await person.sees("The connection works");
  const tests = person.requests.filter((request) => request.method() === "POST" && request.url().endsWith("/aws-identity-center/test"));
  assert.equal(tests.length, 2);
  const keys = new Set(await Promise.all(tests.map((request) => request.headerValue("idempotency-key"))));
  assert.equal(keys.size, 1);
  assert.ok(![...keys][0].includes("undefined"));
  await person.close();
});

test("without a connection the page says so, keeps what is typed, and goes on", async () => {
  const person = await started();
  await fillAws(person, stack);
  await person.context.setOffline(true);
  await person.press("Save and test");
  await person.sees("The connection was lost");
  assert.equal(await person.page.getByLabel("Role ARN", { exact: true }).inputValue(), stack.role_arn);
  await person.accessible("offline");
  await person.context.setOffline(false);
  await person.press("Try again");
  await person.sees("The connection works");
  await person.close();
});

test("on a slow network the page shows that it is at work", async () => {
  const person = await started();
  let release;
  const gate = new Promise((resolve) => { release = resolve; });
  await person.page.route("**/aws-identity-center/test", async (route) => {
    await gate;
    await route.continue();
  });
  await fillAws(person, stack);
  await person.press("Save and test");
  await person.sees("Testing the connection");
  assert.equal(await person.page.locator(".check").count(), 7);
  assert.equal(await person.button("Test again").getAttribute("aria-disabled"), "true");
  await person.accessible("at work");
  release();
  await person.sees("The connection works");
  await person.close();
});

test("when the session ends, nothing that was typed is lost", async () => {
  const person = await started();
  await fillAws(person, stack);
  await person.page.route(`**${CONFIG}`, (route) => (route.request().method() === "PUT" ? route.fulfill({ status: 401, json: { code: "unauthenticated", message: "a valid credential is required" } }) : route.continue()));
  await person.press("Save and test");
  await person.sees("Your session has ended");
  await person.accessible("session ended");
  await person.press("Not now");
  assert.equal(await person.page.getByLabel("Role ARN", { exact: true }).inputValue(), stack.role_arn);
  await person.close();
});

test("a revoked link ends its session with the next request", async () => {
  await stack.reset();
  const person = await Person.at(browser);
  const made = await stack.link(sections("aws"));
  await person.open(made.url);
  await person.press("Start");
  await person.heading("Connect AWS");
  await fillAws(person, stack);
  await stack.expect(204, "DELETE", `/v1/setup-links/${made.id}`);
  await person.press("Save and test");
  await person.press("Start a new session");
  await person.heading("This link was withdrawn");
  await person.accessible("revoked");
  return person.close();
});

test("a second link in the same tab begins anew", async () => {
  await stack.reset();
  const person = await Person.at(browser);
  await enter(person, stack, sections("aws"));
  await person.heading("Connect AWS");
  await person.open(await link(stack, sections("aws", "provider")));
  await person.press("Start");
  await person.button(/Identity provider/).waitFor();
  assert.equal(new URL(person.page.url()).hash, "");
  return person.close();
});

test("one link, two tabs: the second is told, and the first goes on", async () => {
  await stack.reset();
  const [person, other] = [await Person.at(browser), await Person.at(browser)];
  const url = await link(stack, sections("aws"));
  await person.open(url);
  await other.open(url);
  await person.press("Start");
  await person.heading("Connect AWS");
  await other.press("Start");
  await other.heading("This link is in use already");
  await person.page.reload();
  await person.heading("Connect AWS");
  await other.close();
  return person.close();
});
