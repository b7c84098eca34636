"""PUT /v1/integrations/aws-identity-center/config."""
import re

from aws_lambda_powertools.event_handler import Response
from shared import Refused, app, body, lambda_handler, read, write

__all__ = ["lambda_handler"]

KEY = "CONFIG"
PATTERNS = {
    "sso_instance_arn": re.compile(r"arn:(aws(?:-[a-z]{1,5}){0,3}):sso:::instance/(?:sso)?ins-[a-zA-Z0-9.-]{16,}"),
    "role_arn": re.compile(r"arn:(aws(?:-[a-z]{1,5}){0,3}):iam::\d{12}:role/[\w+=,.@/-]{1,576}", re.ASCII),
    "region": re.compile(r"(?:[a-z]+-){2,3}\d", re.ASCII),
}


def partition(region):
    prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "aws")


@app.put("/v1/integrations/aws-identity-center/config")
def put():
    tenant, caller, before = read(KEY, "admin")
    values = dict(zip(PATTERNS, body(**dict.fromkeys(PATTERNS, str))))
    matches = {name: pattern.fullmatch(values[name]) for name, pattern in PATTERNS.items()}
    wrong = [name for name, match in matches.items() if values[name] and not match]
    if wrong or len(values["sso_instance_arn"]) > 1224:
        raise Refused(400, "not valid: " + ", ".join(wrong or ["sso_instance_arn"]))
    partitions = {match[1] for name, match in matches.items() if match and name != "region"}
    if values["region"]:
        partitions.add(partition(values["region"]))
    if len(partitions) > 1:
        raise Refused(400, "the values are of different partitions")
    saved = {name: value or None for name, value in values.items()}
    write(tenant, caller, "put-config", KEY, before, saved)
    return {**saved, "configured": bool(saved["sso_instance_arn"] and saved["role_arn"])}


@app.exception_handler(Refused)
def refused(error):
    return Response(error.status, "application/json", {"code": str(error.status), "message": error.message})
