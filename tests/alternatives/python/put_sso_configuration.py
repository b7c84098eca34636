"""PUT /organisations/:OrganisationId/authorisationservers/:AuthorisationServerId/sso-configuration/:ssoConfigurationId."""
import re
import uuid
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response
from shared import Refused, app, body, lambda_handler, now, read, write

__all__ = ["lambda_handler"]

SHOWN = ["DisplayName", "Contacts", "ID", "ServerID", "RedirectUri", "TextRecord", "Status", "CreatedAt", "UpdatedAt"]
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
TEXT = str, type(None)


def checked():
    name, contacts, suffix, status = body(DisplayName=str, Contacts=list, RedirectUriSuffix=TEXT, Status=TEXT)
    wrong = []
    if not 1 <= len(name) <= 64:
        wrong.append("DisplayName")
    good = [isinstance(one, str) and len(one) <= 254 and EMAIL.fullmatch(one) for one in contacts]
    if not 1 <= len(good) <= 10 or not all(good):
        wrong.append("Contacts")
    if suffix is not None and not 1 <= len(suffix) <= 40:
        wrong.append("RedirectUriSuffix")
    if status not in ("Active", "Inactive", None):
        wrong.append("Status")
    if wrong:
        raise Refused(400, "not valid: " + ", ".join(wrong))
    return name, contacts, suffix, status or "Active"


@app.put("/organisations/<organisation>/authorisationservers/<server>/sso-configuration/<configuration>")
def put(organisation, server, configuration):
    try:
        key = f"SSO#{organisation}#{uuid.UUID(server)}#{uuid.UUID(configuration)}"
    except ValueError as error:
        raise Refused(400, "AuthorisationServerId or ssoConfigurationId is no UUID") from error
    tenant, caller, before = read(key, "admin")
    name, contacts, suffix, status = checked()
    if before is None:
        raise Refused(404, "no such SSO configuration")
    after = {**before, "DisplayName": name, "Contacts": contacts, "Status": status, "UpdatedAt": now()}
    if suffix is not None:
        after["RedirectUri"] = before["RedirectUri"].rpartition("/")[0] + "/" + quote(suffix, safe="")
    write(tenant, caller, "put-sso-configuration", key, before, after)
    return {name: after[name] for name in SHOWN}


@app.exception_handler(Refused)
def refused(error):
    return Response(error.status, "application/json", {"errors": [error.message]})
