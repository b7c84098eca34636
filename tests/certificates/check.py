"""Checks what Trustplane reads and writes against other implementations, field by field.

Certificates are generated here, plain ones by `cryptography` and odd ones by the OpenSSL command or by changing their
DER, and read by `cryptography` and, where a JDK is installed, by Java; identity providers' metadata is written and a
service provider's read by pysaml2, which brings the SAML schemas; requests are signed by Huawei Cloud's SDK.

    python -m venv target/check && target/check/bin/pip install -r tests/certificates/requirements.txt
    cargo build --package trustplane-certificates
    target/check/bin/python tests/certificates/check.py target/debug/show-certificates
"""

import json
import subprocess
import sys

import certificates
import metadata
import signatures

PASSED, FAILED = [], []


def expect(name, got, wanted):
    """Notes whether `got` is `wanted`, and says so if not."""
    if got == wanted:
        PASSED.append(name)
    else:
        FAILED.append(name)
        print(f"FAILED {name}\n  got    {str(got)[:600]}\n  wanted {str(wanted)[:600]}")


def main(command):
    def ask(kind, argument):
        """What the program `command` makes of `argument`."""
        text = json.dumps(argument)
        return subprocess.run([command, kind], input=text, capture_output=True, text=True, check=True).stdout

    for part in (certificates, metadata, signatures):
        part.check(ask, expect)
    print(f"{len(PASSED)} passed, {len(FAILED)} failed")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
