"""Every operation of the identity source API with the Python SDK."""

from cryptography import x509
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkidentitycenter.v1 import (
    IdentityCenterClient, ListIdentityStoreAssociationRequest, ListInstancesRequest)
from huaweicloudsdkidentitycenterstore import v1
from huaweicloudsdkidentitycenterstore.v1 import IdentityCenterStoreClient

from certificates import certificates


class Calls:
    """A client whose calls are counted, and whose refusals are looked at."""

    def __init__(self, client):
        self.client, self.count = client, 0

    def __call__(self, operation, request):
        self.count += 1
        return getattr(self.client, operation)(request)

    def refused(self, operation, request, status, code):
        try:
            self(operation, request)
        except ClientRequestException as error:
            told = (error.status_code, error.error_code)
            assert told == (status, code), f"{operation}: {told} {error.error_msg}"
            assert error.request_id and error.error_msg, operation
            return error
        raise AssertionError(f"{operation} is not refused")


def signer(credentials, token):
    return credentials.with_security_token(token) if token else credentials


def client(kind, local, credentials):
    """With an id of its own, the SDK asks no IAM for one. It sends it; the tenant is the credential's all the same."""
    config = HttpConfig.get_default_config()
    config.retry_times = 0
    return (kind.new_builder().with_http_config(config).with_credentials(credentials).with_endpoint(local.url).build())


def check(local, key):
    """Goes through all operations. How many calls it made."""
    token = key.get("security_token")
    pair = (key["access_key_id"], key["secret_access_key"])
    center = Calls(client(IdentityCenterClient, local, signer(GlobalCredentials(*pair, "a-domain"), token)))
    store = Calls(client(IdentityCenterStoreClient, local, signer(BasicCredentials(*pair, "a-project"), token)))

    def request(kind, **fields):
        return getattr(v1, kind)(identity_store_id=local.store, x_security_token=token, **fields)

    listed = center("list_instances", ListInstancesRequest(limit=1, x_security_token=token))
    assert [one.instance_id for one in listed.instances] == [local.instance], listed
    assert listed.page_info.current_count == 1 and listed.page_info.next_marker is None, listed

    def authentication():
        asked = ListIdentityStoreAssociationRequest(instance_id=local.instance, x_security_token=token)
        (found,) = center("list_identity_store_association", asked).identity_store_associations
        assert found.identity_store_id == local.store and found.status == "ENABLED", found
        return found.authentication_type

    assert authentication() == "DEFAULT"
    provider(store, request, authentication)
    service_provider(store, request)
    return center.count + store.count


def provider(store, request, authentication):
    first, second, third = certificates()
    body = v1.CreateIDPReqBody(
        idp_saml_config={"entity_id": "https://idp.example.com/saml", "login_url": "https://idp.example.com/sso"},
        idp_certificate=first)
    made = store("create_external_id_p_configuration_for_directory",
                 request("CreateExternalIdPConfigurationForDirectoryRequest", body=body))
    assert made.status_code == 201 and made.idp_certificate_ids == [made.idp_certificate_id], made
    assert made.hws_sp_saml_config.acs_url in made.hws_sp_saml_config.metadata
    idp = made.idp_id
    store.refused("create_external_id_p_configuration_for_directory",
                  request("CreateExternalIdPConfigurationForDirectoryRequest", body=body), 409, "IIC.1328")

    def shown():
        listed = store("list_external_id_p_configurations_for_directory",
                       request("ListExternalIdPConfigurationsForDirectoryRequest"))
        return listed.associations

    (one,) = shown()
    assert (one.idp_id, one.is_enabled, one.idp_saml_config.want_request_signed) == (idp, False, False), one
    assert [(known.certificate_id, known.status) for known in one.idp_certificate_ids] == [
        (made.idp_certificate_id, "ACTIVE")], one

    settings = v1.UpdateExternalIdPConfigurationForDirectoryReqBody("urn:example:idp", "https://login.example.com/")
    store("update_external_id_p_configuration_for_directory",
          request("UpdateExternalIdPConfigurationForDirectoryRequest", idp_id=idp, body=settings))
    assert shown()[0].idp_saml_config.entity_id == "urn:example:idp"
    store("enable_external_id_p_configuration_for_directory",
          request("EnableExternalIdPConfigurationForDirectoryRequest", idp_id=idp))
    assert shown()[0].is_enabled and authentication() == "SAML_2.0"

    def imported(pem):
        body = v1.ImportExternalIdPCertificateReqBody(x509_certificate_in_pem=pem, certificate_use="SIGNING")
        return request("ImportExternalIdPCertificateRequest", idp_id=idp, body=body)

    new = store("import_external_id_p_certificate", imported(second))
    assert new.status_code == 200
    store.refused("import_external_id_p_certificate", imported(second), 409, "IIC.1007")
    store.refused("import_external_id_p_certificate", imported("x"), 400, "IIC.400")
    listed = store("list_external_id_p_certificates", request("ListExternalIdPCertificatesRequest", idp_id=idp))
    certificates_ = listed.idp_certificates
    assert [known.certificate_id for known in certificates_] == [made.idp_certificate_id, new.certificate_id], listed
    assert [known.x509_certificate_in_pem for known in certificates_] == [first, second]
    read = x509.load_pem_x509_certificate(second.encode())
    assert certificates_[1].serial_number_string == str(read.serial_number)
    assert certificates_[1].not_after == int(read.not_valid_after_utc.timestamp() * 1000)
    assert certificates_[1].signature_algorithm_name == "SHA256withRSA"

    def delete(certificate):
        return request("DeleteExternalIdPCertificateRequest", idp_id=idp, certificate_id=certificate)

    # Huawei Cloud takes two certificates; here a third is welcome, since providers publish more while they rotate.
    extra = store("import_external_id_p_certificate", imported(third))
    store("delete_external_id_p_certificate", delete(extra.certificate_id))
    store("delete_external_id_p_certificate", delete(made.idp_certificate_id))
    store.refused("delete_external_id_p_certificate", delete(new.certificate_id), 409, "IIC.1007")
    store.refused("delete_external_id_p_certificate", delete(made.idp_certificate_id), 404, "IIC.404")
    gone = request("DeleteExternalIdPConfigurationForDirectoryRequest", idp_id=idp)
    store.refused("delete_external_id_p_configuration_for_directory", gone, 400, "IIC.1329")
    store("disable_external_id_p_configuration_for_directory",
          request("DisableExternalIdPConfigurationForDirectoryRequest", idp_id=idp))
    assert authentication() == "DEFAULT"
    store("delete_external_id_p_configuration_for_directory", gone)
    assert shown() == []


def service_provider(store, request):
    def states():
        listed = store("list_sp_certificates", request("ListSpCertificatesRequest"))
        # The SDK reads an empty array as none at all.
        return {known.certificate_id: known.state for known in listed.body or []}

    def active(certificate):
        return request("UpdateSpActiveCertificateRequest", certificate_id=certificate)

    def delete(certificate):
        return request("DeleteSpCertificateRequest", certificate_id=certificate)

    assert states() == {}
    first = store("create_sp_certificate", request("CreateSpCertificateRequest"))
    assert (first.status_code, first.state, first.algorithm) == (201, "INACTIVE", "SHA256withRSA"), first
    read = x509.load_pem_x509_certificate(first.x509certificate.encode())
    assert read.public_key().key_size == 2048
    read.verify_directly_issued_by(read)
    assert int(read.not_valid_after_utc.timestamp() * 1000) == first.expiry_date
    store("update_sp_active_certificate", active(first.certificate_id))
    config = store("get_sp_configuration_for_directory", request("GetSpConfigurationForDirectoryRequest"))
    body = "".join(line for line in first.x509certificate.splitlines() if not line.startswith("-----"))
    assert body in config.sp_saml_config.metadata and config.sp_oidc_config.redirect_url.startswith("https://")
    second = store("create_sp_certificate", request("CreateSpCertificateRequest"))
    store.refused("create_sp_certificate", request("CreateSpCertificateRequest"), 409, "IIC.1007")
    assert states() == {first.certificate_id: "ACTIVE", second.certificate_id: "INACTIVE"}
    store("update_sp_active_certificate", active(second.certificate_id))
    store("delete_sp_certificate", delete(first.certificate_id))
    assert states() == {second.certificate_id: "ACTIVE"}
    # Nobody signs in through a provider, so nothing is signed by it.
    store("delete_sp_certificate", delete(second.certificate_id))
    assert states() == {}
