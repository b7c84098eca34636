"""`terraform fmt -check` and `terraform validate` of the module that customers are given, by Terraform itself; the AWS
provider's schema stands in for the provider, see provider.py. Broken copies have to be found invalid.

    python check.py FOLDER BINDINGS

FOLDER has role.tf, BINDINGS the unpacked wheel of cdktf-cdktf-provider-aws.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

# What is replaced, and by what: each a mistake that only a schema tells.
BROKEN = [
    ("max_session_duration = 3600", "max_session_seconds = 3600"),
    ("max_session_duration = 3600", 'max_session_duration = "an hour"'),
    ("assume_role_policy   = data.aws_iam_policy_document.trust.json", ""),
    ("data.aws_iam_policy_document.trust.json", "data.aws_iam_policy_document.trust.text"),
    ("identifiers = ", "identifier = "),
    ("principals {", "principal {"),
    ('resource "aws_iam_role_policy"', 'resource "aws_iam_role_polices"'),
    ("aws_iam_role.trustplane.arn", "aws_iam_role.trustplane.arns"),
]


def main(folder, bindings):
    module = (pathlib.Path(folder) / "role.tf").read_text()
    subprocess.run(["terraform", "fmt", "-check", "-diff", str(pathlib.Path(folder) / "role.tf")], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        run = Run(pathlib.Path(scratch), bindings)
        found = run.validate(module)
        assert found["valid"], found["diagnostics"]
        for right, wrong in BROKEN:
            assert right in module, f"the module has no `{right}`"
            assert not run.validate(module.replace(right, wrong))["valid"], f"`{wrong}` was found valid"
    print(f"valid, and {len(BROKEN)} broken copies are not")


class Run:
    def __init__(self, scratch, bindings):
        self.module = scratch / "module"
        self.module.mkdir()
        plugin = scratch / "terraform-provider-aws"
        provider = pathlib.Path(__file__).with_name("provider.py").resolve()
        plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{provider}" "$@"\n')
        plugin.chmod(0o755)
        settings = scratch / "terraform.rc"
        settings.write_text(f'provider_installation {{\n  dev_overrides {{\n    "hashicorp/aws" = "{scratch}"\n  }}\n  direct {{}}\n}}\n')
        self.environment = os.environ | {
            "AWS_PROVIDER_BINDINGS": str(pathlib.Path(bindings).resolve()),
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(settings),
        }

    def validate(self, module):
        (self.module / "role.tf").write_text(module)
        command = ["terraform", "validate", "-json"]
        done = subprocess.run(command, cwd=self.module, env=self.environment, capture_output=True, text=True)
        return json.loads(done.stdout)


main(*sys.argv[1:])
