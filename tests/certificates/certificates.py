"""Certificates: a corpus, and what `cryptography` and Java say of it."""

import base64
import datetime
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
UTC = datetime.timezone.utc

# RFC 2253, section 2.3. All other types are written as numbers.
KEYWORDS = {
    "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
    "2.5.4.11": "OU", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
}
CODECS = {_ASN1Type.BMPString: "utf_16_be", _ASN1Type.T61String: "latin-1"}


def name(*attributes):
    return x509.Name([x509.NameAttribute(*attribute) for attribute in attributes])


SIMPLE = name((NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, "Example"), (NameOID.COMMON_NAME, "IdP"))


def make(key, digest=hashes.SHA256(), subject=SIMPLE, issuer=None, serial=None, begin=None, end=None, public=None,
         rsa_padding=None, extensions=()):
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(public or key.public_key())
        .serial_number(serial if serial is not None else x509.random_serial_number())
        .not_valid_before(begin or datetime.datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(end or datetime.datetime(2045, 1, 1, tzinfo=UTC))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, digest, rsa_padding=rsa_padding)


def openssl(*arguments, text=None):
    made = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=True)
    return made.stdout


def der_of(pem):
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(DER)


def armoured(der, label="CERTIFICATE"):
    text = base64.encodebytes(der).decode().replace("\n", "")
    lines = "\n".join(text[at:at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def good(folder):
    """Name and PEM of certificates that are read."""
    rsa2048 = rsa.generate_private_key(65537, 2048)
    p256 = ec.generate_private_key(ec.SECP256R1())
    yield "rsa 2048", make(rsa2048)
    yield "rsa 3072, sha384", make(rsa.generate_private_key(65537, 3072), hashes.SHA384())
    yield "rsa 4096, exponent 3, sha512", make(rsa.generate_private_key(3, 4096), hashes.SHA512())
    yield "rsa, sha224", make(rsa2048, hashes.SHA224())
    yield "rsa, sha3-256", make(rsa2048, hashes.SHA3_256())
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()):
        for digest in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA3_384()):
            yield f"{curve.name}, {digest.name}", make(ec.generate_private_key(curve), digest)
    yield "ed25519", make(ed25519.Ed25519PrivateKey.generate(), None)
    yield "ed448", make(ed448.Ed448PrivateKey.generate(), None)
    for digest in (hashes.SHA256(), hashes.SHA512()):
        pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
        yield f"pss signature, {digest.name}", make(rsa2048, digest, rsa_padding=pss)
    dsa_key = dsa.generate_private_key(2048)
    yield "issued under dsa", make(dsa_key, public=p256.public_key())
    for bits in (8192, 16384):
        modulus = random.getrandbits(bits) | 1 | 1 << (bits - 1)
        public = rsa.RSAPublicNumbers(65537, modulus).public_key()
        yield f"huge key, {bits} bits", make(p256, public=public)

    for serial in (1, 127, 128, 255, 256, 2**63, 2**64, 2**127 - 1, 2**127, 2**128 - 1, 2**128, 2**159 - 1):
        yield f"serial {serial}", make(p256, serial=serial)

    for begin, end in (("1970-01-01", "2049-12-31"), ("2049-12-31", "2050-01-01"), ("2090-01-01", "2100-02-28"),
                       ("2020-02-29", "9999-12-31")):
        moments = [datetime.datetime.fromisoformat(f"{moment}T23:59:59+00:00") for moment in (begin, end)]
        yield f"valid {begin} to {end}", make(p256, begin=moments[0], end=moments[1])
    yield "expired", make(p256, begin=datetime.datetime(2000, 1, 1), end=datetime.datetime(2001, 1, 1))

    strings = _ASN1Type
    yield "utf-8 name", make(p256, subject=name((NameOID.COMMON_NAME, "Zoë 東京 😀"), (NameOID.LOCALITY_NAME, "Čáslav")))
    yield "bmp name", make(p256, subject=name((NameOID.COMMON_NAME, "東京 Ω", strings.BMPString)))
    yield "bmp name beyond the plane", make(p256, subject=name((NameOID.COMMON_NAME, "a😀b", strings.BMPString)))
    yield "teletex name", make(p256, subject=name((NameOID.COMMON_NAME, "plain", strings.T61String)))
    yield "ia5 and printable", make(p256, subject=name(
        (NameOID.DOMAIN_COMPONENT, "example", strings.IA5String), (NameOID.USER_ID, "u1", strings.PrintableString),
        (NameOID.STREET_ADDRESS, "1, Main St.")))
    yield "unnamed types", make(p256, subject=name(
        (NameOID.EMAIL_ADDRESS, "a@b.example", strings.IA5String), (NameOID.SERIAL_NUMBER, "12"), (NameOID.TITLE, "Dr"),
        (x509.ObjectIdentifier("1.2.3.4.5"), "x"), (NameOID.COMMON_NAME, "n")))
    yield "characters to escape", make(p256, subject=name(
        (NameOID.COMMON_NAME, " lead"), (NameOID.COMMON_NAME, "trail "), (NameOID.COMMON_NAME, "  "),
        (NameOID.ORGANIZATION_NAME, '#<a>; "b" = c\\d+e, f'), (NameOID.LOCALITY_NAME, "a\nb"),
        (NameOID.STATE_OR_PROVINCE_NAME, "a\0b")))
    yield "several in one part", make(p256, subject=x509.Name([
        x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "a"),
                                        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "bbbb"),
                                        x509.NameAttribute(NameOID.USER_ID, "c")]),
        x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")])]))
    yield "no subject", make(p256, subject=name(), issuer=SIMPLE)
    yield "no names", make(p256, subject=name())
    yield "extensions", make(p256, extensions=(
        x509.BasicConstraints(True, None), x509.SubjectKeyIdentifier.from_public_key(p256.public_key()),
        x509.SubjectAlternativeName([x509.DNSName("a.example"), x509.UniformResourceIdentifier("urn:x")]),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"anything")))

    def key(*options):
        path = os.path.join(folder, "key.pem")
        openssl("genpkey", "-out", path, *options)
        return path

    rsa_key = key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    pss_key = os.path.join(folder, "pss.pem")
    openssl("genpkey", "-out", pss_key, "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")

    def self_signed(path, *options, subject="/O=Example/CN=IdP"):
        return openssl("req", "-x509", "-new", "-key", path, "-days", "5000", "-subj", subject, *options)

    yield "md5", self_signed(rsa_key, "-md5")
    yield "sha1", self_signed(rsa_key, "-sha1")
    yield "pss signature, sha1", self_signed(rsa_key, "-sha1", "-sigopt", "rsa_padding_mode:pss")
    yield "pss key", self_signed(pss_key, "-sha256")
    yield "sha512/256", self_signed(rsa_key, "-sha512-256")
    for serial in ("0", "-1", "-128", "-129", "-0x7fffffffffffffffffffffffffffffffffffffff", "0x" + "5a" * 60,
                   "-0x" + "5a" * 100):
        yield f"serial {serial}", self_signed(rsa_key, "-set_serial", serial)


    # Keycloak's realm certificates are of version 1.
    asked = os.path.join(folder, "request.pem")
    openssl("req", "-new", "-key", rsa_key, "-subj", "/CN=realm", "-out", asked)
    for number in (0, 1, 3, 2**100):
        yield f"version 1, serial {number}", openssl(
            "x509", "-req", "-in", asked, "-signkey", rsa_key, "-days", "5000", "-set_serial", str(number))


def java_facts(ders):
    """Issuer, subject, signature algorithm, serial number, validity, public key as the JDK has them, or its refusal."""
    program = pathlib.Path(__file__).parent / "java" / "Facts.java"
    lines = "".join(base64.b64encode(der).decode() + "\n" for der in ders)
    made = subprocess.run(["java", str(program)], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    output = iter(made.stdout.splitlines())
    for line in output:
        if line.startswith("!"):
            yield line
        else:
            yield [base64.b64decode(value).decode() for value in [line, *(next(output) for _ in range(5))]]


def escaped(text):
    """RFC 2253, section 2.4."""
    out = "".join("\\00" if c == "\0" else "\\" + c if c in ',=+<>#;"\\' else c for c in text)
    lead = len(out) - len(out.lstrip(" "))
    if lead == len(out):
        return "\\ " * lead
    trail = len(out) - len(out.rstrip(" "))
    return "\\ " * lead + out[lead:len(out) - trail] + "\\ " * trail


def rfc2253(parsed):
    def attribute(item):
        keyword = KEYWORDS.get(item.oid.dotted_string)
        if keyword:
            return f"{keyword}={escaped(item.value)}"
        value = item.value.encode(CODECS.get(item._type, "utf-8"))
        return f"{item.oid.dotted_string}=#{item._type.value:02x}{len(value):02x}{value.hex()}"

    return ",".join("+".join(map(attribute, part)) for part in reversed(parsed.rdns))


def as_number(serial):
    """Where Go's 32-bit float and 128-bit integers hold it."""
    return serial if -(2**127) <= serial < 2**128 - 2**103 else None


def check_good(ask, expect):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        corpus = [(name, pem if isinstance(pem, str) else pem.public_bytes(PEM).decode()) for name, pem in good(folder)]
        answers = json.loads(ask("certificates", [pem for _, pem in corpus]))
        java = list(java_facts([der_of(pem) for _, pem in corpus])) if shutil.which("java") else None
        if java is None:
            print("java is not installed: names of algorithms are not compared")
        for at, ((name, pem), answer) in enumerate(zip(corpus, answers)):
            parsed = x509.load_pem_x509_certificate(pem.encode())
            weak = name.startswith(("md5", "sha1")) or name.endswith("sha1")
            spki = parsed.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo) \
                if name != "pss key" else None
            facts = answer.get("is", answer)
            wanted = {
                "fingerprint": hashlib.sha256(parsed.public_bytes(DER)).hexdigest(),
                "issuer_name": rfc2253(parsed.issuer),
                "not_after": round(parsed.not_valid_after_utc.timestamp()) * 1000,
                "not_before": round(parsed.not_valid_before_utc.timestamp()) * 1000,
                "public_key": base64.b64encode(spki).decode() if spki else facts.get("public_key"),
                "serial_number": as_number(parsed.serial_number),
                "serial_number_string": str(parsed.serial_number),
                "signature_algorithm_name": facts.get("signature_algorithm_name"),
                "subject_name": rfc2253(parsed.subject),
                "version": parsed.version.value + 1,
                "weak": weak,
                "pem": pem,
            }
            expect(name, facts, wanted)
            if java and isinstance(java[at], str):
                print(f"java refuses {name}: {java[at]}")
            elif java:
                issuer, subject, algorithm, serial, validity, key = java[at]
                java_wanted = {
                    "public_key": key,
                    "serial_number_string": serial,
                    "signature_algorithm_name": algorithm,
                    "not_before": int(validity.split()[0]),
                    "not_after": int(validity.split()[1]),
                }
                if "bmp" not in name:  # Java takes the bytes of a BMPString for UTF-8.
                    java_wanted |= {"issuer_name": issuer, "subject_name": subject}
                expect(f"{name}, by java", {field: facts.get(field) for field in java_wanted}, java_wanted)


def forms(pem):
    """The same certificate in other texts that are read."""
    body = "".join(pem.split("\n")[1:-2])
    yield "one line", pem.replace("\n", "")
    yield "crlf", pem.replace("\n", "\r\n")
    yield "cr", pem.replace("\n", "\r")
    yield "no last line break", pem.rstrip("\n")
    yield "text before and after", f"Bag Attributes\n  friendlyName: x\nsubject=CN = x\n{pem}\n\nthat was it\n"
    yield "openssl -text", openssl("x509", "-text", text=pem)
    yield "indented", "\n".join("    " + line for line in pem.split("\n"))
    yield "lines of 76", "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(base64.b64decode(body)).decode() \
        + "-----END CERTIFICATE-----"
    yield "byte order mark", "\ufeff" + pem
    yield "no padding", pem.replace("=", "")
    yield "x509 certificate", pem.replace("CERTIFICATE", "X509 CERTIFICATE")
    yield "bare base64", body
    yield "bare base64 in lines", base64.encodebytes(base64.b64decode(body)).decode()
    yield "byte order mark read as latin-1", "\ufeff".encode().decode("latin-1") + pem
    yield "trusted certificate without trust", pem.replace("CERTIFICATE", "TRUSTED CERTIFICATE")


def bad(pem, folder):
    """Texts that are refused, and a part of what is said."""
    der = der_of(pem)
    key = ec.generate_private_key(ec.SECP256R1())
    rsa_key = rsa.generate_private_key(65537, 2048)
    private = serialization.PrivateFormat
    plain = serialization.NoEncryption()
    password = serialization.BestAvailableEncryption(b"x")
    for form, encryption in ((private.PKCS8, plain), (private.PKCS8, password), (private.TraditionalOpenSSL, plain),
                             (private.OpenSSH, plain)):
        for one in (key, rsa_key):
            text = one.private_bytes(PEM, form, encryption).decode()
            yield "private key", text, "private key"
            yield "private key behind the certificate", pem + text, "private key"
            yield "private key as a certificate", text.replace("EC PRIVATE KEY", "CERTIFICATE").replace(
                "RSA PRIVATE KEY", "CERTIFICATE").replace("OPENSSH PRIVATE KEY", "CERTIFICATE").replace(
                "ENCRYPTED PRIVATE KEY", "CERTIFICATE").replace("PRIVATE KEY", "CERTIFICATE"), "private key"
            if form != private.OpenSSH:
                bare = base64.b64encode(one.private_bytes(DER, form, encryption)).decode()
                yield "private key without armour", f"{pem}\n{bare}", "private key"
    bundle = pkcs12.serialize_key_and_certificates(
        b"x", key, make(key), None, password)
    yield "pkcs 12", armoured(bundle), "private key"
    yield "bundle", pem + pem, "2 certificates"
    yield "pkcs 7", pkcs7.serialize_certificates(
        [x509.load_pem_x509_certificate(pem.encode())], PEM).decode(), "PKCS7"
    request = x509.CertificateSigningRequestBuilder().subject_name(SIMPLE).sign(key, hashes.SHA256())
    yield "request", request.public_bytes(PEM).decode(), "CERTIFICATE REQUEST"
    yield "request as a certificate", armoured(request.public_bytes(DER)), "no well-formed X.509"
    yield "public key", key.public_key().public_bytes(
        PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode(), "PUBLIC KEY"
    yield "trust settings", openssl("x509", "-trustout", "-addtrust", "emailProtection", text=pem), "more data behind"
    yield "trailing byte", armoured(der + b"\0"), "more data behind"
    yield "two in one block", armoured(der + der), "glued together"
    yield "two without armour", base64.b64encode(der + der).decode(), "glued together"
    yield "truncated", armoured(der[:-1]), "cut off"
    yield "half", armoured(der[:200]), "cut off"
    yield "empty", "", "is empty"
    yield "base64 of pem", base64.b64encode(pem.encode()).decode(), "base64 of a `-----BEGIN` text"
    yield "fingerprint", hashlib.sha256(der).hexdigest(), "is a fingerprint"
    yield "url", "https://idp.example.com/certificate.pem", "is a URL"
    yield "not base64", pem.replace("MII", "M*I", 1), "`*`"
    yield "no end", pem.split("-----END")[0], "without its"
    yield "too long", " " * 10_000 + pem, "longer than 10000"
    yield "escaped line breaks", pem.replace("\n", "\\n"), "backslash"
    yield "rsa 1024", make(rsa.generate_private_key(65537, 1024)).public_bytes(PEM).decode(), "1024 bits"
    public = rsa.RSAPublicNumbers(65537, random.getrandbits(20000) | 1 | 1 << 19999).public_key()
    yield "rsa 20000", make(key, public=public).public_bytes(PEM).decode(), "20000 bits"
    for curve in (ec.SECP224R1(), ec.SECP256K1(), ec.BrainpoolP256R1()):
        yield curve.name, make(ec.generate_private_key(curve)).public_bytes(PEM).decode(), "public key of the kind"
    yield "dsa", make(dsa.generate_private_key(2048)).public_bytes(PEM).decode(), "`DSA`"
    explicit = os.path.join(folder, "explicit.pem")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-param_enc", "explicit", "-out", explicit)
    yield "curve by parameters", openssl(
        "req", "-x509", "-new", "-key", explicit, "-subj", "/CN=x"), "public key of the kind"
    # The outer length in the indefinite form of BER.
    yield "ber", armoured(der[:1] + b"\x80" + der[4:] + b"\0\0"), "no well-formed X.509"
    yield "longer length than needed", armoured(der[:1] + b"\x83\0" + der[2:]), "no well-formed X.509"


def check(ask, expect):
    check_good(ask, expect)
    plain = make(rsa.generate_private_key(65537, 2048)).public_bytes(PEM).decode()
    texts = list(forms(plain))
    fingerprint = hashlib.sha256(der_of(plain)).hexdigest()
    for (name, text), answer in zip(texts, json.loads(ask("certificates", [text for _, text in texts]))):
        facts = answer.get("is", answer)
        expect(f"form: {name}", (facts.get("fingerprint"), facts.get("pem")), (fingerprint, text))
    with tempfile.TemporaryDirectory() as folder:
        faults = list(bad(plain, folder))
    for (name, text, part), answer in zip(faults, json.loads(ask("certificates", [text for _, text, _ in faults]))):
        expect(f"refused: {name}", part if part in answer.get("fault", "") else answer, part)
