//! POST `…/external-idp/{idp_id}/explain`: explains why the login service may have refused a SAML response.
//!
//! The response is personal data. It is neither kept nor repeated, so a retry is explained again.

use serde::Serialize;
use trustplane_domain::connection::CheckStatus;
use trustplane_domain::saml::{self, Expected};
use trustplane_domain::test_report::TestCheck;
use trustplane_domain::{Failure, request, text_field};
use trustplane_policy::Image;
use trustplane_runtime::{Call, Decision, Response};

use crate::external_idp::{ProviderPath, subject};
use crate::parameters::BODY_LIMIT;
use crate::service_provider::SamlConfig;
use crate::store;

/// The field of the response.
const FIELD: &str = "saml_response";

request! {
    /// Body of an explanation.
    pub(crate) struct ExplainResponse {
        /// The response: XML, or base64 of it, or the form field `SAMLResponse` as a browser shows or sends it.
        required response: SamlResponse = "saml_response",
    }
}

/// A response, which is parsed later.
pub(crate) enum SamlResponse {}

text_field!(SamlResponse => String, |text: &str| Ok::<_, String>(text.to_owned()), {
    "type": "string", "maxLength": 4 * saml::MAX_BYTES
});

/// An explanation of a SAML response.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpExplanation"))]
pub(crate) struct Body<'a> {
    /// True if no check failed. The login service may still refuse the response: no signature is verified here.
    plausible: bool,
    /// Always false: see the documentation.
    signature_verified: bool,
    /// The findings, in the order in which a login service verifies a response.
    findings: Vec<Finding<'a>>,
}

/// A finding of an explanation.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpFinding"))]
struct Finding<'a> {
    /// Id of the check.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["status", "assertion", "issuer", "destination", "audience", "recipient", "time", "name_id", "signature", "certificate"])))]
    id: &'a str,
    /// Outcome of the check.
    status: CheckStatus,
    /// The finding.
    message: &'a str,
    /// The remedy.
    remediation: Option<&'a str>,
}

/// An explanation in the audit log.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExplanationImage"))]
pub(crate) struct View<'a> {
    failed: Vec<&'a str>,
}

/// POST: explains a response. Nothing is written but the audit record.
pub async fn explain(call: Call) -> Result<Response, Failure> {
    let call = call.without_retry_key();
    let request = call
        .input(ProviderPath::parse)
        .body(|request| {
            let mut fields = request.fields_within(BODY_LIMIT)?;
            let ExplainResponse { response } = ExplainResponse::read(&mut fields);
            fields.finished(response)
        })
        .reads(ProviderPath::reads_served)
        .subject(subject);
    store::decide(request, |(path, text), store, cx| {
        let provider = &store.provider(path.provider)?.value;
        let service_provider = SamlConfig::of(cx.platform(), &store, cx.now)?;
        let expected = Expected {
            issuer: provider.settings().entity_id.as_str(),
            audience: service_provider.issuer(),
            acs_url: service_provider.acs_url(),
            certificates: provider.certificates().iter().map(|one| one.certificate()).collect(),
        };
        let checks = saml::explain(text, &expected, cx.now).map_err(|fault| Failure::invalid(FIELD, fault))?;
        let failed: Vec<&str> = failed(&checks).collect();
        let image = Image::of(&View { failed });
        Ok(Decision::respond(Response::ok(&body(&checks))).recorded().audited_as(None, Some(image)))
    })
    .await
}

fn failed(checks: &[TestCheck]) -> impl Iterator<Item = &str> {
    checks.iter().filter(|check| check.status == CheckStatus::Fail).map(|check| check.id.as_str())
}

fn body(checks: &[TestCheck]) -> Body<'_> {
    Body {
        plausible: failed(checks).next().is_none(),
        signature_verified: false,
        findings: checks.iter().map(Finding::of).collect(),
    }
}

impl<'a> Finding<'a> {
    fn of(check: &'a TestCheck) -> Self {
        let TestCheck { id, status, message, remediation } = check;
        Self { id, status: *status, message, remediation: remediation.as_deref() }
    }
}
