//! Who is there: the credential that a request presents, and whether it stands.

use trustplane_domain::access_key::{AccessKeyId, SecretAccessKey};
use trustplane_domain::credential::{Credential, Kind};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::signature::{self, ALGORITHM, RequestParts, SignatureFailure};
use trustplane_domain::temporary_key::TemporaryKey;
use trustplane_domain::tenant::{Status, Tenant};
use trustplane_domain::token::Token;
use trustplane_domain::{Failure, Timestamp};

use crate::{Dialect, Platform, Request};

/// What a request presents, not yet believed.
#[derive(Debug)]
pub(crate) enum Presented {
    /// A bearer token.
    Token(Token),
    /// A signature by an access key.
    Signed(Box<signature::Presented>, AccessKey),
}

/// The access key that a request says it is signed with. Its checksums hold.
#[derive(Debug)]
pub(crate) enum AccessKey {
    /// One that is kept.
    Lasting(AccessKeyId),
    /// One that is not.
    Temporary(TemporaryKey),
}

impl Presented {
    /// Reads `Authorization: Bearer …`, `Authorization: SDK-HMAC-SHA256 …` or `X-API-Key`. A token in both headers must be
    /// the same.
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let authorization = request.header("authorization");
        let scheme = |value: &str| value.split(' ').next().unwrap_or_default().to_owned();
        if let Some(value) = authorization.filter(|value| scheme(value) == ALGORITHM) {
            return Self::signed(request, value);
        }
        let bearer = match authorization {
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

    /// A temporary key comes with its security token, another one with none.
    fn signed(request: &Request, authorization: &str) -> Result<Self, Failure> {
        let header = |name: &str| request.raw_header(name);
        let signature = signature::Presented::parse(authorization, header).map_err(|_| Failure::Unauthenticated)?;
        let security_token = request.header("x-security-token").filter(|token| !token.is_empty());
        let id = signature.access_key_id();
        let key = match security_token {
            Some(token) => TemporaryKey::parse(id, token).map(AccessKey::Temporary),
            None => AccessKeyId::parse(id).map(AccessKey::Lasting),
        };
        if request.header("x-api-key").is_some() {
            return Err(Failure::Unauthenticated);
        }
        key.map(|key| Self::Signed(Box::new(signature), key)).ok_or(Failure::Unauthenticated)
    }

    /// The credential it claims to be, or to act for.
    pub(crate) fn id(&self) -> CredentialId {
        match self {
            Self::Token(token) => token.id(),
            Self::Signed(_, AccessKey::Lasting(id)) => id.credential(),
            Self::Signed(_, AccessKey::Temporary(key)) => key.parent(),
        }
    }

    /// Whether a signature is of this hour: asked before anything is read or derived.
    pub(crate) fn check_window(&self, now: Timestamp) -> Result<(), Failure> {
        match self {
            Self::Token(_) => Ok(()),
            Self::Signed(signature, _) => signature.check_window(now).map_err(|_| Failure::SignatureExpired),
        }
    }

    /// The secret that a signature is verified by; none of a token. One call to KMS, or none where the process remembers.
    pub(crate) async fn secret(&self, platform: &Platform) -> Result<Option<SecretAccessKey>, Failure> {
        let Self::Signed(_, key) = self else { return Ok(None) };
        let deriver = platform.deriver.as_ref().ok_or(Failure::Internal)?;
        let derived = match key {
            AccessKey::Lasting(id) => deriver.derive(*id).await,
            AccessKey::Temporary(key) => deriver.derive_temporary(key).await,
        };
        derived.map(Some).map_err(|error| {
            tracing::error!(error = %error, "access key");
            Failure::Unavailable { retry_after: 1 }
        })
    }

    /// Who acts: `credential`, if it is the one that is claimed and stands. One answer for everything that is wrong with
    /// it; a secret that could not be derived matters only to a credential that could be let in.
    pub(crate) fn verify(
        &self,
        credential: Option<&Credential>,
        secret: Result<Option<SecretAccessKey>, Failure>,
        request: &Request,
        now: Timestamp,
    ) -> Result<Credential, Failure> {
        let credential = credential.ok_or(Failure::Unauthenticated)?;
        let (signature, key) = match self {
            Self::Token(token) if credential.accepts(token, now) => return Ok(credential.clone()),
            Self::Token(_) => return Err(Failure::Unauthenticated),
            Self::Signed(signature, key) => (signature, key),
        };
        let acting = key.acting(credential, now).ok_or(Failure::Unauthenticated)?;
        let secret = secret?.ok_or(Failure::Internal)?;
        let parts = RequestParts {
            method: &request.method,
            decoded_path: &request.path,
            raw_query: &request.raw_query,
            header: |name: &str| request.raw_header(name),
            body: &request.body,
        };
        match signature.verify(secret.reveal().as_bytes(), &parts, now) {
            Ok(()) => Ok(acting),
            Err(SignatureFailure::Expired) => Err(Failure::SignatureExpired),
            Err(SignatureFailure::Mismatch) => Err(Failure::Unauthenticated),
        }
    }
}

impl AccessKey {
    /// Who acts by it, if `credential` is whose it is and stands.
    fn acting(&self, credential: &Credential, now: Timestamp) -> Option<Credential> {
        match self {
            Self::Lasting(id) => {
                let own = credential.kind == Kind::AccessKey && credential.id == id.credential();
                (own && credential.is_valid(now)).then(|| credential.clone())
            }
            Self::Temporary(key) => key.acting(credential, now),
        }
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
