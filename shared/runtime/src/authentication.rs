//! Who is there: the credential that a request presents, and whether it stands.

use trustplane_domain::credential::Credential;
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::tenant::{Status, Tenant};
use trustplane_domain::token::Token;
use trustplane_domain::{Failure, Timestamp};

use crate::{Dialect, Request};

/// What a request presents, not yet believed.
#[derive(Debug)]
pub(crate) enum Presented {
    /// A bearer token.
    Token(Token),
}

impl Presented {
    /// Reads `Authorization: Bearer …` or `X-API-Key`. Both at once must be the same.
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let bearer = match request.header("authorization") {
            None => None,
            Some(value) => {
                let (scheme, token) = value.split_once(' ').ok_or(Failure::Unauthenticated)?;
                if !scheme.eq_ignore_ascii_case("bearer") {
                    return Err(Failure::Unauthenticated);
                }
                Some(token.trim())
            }
        };
        let text = match (bearer, request.header("x-api-key")) {
            (Some(bearer), Some(key)) if bearer != key => return Err(Failure::Unauthenticated),
            (Some(text), _) | (None, Some(text)) => text,
            (None, None) => return Err(Failure::Unauthenticated),
        };
        Token::parse(text).map(Self::Token).ok_or(Failure::Unauthenticated)
    }

    /// The credential it claims to be.
    pub(crate) fn id(&self) -> CredentialId {
        match self {
            Self::Token(token) => token.id(),
        }
    }

    /// Whether it is `credential`, and that stands. One answer for everything that is wrong.
    pub(crate) fn verify(&self, credential: Option<&Credential>, now: Timestamp) -> Result<(), Failure> {
        let accepted = credential.is_some_and(|credential| match self {
            Self::Token(token) => credential.accepts(token, now),
        });
        if accepted { Ok(()) } else { Err(Failure::Unauthenticated) }
    }
}

/// `X-Tenant-ID`, where the dialect wants it or the client sent it, must be the credential's tenant; and that must be
/// served.
pub(crate) fn check_tenant(
    dialect: Dialect,
    request: &Request,
    presented: TenantId,
    tenant: Option<&Tenant>,
) -> Result<(), Failure> {
    match request.header("x-tenant-id") {
        None if dialect.requires_tenant_header() => return Err(Failure::InvalidTenantId),
        None => {}
        Some(text) => {
            let named = TenantId::parse(text).ok_or(Failure::InvalidTenantId)?;
            if named != presented {
                return Err(Failure::TenantMismatch);
            }
        }
    }
    match tenant.map(|tenant| tenant.status) {
        Some(Status::Active) => Ok(()),
        Some(Status::Suspended) => Err(Failure::TenantSuspended),
        // A credential is made in a transaction with its tenant; without one it lets nobody in.
        None => Err(Failure::Unauthenticated),
    }
}
