// Parts of the path that several tests go.

export async function fillAws(person, stack, role = stack.role_arn) {
  await person.type("Instance ARN", stack.sso_instance_arn);
  await person.type("Region", stack.region);
  await person.type("AWS account ID", role.split(":")[4]);
  await person.sees("CREATE_COMPLETE");
  await person.type("Role ARN", role);
}

export async function testAws(person, stack, role) {
  await fillAws(person, stack, role);
  await person.press("Save and test");
  await person.heading("Test the connection");
  await person.page.locator(".checks:not([aria-busy])").waitFor();
}

export async function previewText(person, text) {
  await person.choose("Paste");
  await person.type("Metadata XML", text);
  await person.press("Check metadata");
}
