// PUT /organisations/:OrganisationId/authorisationservers/:AuthorisationServerId/sso-configuration/:ssoConfigurationId.
import { Refused, body, handler as handle, isText, read, write } from "./shared.js";

const shown = ["DisplayName", "Contacts", "ID", "ServerID", "RedirectUri", "TextRecord", "Status", "CreatedAt", "UpdatedAt"];
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const email = /^[^@\s]+@[^@\s]+\.[^@\s.]+$/;
const isAbsent = (value) => value === undefined || value === null;
const within = (value, least, most) => value.length >= least && value.length <= most;

const types = {
  DisplayName: (value) => isText(value) && within(value, 1, 64),
  Contacts: (value) => Array.isArray(value) && within(value, 1, 10)
    && value.every((one) => isText(one) && one.length <= 254 && email.test(one)),
  RedirectUriSuffix: (value) => isAbsent(value) || (isText(value) && within(value, 1, 40)),
  Status: (value) => isAbsent(value) || value === "Active" || value === "Inactive",
};

async function put(event, context) {
  const { OrganisationId, AuthorisationServerId: server, ssoConfigurationId: id } = event.pathParameters;
  if (!uuid.test(server) || !uuid.test(id)) {
    throw new Refused(400, "AuthorisationServerId or ssoConfigurationId is no UUID");
  }
  const key = `SSO#${OrganisationId}#${server.toLowerCase()}#${id.toLowerCase()}`;
  const caller = await read(event, key, "admin");
  const { DisplayName, Contacts, RedirectUriSuffix: suffix, Status } = body(event, types);
  const before = caller.item;
  if (!before) throw new Refused(404, "no such SSO configuration");
  const after = { ...before, DisplayName, Contacts, Status: Status ?? "Active", UpdatedAt: new Date().toISOString() };
  if (!isAbsent(suffix)) {
    after.RedirectUri = before.RedirectUri.replace(/[^/]*$/, () => encodeURIComponent(suffix));
  }
  await write(caller, context, "put-sso-configuration", key, after);
  return Object.fromEntries(shown.map((name) => [name, after[name]]));
}

export const handler = handle(put, ({ message }) => ({ errors: [message] }));
