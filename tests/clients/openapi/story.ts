// The story of a customer, told by a client that is generated from openapi.json. A wrong schema does not compile.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Code = components["schemas"]["IntegrationError"]["code"];

const { URL: baseUrl, TENANT, TOKEN, APPROVER, STORE, PEM, RECEIVER } = process.env as Record<string, string>;
const header = { "X-Tenant-ID": TENANT! };
const client = createClient<paths>({ baseUrl: baseUrl!, headers: { Authorization: `Bearer ${TOKEN}` } });
const approver = createClient<paths>({ baseUrl: baseUrl!, headers: { Authorization: `Bearer ${APPROVER}` } });

/** Returns the data of a success. */
function ok<T>(result: { data?: T; error?: unknown; response: Response }, status = 200): T {
  assert.equal(result.response.status, status, JSON.stringify(result.error));
  return result.data as T;
}

// The connection.
const config = "/v1/integrations/aws-identity-center/config";
const connection = ok(await client.GET(config, { params: { header } }));
assert.equal(connection.configured, true);
const { sso_instance_arn, role_arn, region } = connection;
const saved = await client.PUT(config, {
  params: { header },
  body: { sso_instance_arn: sso_instance_arn!, role_arn: role_arn!, region: region! },
});
assert.deepEqual(ok(saved), connection);
const etag = saved.response.headers.get("etag")!;
const stale = await client.PUT(config, {
  params: { header: { ...header, "If-Match": '"9999"' } },
  body: { sso_instance_arn: "", role_arn: "", region: "" },
});
assert.equal(stale.response.status, 412);
assert.equal(stale.error?.code satisfies Code | undefined, "precondition_failed");
assert.ok(etag);
const wrong = await client.PUT(config, {
  params: { header },
  body: { sso_instance_arn: "instance", role_arn: "role", region: "here" },
});
const details: Record<string, unknown> = (wrong.error as components["schemas"]["IntegrationError"]).details!;
assert.deepEqual(Object.keys(details).sort(), ["region", "role_arn", "sso_instance_arn"]);
const report = ok(await client.POST("/v1/integrations/aws-identity-center/test", { params: { header } }));
assert.equal(report.success, true, JSON.stringify(report.checks));
assert.ok(report.checks.every((check) => check.status === "pass"));

// The identity provider and its certificates.
const store = { identity_store_id: STORE! };
const idp = "/v1/identity-stores/{identity_store_id}/external-idp";
const body = {
  idp_saml_config: { entity_id: "https://idp.example.com/m", login_url: "https://idp.example.com/sso" },
  idp_certificate: PEM!,
};
const preview = ok(await client.POST(`${idp}/preview`, { params: { path: store }, body }));
assert.equal(preview.certificates[0]?.usable, true);
const created = ok(await client.POST(idp, { params: { path: store }, body }), 201);
const provider = { ...store, idp_id: created.idp_id };
ok(await client.POST(`${idp}/{idp_id}/enable`, { params: { path: provider } }));
const listed = ok(await client.GET(`${idp}/{idp_id}/certificate`, { params: { path: provider } }));
assert.equal(listed.idp_certificates[0]?.x509_Certificate_in_pem, PEM);
const last = await client.DELETE(`${idp}/{idp_id}/certificate/{certificate_id}`, {
  params: { path: { ...provider, certificate_id: created.idp_certificate_id } },
});
assert.equal(last.error?.error_code satisfies components["schemas"]["IdentitySourceError"]["error_code"] | undefined, "IIC.1007");
ok(await client.POST(`${idp}/{idp_id}/disable`, { params: { path: provider } }));
ok(await client.DELETE(`${idp}/{idp_id}`, { params: { path: provider } }));

// A configuration, and a version that another credential approves.
const organisation = { OrganisationId: `story-${Date.now()}` };
ok(await client.POST("/organisations", { body: { ...organisation, OrganisationName: "Acme" } }), 201);
const servers = "/organisations/{OrganisationId}/authorisationservers";
const server = ok(
  await client.POST(servers, { params: { path: organisation }, body: { CustomerFriendlyName: "Acme SSO" } }),
  201,
);
const serverPath = { ...organisation, AuthorisationServerId: server.AuthorisationServerId };
const configurations = `${servers}/{AuthorisationServerId}/sso-configuration` as const;
const configuration = ok(
  await client.POST(configurations, {
    params: { path: serverPath },
    body: { DisplayName: "Acme", Contacts: ["it@acme.example"] },
  }),
  201,
);
const configurationPath = { ...serverPath, ssoConfigurationId: configuration.ID };
const content = {
  ClientID: "acme",
  RestrictedDomains: ["*"],
  SupportedDomains: [],
  GroupClaim: "groups",
  AuthenticationPolicies: ["TWO_FACTOR" as const],
};
const version = ok(
  await client.POST(`${configurations}/{ssoConfigurationId}/versions`, {
    params: { path: configurationPath },
    body: content,
  }),
  201,
);
assert.equal(version.Status, "Pending");
const versionPath = { ...configurationPath, versionId: version.ID };
const update = { params: { path: versionPath }, body: { ...content, Status: "Active" as const } };
const own = await client.PUT(`${configurations}/{ssoConfigurationId}/versions/{versionId}`, update);
assert.equal(own.response.status, 403);
const active = ok(await approver.PUT(`${configurations}/{ssoConfigurationId}/versions/{versionId}`, update));
assert.equal(active.Status, "Active");
const page = ok(await client.GET(configurations, { params: { path: serverPath, query: { size: 5 } } }));
assert.deepEqual(page.content.map((row) => row.ID), [configuration.ID]);

// Keys, policies, the audit log.
const key = ok(await client.POST("/v1/api-keys", { params: { header }, body: { name: "story", roles: ["viewer"] } }), 201);
assert.ok(key.token);
ok(await client.DELETE("/v1/api-keys/{id}", { params: { header, path: { id: key.id } } }), 204);
const text = 'forbid (principal, action in Trustplane::Action::"write", resource is Trustplane::Integration);';
const policy = ok(
  await client.PUT("/v1/policies/{id}", { params: { header, path: { id: "freeze" } }, body: { text, enabled: true } }),
);
assert.equal(policy.text, text);
const frozen = await client.DELETE(config, { params: { header } });
assert.equal(frozen.error?.code, "forbidden");
ok(await client.DELETE("/v1/policies/{id}", { params: { header, path: { id: "freeze" } } }), 204);
const log = ok(await client.GET("/v1/audit-log", { params: { header, query: { limit: 5, outcome: "denied" } } }));
assert.equal(log.data[0]?.action, "delete-identity-center-config");

// A webhook, its secret, and its deliveries.
const hooks = "/v1/webhooks";
const hook = ok(
  await client.POST(hooks, { params: { header }, body: { url: RECEIVER!, events: ["api-key.*"], description: "Story" } }),
  201,
);
assert.match(hook.secret!, /^whsec_/);
const hookParams = { params: { header, path: { id: hook.id } } };
const shown = await client.GET(`${hooks}/{id}`, hookParams);
assert.equal(ok(shown).enabled, true);
const test = ok(await client.POST(`${hooks}/{id}/test`, hookParams));
assert.equal(test.status satisfies components["schemas"]["WebhookTest"]["status"], "succeeded");
assert.equal(test.response?.status_code, 204);
const rotated = ok(
  await client.POST(`${hooks}/{id}/rotate-secret`, { ...hookParams, body: { overlap_seconds: 60 } }),
);
assert.notEqual(rotated.secret, hook.secret);
const inside = await client.POST(hooks, { params: { header }, body: { url: "https://10.0.0.1/", events: ["*"] } });
assert.equal(inside.error?.code, "invalid_request");
const deliveries = ok(await client.GET(`${hooks}/{id}/deliveries`, hookParams));
assert.equal(deliveries.has_more, false);
ok(await client.DELETE(`${hooks}/{id}`, hookParams), 204);

// A setup link, and what its session may do.
const links = "/v1/setup-links";
const link = ok(
  await client.POST(links, { params: { header }, body: { label: "Ada at Acme", sections: ["identity-provider"] } }),
  201,
);
const visitor = createClient<paths>({ baseUrl: baseUrl! });
const secrets = { secret: link.url!.split("#")[1]!, session_secret: randomBytes(32).toString("base64url") };
const session = ok(await visitor.POST("/v1/setup-sessions", { body: secrets }), 201);
const customer = createClient<paths>({ baseUrl: baseUrl!, headers: { Authorization: `Bearer ${session.token}` } });
ok(await customer.GET(idp, { params: { path: store } }));
const outside = await customer.GET("/v1/audit-log", { params: { header } });
assert.equal(outside.error?.code, "forbidden");
const linkParams = { params: { header, path: { id: link.id } } };
assert.equal(ok(await client.GET(`${links}/{id}`, linkParams)).sessions.length, 1);
ok(await client.DELETE(`${links}/{id}`, linkParams), 204);
const ended = await customer.GET(idp, { params: { path: store } });
assert.equal(ended.response.status, 401);
console.log("TypeScript client: as expected");
