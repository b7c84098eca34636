"""Transforms the template as AWS does, with SAM's own translator, and holds the limits of CloudFormation.

usage: transform.py, with the Python of an environment that has aws-sam-cli
"""

import json
import pathlib
import re
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
# CloudFormation permits 500 resources and 1 MB. The rest is room for the next release.
RESOURCES, BYTES = 480, 900_000
# The names of SAM's bucket and of a package have these lengths.
CODE = "s3://aws-sam-cli-managed-default-samclisourcebucket-0123456789ab/trustplane/" + 32 * "0"
# SAM says at each endpoint that it has no authorizer. Each checks credentials itself.
STATEFUL = {
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
}


class NoPolicies:
    """The managed policies that SAM looks up by name. The template names none."""

    def load(self):
        return {}


def names(value):
    """Yields the names that a value refers to."""
    if isinstance(value, list):
        for each in value:
            yield from names(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Ref":
                yield each
            elif key == "Fn::GetAtt":
                yield (each if isinstance(each, list) else each.split("."))[0]
            elif key == "Fn::Sub":
                text, local = (each[0], each[1]) if isinstance(each, list) else (each, {})
                used = re.findall(r"\$\{([^!}.]+)[^}]*\}", text)
                yield from (name for name in used if name not in local)
                yield from names(list(local.values()))
            elif key == "DependsOn":
                yield from each if isinstance(each, list) else [each]
            else:
                yield from names(each)


def main() -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    source = len((ROOT / "template.yaml").read_bytes())
    template["Globals"]["Function"].pop("CodeUri")
    functions = [each for each in template["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]
    for function in functions:
        function["Properties"]["CodeUri"] = CODE
    transformed = transform(template, {}, NoPolicies())
    resources = transformed["Resources"]
    size = len(json.dumps(transformed))
    print(f"{len(functions)} functions, {len(resources)} resources, {size} bytes; {source} bytes before the transform")
    faults = []
    if len(resources) > RESOURCES:
        faults.append(f"more than {RESOURCES} resources")
    if max(size, source) > BYTES:
        faults.append(f"more than {BYTES} bytes")
    lambdas = [each for each in resources.values() if each["Type"] == "AWS::Lambda::Function"]
    if len(lambdas) != len(functions):
        faults.append(f"{len(lambdas)} Lambda functions")
    for name, resource in resources.items():
        if resource["Type"] in STATEFUL and resource.get("DeletionPolicy") != "Retain":
            faults.append(f"{name} holds state and is deleted with the stack")
        if resource["Type"] == "AWS::KMS::Key" and resource["Properties"].get("MultiRegion") is not True:
            faults.append(f"{name} has no replica in another region")
    known = {*resources, *transformed["Parameters"]}
    for part in ("Resources", "Outputs"):
        for name, each in transformed[part].items():
            unknown = {used for used in names(each) if used not in known and not used.startswith("AWS::")}
            if unknown:
                faults.append(f"{name} refers to {sorted(unknown)}, which do not exist")
    undecided = sorted(name for name, each in template["Parameters"].items() if "Default" not in each)
    if undecided != ["AlarmReceiver", "RedirectBase", "SamlBase"]:
        faults.append(f"parameters without a default: {undecided}")
    if faults:
        sys.exit("the transformed template: " + "; ".join(faults))


main()
