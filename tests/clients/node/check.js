// Every operation on an identity store with the Node SDK; `check.py` runs it. There is no Node SDK for instances.
"use strict";

const assert = require("node:assert");
const { BasicCredentials } = require("@huaweicloud/huaweicloud-sdk-core");
const sdk = require("@huaweicloud/huaweicloud-sdk-identitycenterstore/v1/public-api");

const { URL: endpoint, STORE: store } = process.env;
const key = JSON.parse(process.env.KEY);
const [first, second, third] = JSON.parse(process.env.PEMS);

const credentials = new BasicCredentials()
  .withAk(key.access_key_id)
  .withSk(key.secret_access_key)
  .withProjectId("a-project");
if (key.security_token) {
  credentials.withSecurityToken(key.security_token);
}
const client = sdk.IdentityCenterStoreClient.newBuilder().withCredential(credentials).withEndpoint(endpoint).build();

/** A request of this kind for the store; `fields` are its others. */
function request(kind, fields = {}) {
  const made = Object.assign(new sdk[kind](store), fields);
  return key.security_token ? made.withXSecurityToken(key.security_token) : made;
}

/** The error of a call that has to be refused with this status and code. */
async function refused(call, status, code) {
  const error = await call.then(
    (reply) => assert.fail(`not refused: ${JSON.stringify(reply)}`),
    (error) => error,
  );
  assert.deepStrictEqual([error.httpStatusCode, error.errorCode], [status, code], String(error.errorMsg));
  assert.ok(error.requestId && error.errorMsg);
}

async function provider() {
  const body = new sdk.CreateIDPReqBody()
    .withIdpSamlConfig({ entity_id: "https://idp.example.com/saml", login_url: "https://idp.example.com/sso" })
    .withIdpCertificate(first);
  const create = () =>
    client.createExternalIdPConfigurationForDirectory(
      request("CreateExternalIdPConfigurationForDirectoryRequest").withBody(body),
    );
  const made = await create();
  assert.strictEqual(made.httpStatusCode, 201);
  assert.deepStrictEqual(made.idp_certificate_ids, [made.idp_certificate_id]);
  await refused(create(), 409, "IIC.1328");
  const idpId = made.idp_id;
  const shown = async () => {
    const kind = "ListExternalIdPConfigurationsForDirectoryRequest";
    return (await client.listExternalIdPConfigurationsForDirectory(request(kind))).associations;
  };
  assert.deepStrictEqual((await shown())[0].idp_certificate_ids, [
    { certificate_id: made.idp_certificate_id, status: "ACTIVE" },
  ]);

  const settings = new sdk.UpdateExternalIdPConfigurationForDirectoryReqBody()
    .withEntityId("urn:example:idp")
    .withLoginUrl("https://login.example.com/");
  await client.updateExternalIdPConfigurationForDirectory(
    request("UpdateExternalIdPConfigurationForDirectoryRequest", { idpId }).withBody(settings),
  );
  assert.strictEqual((await shown())[0].idp_saml_config.entity_id, "urn:example:idp");
  await client.enableExternalIdPConfigurationForDirectory(
    request("EnableExternalIdPConfigurationForDirectoryRequest", { idpId }),
  );
  assert.strictEqual((await shown())[0].is_enabled, true);

  const imported = (pem) => {
    const body = new sdk.ImportExternalIdPCertificateReqBody()
      .withX509CertificateInPem(pem)
      .withCertificateUse("SIGNING");
    return client.importExternalIdPCertificate(
      request("ImportExternalIdPCertificateRequest", { idpId }).withBody(body),
    );
  };
  const added = await imported(second);
  assert.strictEqual(added.httpStatusCode, 200);
  await refused(imported(second), 409, "IIC.1007");
  await refused(imported("x"), 400, "IIC.400");
  const listed = await client.listExternalIdPCertificates(request("ListExternalIdPCertificatesRequest", { idpId }));
  assert.deepStrictEqual(
    listed.idp_certificates.map((one) => one.x509_Certificate_in_pem),
    [first, second],
  );
  const remove = (certificateId) =>
    client.deleteExternalIdPCertificate(request("DeleteExternalIdPCertificateRequest", { idpId, certificateId }));
  // Huawei Cloud takes two certificates; here a third is welcome, since providers publish more while they rotate.
  const extra = await imported(third);
  await remove(extra.certificate_id);
  await remove(made.idp_certificate_id);
  await refused(remove(added.certificate_id), 409, "IIC.1007");
  const gone = () =>
    client.deleteExternalIdPConfigurationForDirectory(
      request("DeleteExternalIdPConfigurationForDirectoryRequest", { idpId }),
    );
  await refused(gone(), 400, "IIC.1329");
  await client.disableExternalIdPConfigurationForDirectory(
    request("DisableExternalIdPConfigurationForDirectoryRequest", { idpId }),
  );
  await gone();
  assert.deepStrictEqual(await shown(), []);
}

async function serviceProvider() {
  const create = () => client.createSpCertificate(request("CreateSpCertificateRequest"));
  const activate = (certificateId) =>
    client.updateSpActiveCertificate(request("UpdateSpActiveCertificateRequest", { certificateId }));
  const remove = (certificateId) =>
    client.deleteSpCertificate(request("DeleteSpCertificateRequest", { certificateId }));
  const states = async () => {
    const listed = await client.listSpCertificates(request("ListSpCertificatesRequest"));
    // The SDK puts the status beside the elements of the array.
    return Object.values(listed).filter((one) => one && one.certificate_id);
  };
  assert.deepStrictEqual(await states(), []);
  const one = await create();
  assert.deepStrictEqual([one.httpStatusCode, one.state, one.algorithm], [201, "INACTIVE", "SHA256withRSA"]);
  await activate(one.certificate_id);
  const config = await client.getSpConfigurationForDirectory(request("GetSpConfigurationForDirectoryRequest"));
  const body = one.x509certificate.split("\n").filter((line) => !line.startsWith("-----")).join("");
  assert.ok(config.sp_saml_config.metadata.includes(body));
  const other = await create();
  await refused(create(), 409, "IIC.1007");
  await activate(other.certificate_id);
  await remove(one.certificate_id);
  assert.deepStrictEqual(
    (await states()).map((known) => [known.certificate_id, known.state]),
    [[other.certificate_id, "ACTIVE"]],
  );
  // Nobody signs in through a provider, so nothing is signed by it.
  await remove(other.certificate_id);
  assert.deepStrictEqual(await states(), []);
}

provider()
  .then(serviceProvider)
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
