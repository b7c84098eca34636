// The whole path, what it costs, and what leaves the browser.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Person, launch } from "./person.mjs";
import { Stack } from "./stack.mjs";
import { enter, link, sections } from "./entry.mjs";

const MOST_ACTIONS = 25;
const MOST_BYTES = 60000;
let stack;
let browser;

before(async () => {
  [stack, browser] = [await Stack.start(process.env.LOCAL), await launch()];
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

test("the first view is three requests and small", async () => {
  const person = await Person.at(browser);
  const url = await link(stack, sections("aws"));
  const sizes = [];
  person.page.on("requestfinished", async (request) => sizes.push(await request.sizes()));
  await person.open(url);
  await person.page.waitForLoadState("networkidle");
  const paths = person.requests.map((request) => new URL(request.url()).pathname);
  assert.equal(paths.length, 3, paths.join(" "));
  assert.equal(paths[0], "/setup");
  const bytes = sizes.reduce((sum, one) => sum + one.responseBodySize, 0);
  console.log(`first view: ${sizes.length} requests, ${bytes} bytes`);
  assert.ok(bytes > 1000 && bytes <= MOST_BYTES, `${bytes} bytes`);
  await person.well();
  await person.close();
});

test("every response of the page has strict headers", async () => {
  const document = await fetch(`${stack.url}/setup`, { headers: { "accept-encoding": "gzip" } });
  const html = await document.text();
  const names = [...html.matchAll(/"(\/setup\/[^"]+)"/g)].map(([, path]) => path);
  assert.equal(names.length, 2, html);
  for (const path of ["/setup", ...names, "/setup/theme.css", "/setup/nothing.js"]) {
    const response = await fetch(stack.url + path);
    const header = (name) => response.headers.get(name) ?? "";
    const policy = header("content-security-policy");
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /, path);
    assert.doesNotMatch(policy, /unsafe|\*|https:/, path);
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.equal(header("x-frame-options"), "DENY", path);
    assert.equal(header("referrer-policy"), "no-referrer", path);
    assert.equal(header("x-content-type-options"), "nosniff", path);
    assert.match(header("strict-transport-security"), /max-age=\d{8}/, path);
    assert.match(header("permissions-policy"), /camera=\(\)/, path);
    if (names.includes(path)) assert.equal(header("cache-control"), "public, max-age=31536000, immutable", path);
    else assert.match(header("cache-control"), /no-cache|no-store/, path);
    if (response.status === 200) {
      const again = await fetch(stack.url + path, { headers: { "if-none-match": header("etag") } });
      assert.equal(again.status, 304, path);
      assert.equal(await again.text(), "");
      const plain = await fetch(stack.url + path, { headers: { "accept-encoding": "identity" } });
      assert.equal(plain.headers.get("content-encoding"), null, path);
      assert.equal((await plain.text()).length, (await response.text()).length, path);
    } else {
      assert.equal(path, "/setup/nothing.js");
      assert.equal(response.status, 404);
    }
  }
});

test("no page of another origin can frame the page", async () => {
  const person = await Person.at(browser);
  await person.page.goto(stack.url.replace("localhost", "127.0.0.1") + "/healthz");
  await person.page.evaluate((url) => {
    const frame = document.createElement("iframe");
    frame.src = url;
    return new Promise((resolve) => {
      frame.addEventListener("load", resolve);
      document.body.append(frame);
    });
  }, `${stack.url}/setup`);
  const texts = await Promise.all(person.page.frames().slice(1).map((frame) => frame.locator("body").innerText().catch(() => "")));
  assert.ok(texts.every((text) => !text.includes("single sign-on") && !text.includes("not complete")), texts.join());
  await person.close();
});

test("a link without its secret says so", async () => {
  const person = await Person.at(browser);
  await person.open(`${stack.url}/setup`);
  await person.heading("This address is not complete");
  await person.accessible("incomplete link");
  await person.well();
  await person.close();
});

test("a customer connects everything in few actions, and the secret stays in the browser", async () => {
  await stack.reset();
  const { path, id } = await stack.configuration(["acme.example", "acme.co.uk"]);
  const person = await Person.at(browser);
  const secret = await enter(person, stack, { ...sections("aws", "provider", "domains"), sso_configuration_id: id, return_url: "https://app.example.com/done" });
  assert.equal(new URL(person.page.url()).hash, "");
  await person.heading("Connect AWS");
  await person.type("Instance ARN", stack.sso_instance_arn);
  await person.type("Region", stack.region);
  await person.type("AWS account ID", "123456789012");
  await person.sees("CREATE_COMPLETE");
  await person.type("Role ARN", stack.role_arn);
  await person.press("Save and test");
  await person.sees("The connection works");
  await person.press("Continue");
  await person.heading("Connect your identity provider");
  await person.choose("Okta");
  await person.type("Metadata URL", stack.metadata_url);
  await person.press("Check metadata");
  await person.sees("This is what we understood");
  await person.press("Save and continue");
  await person.sees("Your identity provider is saved");
  await person.press("Turn on sign-in");
  await person.press("Turn on");
  await person.sees("Sign-in is on");
  await person.press("Continue");
  await person.heading("Prove your domains");
  const domains = (await stack.expect(200, "GET", `${path}/domains`)).body.content;
  for (const { Domain, RecordName, RecordValue } of domains) {
    await stack.records([[RecordName, RecordValue]]);
    const card = person.page.locator("section", { has: person.page.getByRole("heading", { name: Domain, exact: true }) });
    await card.getByRole("button", { name: "Copy: Value" }).click();
    assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), RecordValue);
    await card.getByRole("button", { name: "Check now" }).click();
    person.actions += 2;
    await card.getByText("Proven", { exact: true }).waitFor();
  }
  await person.press("Continue");
  await person.heading("Summary");
  await person.sees("Everything is set up");
  const back = person.page.getByRole("link", { name: "Return to Trustplane" });
  assert.equal(await back.getAttribute("href"), "https://app.example.com/done");
  console.log(`whole path: ${person.actions} actions`);
  assert.ok(person.actions <= MOST_ACTIONS, `${person.actions} actions`);
  await person.well();

  const origin = new URL(stack.url).origin;
  for (const request of person.requests) {
    assert.equal(new URL(request.url()).origin, origin);
    assert.ok(!request.url().includes(secret), request.url());
    const headers = await request.allHeaders();
    assert.ok(!headers.referer, headers.referer);
    const carriesSecret = JSON.stringify(headers).includes(secret) || (request.postData() ?? "").includes(secret);
    assert.equal(carriesSecret, request.url().endsWith("/v1/setup-sessions"), request.url());
    if (["PUT", "DELETE"].includes(request.method())) assert.ok(headers["if-match"], request.url());
    if (request.method() === "POST" && !carriesSecret) assert.ok(headers["idempotency-key"], request.url());
  }
  assert.ok(!(await person.page.evaluate(() => document.documentElement.outerHTML)).includes(secret));
  // Nor does what the service keeps have it: table, events, deliveries.
  for (const name of await readdir(stack.data, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    assert.ok(!(await readFile(join(name.parentPath, name.name))).includes(secret), name.name);
  }
  await person.close();
});
