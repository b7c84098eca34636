//! POST `…/external-idp/preview`: the provider that a body would create, without creating it.

use std::rc::Rc;

use serde::Serialize;
use trustplane_domain::certificate::Certificate;
use trustplane_domain::identity_provider::Offer;
use trustplane_domain::saml::LeftOut;
use trustplane_domain::{Failure, Timestamp};
use trustplane_outbound::Client;
use trustplane_policy::Kind;
use trustplane_runtime::{Call, Context, Response, Subject};

use crate::offers::Previewed;
use crate::store::Store;
use crate::warnings::Remarks;
use crate::{fetched, parameters, store};

/// A provider that could be created.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExternalIdpPreview"))]
pub(crate) struct Preview<'a> {
    /// Entity id of the provider.
    entity_id: &'a str,
    /// URL that sign-in requests are sent to.
    login_url: &'a str,
    /// True if the provider wants signed requests.
    want_request_signed: bool,
    /// The certificates for signing: first those that can be used, then those that are left out.
    certificates: Vec<Found>,
    /// The parts of the metadata that cannot be used, each with its reason.
    left_out: Vec<String>,
    /// Entity ids of all identity providers in the metadata.
    providers: &'a [String],
}

/// A certificate for signing. All but `usable` is null for a text that is no certificate.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PreviewedCertificate"))]
struct Found {
    /// Distinguished name of the subject.
    subject: Option<String>,
    /// SHA-256 of the certificate, in hexadecimal.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[0-9a-f]{64}$")))]
    fingerprint_sha256: Option<String>,
    /// Milliseconds since the epoch.
    not_before: Option<i64>,
    /// Milliseconds since the epoch.
    not_after: Option<i64>,
    /// True if the certificate is imported.
    usable: bool,
    /// The reason for which it cannot be used, or for which others may refuse it.
    reason: Option<String>,
}

/// POST: shows the provider that the body would create. Nothing is written.
pub async fn preview(call: Call, client: Rc<Client>) -> Result<Response, Failure> {
    let request = call
        .input(|request| parameters::id(request, "identity_store_id"))
        .body(|request| Previewed::parse(request, &call, &client))
        .reads(|store, keys| store::reads(store, keys))
        .subject(|(store, _), _, _| Subject::new(Kind::IdentityProvider, store.clone()));
    let wanted = |(_, previewed): (&String, &Previewed), _: &Store, _: &Context<'_>| {
        Ok(previewed.offer().is_none().then(|| previewed.clone()))
    };
    fetched::decide(
        request,
        wanted,
        async |previewed, cx| previewed.fetch(&client, cx.now).await,
        |(_, previewed), _, _| {
            let offer = previewed.offer().ok_or_else(|| Failure::internal("the metadata is not there"))?;
            Ok(Remarks::of(offer).warn(Response::ok(&shown(offer))))
        },
    )
    .await
}

fn shown(offer: &Offer) -> Preview<'_> {
    let usable = offer.certificates.iter().map(Found::usable);
    Preview {
        entity_id: offer.settings.entity_id.as_str(),
        login_url: offer.settings.login_url.as_str(),
        want_request_signed: offer.settings.want_request_signed,
        certificates: usable.chain(offer.left_out.iter().filter_map(Found::left_out)).collect(),
        left_out: offer.left_out.iter().map(LeftOut::to_string).collect(),
        providers: &offer.providers,
    }
}

impl Found {
    fn usable(certificate: &Certificate) -> Self {
        Self {
            subject: Some(certificate.subject_name().to_owned()),
            fingerprint_sha256: Some(certificate.fingerprint().to_owned()),
            not_before: Some(certificate.not_before().as_millis()),
            not_after: Some(certificate.not_after().as_millis()),
            usable: true,
            reason: certificate.warning(),
        }
    }

    fn left_out(part: &LeftOut) -> Option<Self> {
        let LeftOut::Certificate { summary, fault, .. } = part else { return None };
        let validity = summary.as_ref().and_then(|summary| summary.validity);
        Some(Self {
            subject: summary.as_ref().map(|summary| summary.subject.clone()),
            fingerprint_sha256: summary.as_ref().map(|summary| summary.fingerprint.clone()),
            not_before: validity.map(|(begin, _)| begin.as_millis()),
            not_after: validity.map(|(_, end)| Timestamp::as_millis(end)),
            usable: false,
            reason: Some(fault.to_string()),
        })
    }
}
