// Metadata of identity providers: what is understood, and what is refused.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { Person, launch } from "./person.mjs";
import { Stack } from "./stack.mjs";
import { enter, sections } from "./entry.mjs";
import { previewText } from "./steps.mjs";

let stack;
let browser;
let metadata;

before(async () => {
  [stack, browser] = [await Stack.start(process.env.LOCAL), await launch()];
  metadata = JSON.parse(execFileSync(process.env.METADATA, { maxBuffer: 1 << 26 }).toString());
  await stack.connect();
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

test("metadata of each kind of provider is understood, by file and by paste", async () => {
  const person = await Person.at(browser);
  await enter(person, stack, sections("provider"));
  await person.choose("Another provider");
  for (const [index, { kind, text, select, facts }] of metadata.documents.entries()) {
    if (index % 2) {
      await person.choose("File");
      await person.page.locator("input[type=file]").setInputFiles({ name: `${index}.xml`, mimeType: "text/xml", buffer: Buffer.from(text) });
      await person.press("Check metadata");
    } else {
      await previewText(person, text);
    }
    if (select) {
      await person.type("Entity ID of your provider", select);
      await person.press("Check metadata");
    }
    await person.sees("This is what we understood");
    const shown = await person.page.locator(".understood").innerText();
    assert.ok(shown.includes(facts.entity_id), `${kind}: ${shown}`);
    for (const fingerprint of facts.fingerprints) {
      assert.ok(shown.includes(fingerprint.toUpperCase().match(/../g).join(":")), `${kind}: ${fingerprint}`);
    }
    await person.page.reload();
    await person.page.getByText("Give us its metadata").waitFor();
  }
  await person.well();
  await person.close();
});

test("three certificates: one valid, one soon over, one expired, and no text becomes markup", async () => {
  const person = await Person.at(browser);
  await enter(person, stack, sections("provider"));
  await person.choose("Another provider");
  await previewText(person, metadata.several_certificates);
  await person.sees("This is what we understood");
  const cards = person.page.locator(".certificate");
  assert.equal(await cards.count(), 3);
  assert.match(await cards.nth(1).innerText(), /<img src/);
  await person.sees("https://idp.example.com/<b>");
  assert.equal(await person.page.locator("img").count(), 0);
  assert.match(await cards.nth(2).innerText(), /Not used[\s\S]*Expired on/);
  assert.match(await cards.nth(1).innerText(), /(11|12) days left/);
  assert.match(await person.text(), /1 part is left out/);
  await person.accessible("certificates");
  await person.well();
  await person.close();
});

test("a wrong file is refused with the reason", async () => {
  const person = await Person.at(browser);
  await enter(person, stack, sections("provider"));
  await person.choose("Google Workspace");
  for (const [content, fault] of [
    ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "This is a certificate and not metadata"],
    ["<!doctype html><html><body>Sign in</body></html>", "This is a web page"], ["PK\u0003\u0004", "This is not an XML document"],
    ["<note/>", "not SAML metadata"], ["<EntityDescriptor><SPSSODescriptor/></EntityDescriptor>", "metadata of an application"],
    [`<EntityDescriptor>${"x".repeat(300000)}`, "larger than 256 KiB"],
  ]) {
    await person.page.locator("input[type=file]").setInputFiles({ name: "file.xml", mimeType: "text/xml", buffer: Buffer.from(content) });
    await person.sees(fault);
  }
  await person.accessible("wrong file");
  await person.choose("URL");
  await person.type("Metadata URL", "http://idp.example.com/metadata");
  await person.press("Check metadata");
  await person.sees("must begin with");
  await stack.provider("fail");
  await person.type("Metadata URL", stack.metadata_url);
  await person.press("Check metadata");
  await person.page.locator("[aria-invalid], .notice.fail").first().waitFor();
  await person.accessible("unreachable metadata");
  await stack.provider("recover");
  await person.press("Check metadata");
  await person.sees("This is what we understood");
  await person.choose("Enter by hand");
  await person.press("Check metadata");
  assert.equal(await person.page.locator("[aria-invalid]").count(), 3);
  await person.close();
});
