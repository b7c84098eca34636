// GET /v1/instances/{instance_id}/identity-store-associations.
import { Refused, handler as handle, read } from "./shared.js";

async function associations(event) {
  const id = event.pathParameters.instance_id;
  if (!/^[\w.~-]+$/.test(id)) throw new Refused(400, "instance_id is not valid");
  const { item: instance } = await read(event, `INSTANCE#${id}`, "viewer");
  if (!instance) throw new Refused(404, "no such instance");
  const association = {
    identity_store_id: instance.identity_store_id,
    identity_store_type: "UserPool",
    authentication_type: instance.external_idp_enabled ? "SAML_2.0" : "DEFAULT",
    provisioning_type: ["DEFAULT"],
    status: instance.status === "ACTIVE" ? "ENABLED" : "DISABLED",
  };
  return { identity_store_associations: [association] };
}

export const handler = handle(associations, ({ status, message }, { awsRequestId }) => ({
  error_code: `IIC.${status}`, error_msg: message, request_id: awsRequestId,
}));
