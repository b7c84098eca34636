"""SAML metadata: an identity provider's that pysaml2 writes, and a service provider's that it and the schemas read."""

import base64
import datetime
import hashlib
import json
import os
import re
import tempfile
import urllib.parse
import xml.etree.ElementTree

import saml2.data
import xmlschema
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
import saml2.metadata
from saml2.mdstore import MetaDataFile
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
    check_corpus(ask, expect)
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
                    "left_out": [],
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


def check_corpus(ask, expect):
    """Compares each document of the corpus with what pysaml2, as a service provider, reads of it."""
    documents = json.loads(ask("corpus", None))
    with tempfile.TemporaryDirectory() as folder:
        for document in documents:
            facts = document["answer"].get("is", document["answer"])
            if "entity_id" not in facts:
                expect(f"import of {document['kind']}", facts, "facts")
                continue
            expect(f"facts of {document['kind']}", facts, independent_facts(folder, document["text"], facts))


def independent_facts(folder, text, facts):
    """The same facts by pysaml2 and `cryptography`."""
    path = os.path.join(folder, "idp.xml")
    # A byte order mark, also a misread one, is nothing that pysaml2 takes.
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.lstrip("\ufeff\u00ef\u00bb\u00bf\n"))
    store = MetaDataFile(None, path)
    store.load()
    (entity_id,) = [known for known in store.keys() if known.strip() == facts["entity_id"]]
    services = []
    for binding in (BINDING_HTTP_REDIRECT, BINDING_HTTP_POST):
        for service in store.service(entity_id, "idpsso_descriptor", "single_sign_on_service", binding) or []:
            services.append(urllib.parse.quote(service["location"].strip(), safe="%/:=&?~#+!$,;'@()*[]"))
    descriptor = store[entity_id]["idpsso_descriptor"][0]
    found = signing_certificates(path, entity_id)
    # pysaml2 keeps the last certificate of each X509Data.
    for _, certificate in store.certs(entity_id, "idpsso", "signing"):
        assert parsed_certificate(certificate) in found, certificate
    issuers = [one.issuer for one in found if one.issuer != one.subject]
    found = [one for one in found if one.subject not in issuers]
    now = datetime.datetime.now(datetime.timezone.utc)
    usable = [one for one in found if one.not_valid_after_utc > now and one.public_key().key_size >= 2048]

    def digests(ones):
        return [hashlib.sha256(one.public_bytes(certificates.DER)).hexdigest() for one in ones]

    return {
        "entity_id": entity_id.strip(),
        "login_url": next(location for location in services if location.startswith("https://")),
        "want_request_signed": descriptor.get("want_authn_requests_signed") in ("true", "1"),
        "fingerprints": digests(usable),
        "left_out": digests(one for one in found if one not in usable),
    }


def signing_certificates(path, entity_id):
    """All certificates for signing of an identity provider, in order and each once, by Python's own parser of XML."""
    metadata, signature = "{urn:oasis:names:tc:SAML:2.0:metadata}", "{http://www.w3.org/2000/09/xmldsig#}"
    found = []
    for entity in xml.etree.ElementTree.parse(path).getroot().iter(f"{metadata}EntityDescriptor"):
        for key in entity.findall(f"{metadata}IDPSSODescriptor/{metadata}KeyDescriptor"):
            if entity.get("entityID") == entity_id and key.get("use", "signing") == "signing":
                for element in key.iter(f"{signature}X509Certificate"):
                    parsed = parsed_certificate(element.text)
                    found += [] if parsed in found else [parsed]
    return found


def parsed_certificate(text):
    return x509.load_der_x509_certificate(base64.b64decode(re.sub(r"-----[A-Z ]+-----", "", text)))


def imported(folder, text):
    """What pysaml2, as an identity provider, has learnt of the service provider."""
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
