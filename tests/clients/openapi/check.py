"""Clients that are generated from openapi.json, against `cargo local`.

Generates a TypeScript client (openapi-typescript, openapi-fetch) and a Python client (openapi-python-client), and tells the same
story with both: `story.ts`, `story.py`. A wrong schema does not compile, or cannot be parsed. Then Schemathesis compares the
document with the service.

    check.py LOCAL OPENAPI NODE PYTHON

LOCAL is the program of the local stack, NODE a folder with this folder's files after `npm ci`, PYTHON an environment with the
packages of `requirements.txt`.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import certificates  # noqa: E402
from local import Local  # noqa: E402


def typescript(openapi, node, environment):
    run = lambda *command: subprocess.run(["npx", "--no-install", *command], cwd=node, check=True)  # noqa: E731
    run("openapi-typescript", openapi, "-o", "schema.d.ts")
    run("tsc", "-p", "tsconfig.json")
    subprocess.run(["node", "story.js"], cwd=node, env=environment, check=True)


def python(openapi, folder, bin, environment):
    command = ["generate", "--path", openapi, "--output-path", folder / "client", "--config", HERE / "client.yaml"]
    subprocess.run([bin / "openapi-python-client", *command, "--fail-on-warning"], check=True)
    environment = {**environment, "PYTHONPATH": str(folder / "client")}
    subprocess.run([bin / "python", HERE / "story.py"], env=environment, check=True)


def schemathesis(openapi, bin, local):
    """Sends requests that fit the document, and requests that do not: `schemathesis.toml`."""
    token = local.credential(name="schemathesis", roles=["admin", "approver"])["token"]
    # The folder has the configuration.
    subprocess.run(
        [bin / "schemathesis", "run", openapi, "--url", local.url, "--phases", "examples,coverage,fuzzing",
         "--header", f"Authorization: Bearer {token}", "--header", f"X-Tenant-ID: {local.tenant}"],
        cwd=HERE, check=True)


def main(command, openapi, node, environment):
    openapi = pathlib.Path(openapi).resolve()
    with tempfile.TemporaryDirectory() as data:
        local = Local(command, os.path.join(data, "local"))
        try:
            variables = {
                **os.environ,
                "URL": local.url,
                "TENANT": local.tenant,
                "TOKEN": local.token,
                "APPROVER": local.credential(name="approver", roles=["approver"])["token"],
                "STORE": local.store,
                "RECEIVER": local.receiver,
                "PEM": certificates.certificate(),
            }
            typescript(openapi, node, variables)
            bin = pathlib.Path(environment).resolve() / "bin"
            python(openapi, pathlib.Path(data), bin, variables)
            schemathesis(openapi, bin, local)
        finally:
            local.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
