// What the functions share: the credential in one read with the item, the change in one write with its audit record.
import { createHash, randomUUID } from "node:crypto";
import { BatchGetItemCommand, DynamoDBClient, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

const table = process.env.TABLE;
const dynamodb = new DynamoDBClient({});

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Returns the tenant, the caller and the item, or undefined, of a caller with this role. */
export async function read(event, key, role) {
  const [scheme, token = ""] = (event.headers.authorization ?? "").split(" ");
  const tenant = event.headers["x-tenant-id"] ?? "";
  const credentialKey = { pk: `TOKEN#${createHash("sha256").update(token).digest("hex")}`, sk: "TOKEN" };
  const itemKey = { pk: `TENANT#${tenant}`, sk: key };
  const Keys = [marshall(credentialKey), marshall(itemKey)];
  const found = await dynamodb.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys } } }));
  if (Object.keys(found.UnprocessedKeys ?? {}).length > 0) throw new Refused(503, "try again");
  const items = found.Responses[table].map((item) => unmarshall(item));
  const credential = items.find((item) => item.pk === credentialKey.pk);
  if (scheme.toLowerCase() !== "bearer" || !credential) throw new Refused(401, "the credential is missing or not valid");
  if (credential.tenant_id !== tenant || !credential.roles.includes(role)) {
    throw new Refused(403, "the credential may not do this");
  }
  return { tenant, caller: credential.name, item: items.find((item) => item.pk === itemKey.pk) };
}

/** Writes the item, unless another request has changed it since it was read, and the audit record. */
export async function write({ tenant, caller, item: before }, context, action, key, after) {
  const version = before?.version ?? 0;
  const at = new Date().toISOString();
  const item = { ...after, pk: `TENANT#${tenant}`, sk: key, version: version + 1 };
  const audit = {
    pk: `AUDIT#${tenant}`, sk: `${at}#${randomUUID()}`, at, action, caller,
    resource: key, request_id: context.awsRequestId, version: version + 1,
  };
  const unchanged = before
    ? { ConditionExpression: "version = :version", ExpressionAttributeValues: marshall({ ":version": version }) }
    : { ConditionExpression: "attribute_not_exists(pk)" };
  const TransactItems = [
    { Put: { TableName: table, Item: marshall(item), ...unchanged } },
    { Put: { TableName: table, Item: marshall(audit) } },
  ];
  try {
    await dynamodb.send(new TransactWriteItemsCommand({ TransactItems }));
  } catch (error) {
    if (error.name !== "TransactionCanceledException") throw error;
    throw new Refused(409, "the item was changed at the same time");
  }
}

/** Returns the request's body, whose fields are what `types` says. */
export function body(event, types) {
  let given;
  try {
    given = JSON.parse(event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body);
  } catch {
    given = null;
  }
  if (typeof given !== "object" || given === null) throw new Refused(400, "the body is no JSON object");
  const wrong = Object.keys(types).filter((name) => !types[name](given[name]));
  if (wrong.length > 0) throw new Refused(400, `wrong or missing: ${wrong.join(", ")}`);
  return given;
}

export const isText = (value) => typeof value === "string";

/** Makes a handler of what returns a body, and of the dialect's error body. */
export function handler(answer, refusal) {
  return async (event, context) => {
    let statusCode = 200;
    let said;
    try {
      said = await answer(event, context);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      statusCode = error.status;
      said = refusal(error, context);
    }
    console.log(JSON.stringify({ level: "INFO", message: "request", request_id: context.awsRequestId, status: statusCode }));
    return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(said) };
  };
}
