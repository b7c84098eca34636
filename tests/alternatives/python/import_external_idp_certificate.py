"""POST /v1/identity-stores/{identity_store_id}/external-idp/{idp_id}/certificate."""
import re
import uuid
from datetime import datetime, timezone

from aws_lambda_powertools.event_handler import Response
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from shared import Refused, app, body, lambda_handler, read, write

__all__ = ["lambda_handler"]

MOST = 10


def fingerprint(pem):
    """Returns the SHA-256 of a certificate that can be used."""
    if len(pem) > 10_000 or "PRIVATE KEY" in pem:
        raise Refused(400, "x509_certificate_in_pem is too long, or has a private key")
    try:
        [certificate] = x509.load_pem_x509_certificates(pem.encode())
        key = certificate.public_key()
    except ValueError as error:
        raise Refused(400, "x509_certificate_in_pem is not one X.509 certificate") from error
    strong = (isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048) or isinstance(
        key, ed25519.Ed25519PublicKey) or (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256)
    if not strong or certificate.not_valid_after_utc < datetime.now(timezone.utc):
        raise Refused(400, "the certificate has expired, or its key is too weak")
    return certificate.fingerprint(hashes.SHA256()).hex()


@app.post("/v1/identity-stores/<store>/external-idp/<idp>/certificate")
def imported(store, idp):
    if not re.fullmatch(r"[\w.~-]+/[\w.~-]+", f"{store}/{idp}", re.ASCII):
        raise Refused(400, "identity_store_id or idp_id is not valid")
    key = f"IDP#{store}#{idp}"
    tenant, caller, provider = read(key, "admin")
    pem, use = body(x509_certificate_in_pem=str, certificate_use=str)
    if use != "SIGNING":
        raise Refused(400, "certificate_use is not SIGNING")
    digest = fingerprint(pem)
    if provider is None:
        raise Refused(404, "no such identity provider")
    certificates = provider["certificates"]
    if digest in certificates or len(certificates) >= MOST:
        raise Refused(409, f"the provider has this certificate, or {MOST} others")
    certificate_id = str(uuid.uuid4())
    certificates = {**certificates, digest: {"id": certificate_id, "pem": pem}}
    write(tenant, caller, "import-certificate", key, provider, {**provider, "certificates": certificates})
    return {"certificate_id": certificate_id}


@app.exception_handler(Refused)
def refused(error):
    request_id = app.lambda_context.aws_request_id
    said = {"error_code": f"IIC.{error.status}", "error_msg": error.message, "request_id": request_id}
    return Response(error.status, "application/json", said)
