// The commands of the documentation: each makes a link that opens the page.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Person, launch } from "./person.mjs";
import { Stack } from "./stack.mjs";

// A module without types of its own is JavaScript too.
const PROGRAMS = { sh: ["bash", "commands.sh"], ts: ["node", "commands.mjs"], python: ["python3", "commands.py"] };

let stack;
let browser;
let folder;

before(async () => {
  [stack, browser, folder] = [await Stack.start(process.env.LOCAL), await launch(), await mkdtemp(join(tmpdir(), "commands-"))];
});
after(async () => {
  await browser?.close();
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("each command of the documentation makes a link that opens the page", async () => {
  const text = await readFile(process.env.DOCUMENTATION, "utf8");
  const blocks = [...text.matchAll(/```(\w+)\n(.*?)```/gs)];
  assert.deepEqual(blocks.map(([, language]) => language), Object.keys(PROGRAMS));
  for (const [, language, commands] of blocks) {
    const [program, name] = PROGRAMS[language];
    await writeFile(join(folder, name), commands);
    const env = { PATH: process.env.PATH, URL: stack.url, TOKEN: stack.token, TENANT: stack.tenant_id };
    const url = execFileSync(program, [join(folder, name)], { env }).toString().trim();
    assert.match(url, /^http:\/\/localhost:\d+\/setup#tpl_\w+$/, language);
    const person = await Person.at(browser);
    await person.open(url);
    await person.press("Start");
    await person.page.locator("#stepper").waitFor();
    await person.close();
  }
});

test("the link that the local stack prints opens the page", async () => {
  const person = await Person.at(browser);
  await person.open(stack.setup_url);
  await person.press("Start");
  await person.page.locator("#stepper").waitFor();
  await person.close();
});
