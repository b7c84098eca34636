"""SAML metadata: an identity provider's that pysaml2 writes, and a service provider's that it and the schemas read."""

import base64
import hashlib
import json
import os
import tempfile

import saml2.data
import xmlschema
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
import saml2.metadata
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, config

import certificates

# What algorithms xmlsec1 knows is asked of its program, which is not needed for anything else here.
saml2.metadata.algorithm_support_in_metadata = lambda _: []

SCHEMAS = os.path.join(os.path.dirname(saml2.data.__file__), "schemas")


def schema():
    """The SAML 2.0 metadata schema with those that it imports, from pysaml2's copies: nothing is fetched."""
    path = os.path.join(SCHEMAS, "saml-schema-metadata-2.0.xsd")
    locations = {
        "http://www.w3.org/2000/09/xmldsig#": os.path.join(SCHEMAS, "xmldsig-core-schema.xsd"),
        "http://www.w3.org/2001/04/xmlenc#": os.path.join(SCHEMAS, "xenc-schema.xsd"),
        "urn:oasis:names:tc:SAML:2.0:assertion": os.path.join(SCHEMAS, "saml-schema-assertion-2.0.xsd"),
        "http://www.w3.org/XML/1998/namespace": os.path.join(SCHEMAS, "xml.xsd"),
    }
    return xmlschema.XMLSchema(path, locations=locations, allow="local")


def identity_provider(folder, wants_signed, bindings):
    """Metadata of an identity provider, and its certificate."""
    key = rsa.generate_private_key(65537, 2048)
    certificate = certificates.make(key)
    paths = [os.path.join(folder, name) for name in ("key.pem", "certificate.pem")]
    private = key.private_bytes(
        certificates.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    for path, content in zip(paths, (private, certificate.public_bytes(certificates.PEM))):
        with open(path, "wb") as file:
            file.write(content)
    settings = config.IdPConfig().load({
        "entityid": "https://idp.example.com/metadata?a=1&b=2",
        "key_file": paths[0],
        "cert_file": paths[1],
        "encryption_keypairs": [{"key_file": paths[0], "cert_file": paths[1]}],
        "xmlsec_binary": "/bin/true",
        "service": {"idp": {
            "name": "Example & Sons",
            "want_authn_requests_signed": wants_signed,
            "endpoints": {"single_sign_on_service": bindings},
        }},
    })
    return str(saml2.metadata.entity_descriptor(settings)), certificate


def check(ask, expect):
    redirect = ("https://idp.example.com/sso/redirect?x=1&y=2", BINDING_HTTP_REDIRECT)
    post = ("https://idp.example.com/sso/post", BINDING_HTTP_POST)
    rules = schema()
    with tempfile.TemporaryDirectory() as folder:
        cases = []
        for wants_signed in (True, False):
            for bindings in ([post, redirect], [post]):
                text, certificate = identity_provider(folder, wants_signed, bindings)
                rules.validate(text)
                digest = hashlib.sha256(certificate.public_bytes(certificates.DER)).hexdigest()
                cases.append((text, {
                    "entity_id": "https://idp.example.com/metadata?a=1&b=2",
                    "login_url": bindings[-1][0],
                    "want_request_signed": wants_signed,
                    "fingerprints": [digest],
                }))
        answers = json.loads(ask("identity-providers", [text for text, _ in cases]))
        for number, ((_, wanted), answer) in enumerate(zip(cases, answers)):
            facts = answer.get("is", answer)
            expect(f"metadata of identity provider {number}", facts, wanted)

        keys = [certificates.make(ec.generate_private_key(ec.SECP256R1())) for _ in range(2)]
        for count in range(3):
            wanted = {
                "entity_id": 'https://sp.example.com/d-1?a="1"&b=<2>',
                "acs_url": "https://sp.example.com/acs?x='1'&y=2",
                "certificates": [
                    base64.b64encode(key.public_bytes(certificates.DER)).decode() for key in keys[:count]],
            }
            text = ask("service-provider", wanted)
            errors = [str(error.reason) for error in rules.iter_errors(text)]
            expect(f"schema of a service provider with {count} certificates", errors, [])
            expect(f"import of a service provider with {count} certificates", imported(folder, text), wanted)


def imported(folder, text):
    """What pysaml2, as an identity provider, has learnt of the service provider."""
    from saml2.mdstore import MetaDataFile

    path = os.path.join(folder, "sp.xml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    store = MetaDataFile(None, path)
    store.load()
    (entity_id,) = store.keys()
    services = store.service(entity_id, "spsso_descriptor", "assertion_consumer_service", BINDING_HTTP_POST)
    found = store.certs(entity_id, "spsso", "signing")
    return {
        "entity_id": entity_id,
        "acs_url": services[0]["location"],
        "certificates": ["".join(certificate.split()) for _, certificate in found],
    }
