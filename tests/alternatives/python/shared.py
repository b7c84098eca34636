"""What the functions share: the credential in one read with the item, the change in one write with its audit record."""
import hashlib
import os
import uuid
from datetime import datetime, timezone

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

TABLE = os.environ["TABLE"]
dynamodb = boto3.client("dynamodb")
logger = Logger(service="alternatives")
app = APIGatewayHttpResolver()


class Refused(Exception):
    def __init__(self, status, message):
        self.status, self.message = status, message


def read(key, role):
    """Returns the tenant, the caller and the item, or None, of a caller with this role."""
    headers = app.current_event.headers
    scheme, _, token = headers.get("authorization", "").partition(" ")
    tenant = headers.get("x-tenant-id", "")
    credential_key = {"pk": "TOKEN#" + hashlib.sha256(token.encode()).hexdigest(), "sk": "TOKEN"}
    item_key = {"pk": "TENANT#" + tenant, "sk": key}
    keys = [serialized(credential_key), serialized(item_key)]
    found = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
    if found["UnprocessedKeys"]:
        raise Refused(503, "try again")
    items = {item["pk"]: item for item in map(deserialized, found["Responses"][TABLE])}
    credential = items.get(credential_key["pk"])
    if scheme.lower() != "bearer" or credential is None:
        raise Refused(401, "the credential is missing or not valid")
    if credential["tenant_id"] != tenant or role not in credential["roles"]:
        raise Refused(403, "the credential may not do this")
    return tenant, credential["name"], items.get(item_key["pk"])


def write(tenant, caller, action, key, before, after):
    """Writes the item, unless another request has changed it since it was read, and the audit record."""
    version = before["version"] if before else 0
    item = {**after, "pk": "TENANT#" + tenant, "sk": key, "version": version + 1}
    at, record = now(), str(uuid.uuid4())
    audit = {"pk": "AUDIT#" + tenant, "sk": f"{at}#{record}", "at": at, "action": action, "caller": caller,
             "resource": key, "request_id": app.lambda_context.aws_request_id, "version": version + 1}
    unchanged = {"ConditionExpression": "attribute_not_exists(pk)"} if before is None else {
        "ConditionExpression": "version = :version", "ExpressionAttributeValues": serialized({":version": version})}
    try:
        dynamodb.transact_write_items(TransactItems=[
            {"Put": {"TableName": TABLE, "Item": serialized(item), **unchanged}},
            {"Put": {"TableName": TABLE, "Item": serialized(audit)}},
        ])
    except ClientError as error:
        if error.response["Error"]["Code"] != "TransactionCanceledException":
            raise
        raise Refused(409, "the item was changed at the same time") from error


def body(**types):
    """Returns fields of the request's body, each of its type."""
    try:
        given = app.current_event.json_body
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(400, "the body is no JSON object")
    wrong = [name for name, kind in types.items() if not isinstance(given.get(name), kind)]
    if wrong:
        raise Refused(400, "wrong or missing: " + ", ".join(wrong))
    return [given.get(name) for name in types]


def lambda_handler(event, context):
    response = app.resolve(event, context)
    logger.info("request", request_id=context.aws_request_id, status=response["statusCode"])
    return response


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def serialized(item):
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def deserialized(item):
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
