"""The story of a customer, told by a client that is generated from openapi.json."""

import os
import secrets
import time

from trustplane_client import AuthenticatedClient, Client
from trustplane_client.api.api_keys import create_api_key, delete_api_key
from trustplane_client.api.audit_log import list_audit_log
from trustplane_client.api.connection import (
    delete_identity_center_config, get_identity_center_config, put_identity_center_config, test_identity_center_connection)
from trustplane_client.api.events_and_webhooks import (
    create_webhook, delete_webhook, list_event_types, list_webhook_deliveries, rotate_webhook_secret, test_webhook)
from trustplane_client.api.identity_source import (
    create_external_idp, delete_external_idp, list_external_idp_certificates, list_external_idps, preview_external_idp)
from trustplane_client.api.organisations import create_authorisation_server, create_organisation
from trustplane_client.api.policies import delete_policy, put_policy
from trustplane_client.api.setup_links import create_setup_link, create_setup_session, delete_setup_link, get_setup_link
from trustplane_client.api.sso_configurations import (
    create_sso_configuration, create_sso_configuration_version, list_sso_configurations, put_sso_configuration_version)
from trustplane_client.models import (
    CreateExternalIdp, CreateOrganisation, CreateSsoConfiguration, CreateSsoConfigurationVersion,
    CreateSsoConfigurationVersionAuthenticationPoliciesItem as Policy, IdentitySourceError, Integration, IntegrationError,
    IntegrationErrorCode, ListAuditLogOutcome, NewApiKey, NewApiKeyRolesItem, NewIdpSamlConfig, NewSetupLink,
    NewSetupLinkSectionsItem, NewSetupSession, NewWebhook, SaveIntegration, SavePolicy, UpdateSsoConfigurationVersion, UpdateSsoConfigurationVersionAuthenticationPoliciesItem as UpdatedPolicy,
    UpdateSsoConfigurationVersionStatus, WebhookSecretRotation, WriteAuthorisationServer)

TENANT, STORE, PEM, RECEIVER = (os.environ[name] for name in ("TENANT", "STORE", "PEM", "RECEIVER"))
CLIENT, APPROVER = (AuthenticatedClient(os.environ["URL"], os.environ[name]) for name in ("TOKEN", "APPROVER"))


def ok(response, status=200):
    assert response.status_code == status, response
    return response.parsed


def connection():
    ours = {"client": CLIENT, "x_tenant_id": TENANT}
    saved = ok(get_identity_center_config.sync_detailed(**ours))
    assert isinstance(saved, Integration) and saved.configured
    again = SaveIntegration(saved.sso_instance_arn, saved.role_arn, saved.region)
    assert ok(put_identity_center_config.sync_detailed(**ours, body=again)) == saved
    wrong = ok(put_identity_center_config.sync_detailed(**ours, body=SaveIntegration("a", "b", "c")), 400)
    assert isinstance(wrong, IntegrationError) and wrong.code is IntegrationErrorCode.INVALID_REQUEST, wrong
    assert set(wrong.details.to_dict()) == {"sso_instance_arn", "role_arn", "region"}
    assert ok(test_identity_center_connection.sync_detailed(**ours)).success


def provider():
    body = CreateExternalIdp(
        idp_saml_config=NewIdpSamlConfig(
            entity_id="https://idp.example.com/p", login_url="https://idp.example.com/sso"),
        idp_certificate=PEM)
    preview = ok(preview_external_idp.sync_detailed(STORE, client=CLIENT, body=body))
    assert [certificate.usable for certificate in preview.certificates] == [True]
    created = ok(create_external_idp.sync_detailed(STORE, client=CLIENT, body=body), 201)
    listed = ok(list_external_idp_certificates.sync_detailed(STORE, created.idp_id, client=CLIENT))
    assert listed.idp_certificates[0].x_509_certificate_in_pem == PEM
    twice = ok(create_external_idp.sync_detailed(STORE, client=CLIENT, body=body), 409)
    assert isinstance(twice, IdentitySourceError) and twice.error_code.value == "IIC.1328", twice
    ok(delete_external_idp.sync_detailed(STORE, created.idp_id, client=CLIENT))


def configuration():
    organisation = f"python-{time.time_ns()}"
    ok(create_organisation.sync_detailed(client=CLIENT, body=CreateOrganisation(organisation, "Acme")), 201)
    server = ok(
        create_authorisation_server.sync_detailed(organisation, client=CLIENT, body=WriteAuthorisationServer("Acme SSO")), 201)
    path = (organisation, server.authorisation_server_id)
    made = ok(
        create_sso_configuration.sync_detailed(
            *path, client=CLIENT, body=CreateSsoConfiguration("Acme", ["it@acme.example"])), 201)
    content = {
        "client_id": "acme", "restricted_domains": ["*"], "supported_domains": [], "group_claim": "groups"}
    version = ok(
        create_sso_configuration_version.sync_detailed(
            *path, made.id, client=CLIENT,
            body=CreateSsoConfigurationVersion(**content, authentication_policies=[Policy.TWO_FACTOR])), 201)
    update = UpdateSsoConfigurationVersion(
        **content, authentication_policies=[UpdatedPolicy.TWO_FACTOR], status=UpdateSsoConfigurationVersionStatus.ACTIVE)
    assert put_sso_configuration_version.sync_detailed(*path, made.id, version.id, client=CLIENT, body=update).status_code == 403
    active = ok(put_sso_configuration_version.sync_detailed(*path, made.id, version.id, client=APPROVER, body=update))
    assert active.status.value == "Active"
    page = ok(list_sso_configurations.sync_detailed(*path, client=CLIENT, size=5))
    assert [row.id for row in page.content] == [made.id]


def administration():
    ours = {"client": CLIENT, "x_tenant_id": TENANT}
    key = ok(create_api_key.sync_detailed(**ours, body=NewApiKey("python", [NewApiKeyRolesItem.VIEWER])), 201)
    ok(delete_api_key.sync_detailed(key.id, **ours), 204)
    text = 'forbid (principal, action in Trustplane::Action::"write", resource is Trustplane::Integration);'
    assert ok(put_policy.sync_detailed("freeze", **ours, body=SavePolicy(text, enabled=True))).text == text
    assert ok(delete_identity_center_config.sync_detailed(**ours), 403).code is IntegrationErrorCode.FORBIDDEN
    ok(delete_policy.sync_detailed("freeze", **ours), 204)
    log = ok(list_audit_log.sync_detailed(**ours, limit=5, outcome=ListAuditLogOutcome.DENIED))
    assert log.data[0].action == "delete-identity-center-config"


def webhook():
    ours = {"client": CLIENT, "x_tenant_id": TENANT}
    names = {row.name for row in ok(list_event_types.sync_detailed(**ours)).data}
    assert "api-key.created" in names, names
    hook = ok(create_webhook.sync_detailed(**ours, body=NewWebhook(RECEIVER, ["api-key.*"], description="Story")), 201)
    assert hook.secret.startswith("whsec_") and hook.enabled
    test = ok(test_webhook.sync_detailed(hook.id, **ours))
    assert (test.status.value, test.response.status_code) == ("succeeded", 204), test
    rotated = ok(rotate_webhook_secret.sync_detailed(hook.id, **ours, body=WebhookSecretRotation(overlap_seconds=60)))
    assert rotated.secret != hook.secret
    inside = ok(create_webhook.sync_detailed(**ours, body=NewWebhook("https://10.0.0.1/", ["*"])), 400)
    assert inside.code is IntegrationErrorCode.INVALID_REQUEST, inside
    assert not ok(list_webhook_deliveries.sync_detailed(hook.id, **ours)).has_more
    ok(delete_webhook.sync_detailed(hook.id, **ours), 204)


def setup_link():
    ours = {"client": CLIENT, "x_tenant_id": TENANT}
    wanted = NewSetupLink([NewSetupLinkSectionsItem.IDENTITY_PROVIDER], "Ada at Acme")
    link = ok(create_setup_link.sync_detailed(**ours, body=wanted), 201)
    body = NewSetupSession(link.url.partition("#")[2], secrets.token_urlsafe(32))
    session = ok(create_setup_session.sync_detailed(client=Client(os.environ["URL"]), body=body), 201)
    customer = AuthenticatedClient(os.environ["URL"], session.token)
    outside = ok(list_audit_log.sync_detailed(client=customer, x_tenant_id=str(session.tenant_id)), 403)
    assert outside.code is IntegrationErrorCode.FORBIDDEN, outside
    assert len(ok(get_setup_link.sync_detailed(link.id, **ours)).sessions) == 1
    ok(delete_setup_link.sync_detailed(link.id, **ours), 204)
    ended = list_external_idps.sync_detailed(STORE, client=customer)
    assert ended.status_code == 401, ended


for chapter in (connection, provider, configuration, administration, webhook, setup_link):
    chapter()
print("Python client: as expected")
