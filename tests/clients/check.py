"""Huawei Cloud's own SDKs, unmodified, against `cargo local`.

Starts the local stack on data of its own, has its API make an access key pair and a temporary one, and goes through every
operation of the identity source API with the Python SDK here and with the Node SDK in `node/check.js`. The libraries of
Standard Webhooks verify what a webhook brings.

    python -m venv target/clients && target/clients/bin/pip install -r tests/clients/requirements.txt
    (cd tests/clients/node && npm install)   # or elsewhere, with the folder as the second argument below
    cargo build --workspace
    target/clients/bin/python tests/clients/check.py target/debug/local
"""

import json
import os
import subprocess
import sys
import tempfile

import certificates
import store
import webhooks
from local import Local

# Where `check.js` and what it needs are installed.
NODE = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "node")


def node(local, key, pems):
    """The same with the Node SDK."""
    environment = {
        **os.environ,
        "URL": local.url,
        "STORE": local.store,
        "KEY": json.dumps(key),
        "PEMS": json.dumps(pems),
    }
    subprocess.run(["node", "check.js"], cwd=NODE, env=environment, check=True)


def main(command):
    with tempfile.TemporaryDirectory() as data:
        local = Local(command, data)
        try:
            lasting = local.post("/v1/api-keys", {"name": "sdk", "kind": "access_key", "roles": ["admin"]})
            temporary = local.post("/v1/api-keys/temporary", {"roles": ["admin"]})
            for kind, key in (("an access key", lasting), ("a temporary access key", temporary)):
                operations = store.check(local, key)
                print(f"Python SDK with {kind}: {operations} calls as expected")
                node(local, key, certificates.certificates())
                print(f"Node SDK with {kind}: as expected")
            secret, message = webhooks.check(local, data)
            environment = {**os.environ, "SECRET": secret, "MESSAGE": json.dumps(message)}
            subprocess.run(["node", "webhook.js"], cwd=NODE, env=environment, check=True)
            print("Standard Webhooks for Python and Node: verified")
        finally:
            local.end()


if __name__ == "__main__":
    main(sys.argv[1])
