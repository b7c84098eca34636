// PUT /v1/integrations/aws-identity-center/config.
import { Refused, body, handler as handle, isText, read, write } from "./shared.js";

const key = "CONFIG";
const patterns = {
  sso_instance_arn: /^arn:(aws(?:-[a-z]{1,5}){0,3}):sso:::instance\/(?:sso)?ins-[a-zA-Z0-9.-]{16,}$/,
  role_arn: /^arn:(aws(?:-[a-z]{1,5}){0,3}):iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/,
  region: /^(?:[a-z]+-){2,3}\d$/,
};
const partitions = { "cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc" };

function checked(given) {
  const saved = {};
  const found = new Set();
  for (const [name, pattern] of Object.entries(patterns)) {
    saved[name] = given[name] || null;
    const match = pattern.exec(given[name]);
    if (given[name] && (!match || given[name].length > 1224)) throw new Refused(400, `not valid: ${name}`);
    if (match?.[1]) found.add(match[1]);
  }
  if (saved.region) {
    const prefix = Object.keys(partitions).find((one) => saved.region.startsWith(one));
    found.add(partitions[prefix] ?? "aws");
  }
  if (found.size > 1) throw new Refused(400, "the values are of different partitions");
  return saved;
}

async function put(event, context) {
  const caller = await read(event, key, "admin");
  const saved = checked(body(event, { sso_instance_arn: isText, role_arn: isText, region: isText }));
  await write(caller, context, "put-config", key, saved);
  return { ...saved, configured: Boolean(saved.sso_instance_arn && saved.role_arn) };
}

export const handler = handle(put, ({ status, message }) => ({ code: String(status), message }));
