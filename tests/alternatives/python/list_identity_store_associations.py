"""GET /v1/instances/{instance_id}/identity-store-associations."""
import re

from aws_lambda_powertools.event_handler import Response
from shared import Refused, app, lambda_handler, read

__all__ = ["lambda_handler"]


@app.get("/v1/instances/<instance_id>/identity-store-associations")
def associations(instance_id):
    if not re.fullmatch(r"[\w.~-]+", instance_id, re.ASCII):
        raise Refused(400, "instance_id is not valid")
    _, _, instance = read("INSTANCE#" + instance_id, "viewer")
    if instance is None:
        raise Refused(404, "no such instance")
    association = {
        "identity_store_id": instance["identity_store_id"],
        "identity_store_type": "UserPool",
        "authentication_type": "SAML_2.0" if instance["external_idp_enabled"] else "DEFAULT",
        "provisioning_type": ["DEFAULT"],
        "status": "ENABLED" if instance["status"] == "ACTIVE" else "DISABLED",
    }
    return {"identity_store_associations": [association]}


@app.exception_handler(Refused)
def refused(error):
    request_id = app.lambda_context.aws_request_id
    said = {"error_code": f"IIC.{error.status}", "error_msg": error.message, "request_id": request_id}
    return Response(error.status, "application/json", said)
