//! `/v1/whoami`: the credential of the request.

use std::collections::BTreeSet;

use serde::Serialize;
use trustplane_domain::credential::{Kind as CredentialKind, Role};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::setup::Section;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::Kind;
use trustplane_runtime::{Call, Response, Subject};

/// The credential. A temporary access key has the id of the key that it was made from, and its own roles and
/// expiry.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Whoami"))]
pub(crate) struct Body<'a> {
    /// Public id of the credential.
    id: CredentialId,
    /// Name of the credential.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))]
    name: &'a str,
    /// Kind of the credential.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("enum" = ["bearer", "access_key", "temporary", "setup"])))]
    kind: CredentialKind,
    /// Roles of the credential; none of a setup session.
    roles: &'a BTreeSet<Role>,
    /// Sections of a setup session; empty for every other credential.
    sections: Vec<Section>,
    /// Time of its expiry; null if it does not expire.
    expires_at: Option<Timestamp>,
    /// Id of its tenant.
    tenant_id: TenantId,
}

/// GET.
pub async fn show(call: Call) -> Result<Response, Failure> {
    call.no_input()
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .decide(|_, (), cx| {
            let caller = cx.caller;
            Ok(Response::ok(&Body {
                id: caller.id,
                name: &caller.name,
                kind: caller.kind,
                roles: &caller.roles,
                sections: caller.setup.iter().flat_map(|setup| setup.sections.iter().copied()).collect(),
                expires_at: caller.expires_at,
                tenant_id: cx.keys.id(),
            }))
        })
        .await
}
