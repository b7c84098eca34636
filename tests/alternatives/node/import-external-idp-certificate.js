// POST /v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate.
import { X509Certificate, randomUUID } from "node:crypto";
import { Refused, body, handler as handle, isText, read, write } from "./shared.js";

const most = 10;

/** Returns the SHA-256 of a certificate that can be used. */
function fingerprint(pem) {
  if (pem.length > 10_000 || pem.includes("PRIVATE KEY")) {
    throw new Refused(400, "x509_certificate_in_pem is too long, or has a private key");
  }
  let certificate, key;
  try {
    if (pem.split("-----BEGIN").length !== 2) throw new Error("not one");
    certificate = new X509Certificate(pem);
    key = certificate.publicKey;
  } catch {
    throw new Refused(400, "x509_certificate_in_pem is not one X.509 certificate");
  }
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails;
  const curves = ["prime256v1", "secp384r1", "secp521r1"];
  const strong = modulusLength >= 2048 || curves.includes(namedCurve) || key.asymmetricKeyType === "ed25519";
  if (!strong || new Date(certificate.validTo) < new Date()) {
    throw new Refused(400, "the certificate has expired, or its key is too weak");
  }
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

async function imported(event, context) {
  const { identity_store_id: store, idp_id: idp } = event.pathParameters;
  if (!/^[\w.~-]+\/[\w.~-]+$/.test(`${store}/${idp}`)) {
    throw new Refused(400, "identity_store_id or idp_id is not valid");
  }
  const key = `IDP#${store}#${idp}`;
  const caller = await read(event, key, "admin");
  const { x509_certificate_in_pem: pem, certificate_use: use } =
    body(event, { x509_certificate_in_pem: isText, certificate_use: isText });
  if (use !== "SIGNING") throw new Refused(400, "certificate_use is not SIGNING");
  const digest = fingerprint(pem);
  const provider = caller.item;
  if (!provider) throw new Refused(404, "no such identity provider");
  if (digest in provider.certificates || Object.keys(provider.certificates).length >= most) {
    throw new Refused(409, `the provider has this certificate, or ${most} others`);
  }
  const id = randomUUID();
  const certificates = { ...provider.certificates, [digest]: { id, pem } };
  await write(caller, context, "import-certificate", key, { ...provider, certificates });
  return { certificate_id: id };
}

export const handler = handle(imported, ({ status, message }, { awsRequestId }) => ({
  error_code: `IIC.${status}`, error_msg: message, request_id: awsRequestId,
}));
