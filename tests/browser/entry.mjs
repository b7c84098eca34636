// Setup links, and the way through them.
const SECTIONS = { aws: "aws-identity-center", provider: "identity-provider", domains: "domains" };

export function sections(...names) {
  return { sections: names.map((name) => SECTIONS[name]) };
}

// Makes a link. Returns its URL.
export async function link(stack, fields) {
  return (await stack.link(fields)).url;
}

// Opens a new link and presses Start. Returns the secret of the link.
export async function enter(person, stack, fields) {
  const url = await link(stack, fields);
  await person.open(url);
  await person.press("Start");
  await person.page.locator("#stepper").waitFor();
  return url.split("#")[1];
}
