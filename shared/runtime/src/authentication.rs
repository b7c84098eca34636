//! Authentication: the credential that a request presents, and its verification.

use trustplane_domain::access_key::{AccessKeyId, SecretAccessKey};
use trustplane_domain::credential::{Credential, Kind};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::signature::{self, ALGORITHM, RequestParts, SignatureFailure};
use trustplane_domain::temporary_key::TemporaryKey;
use trustplane_domain::tenant::{Status, Tenant};
use trustplane_domain::token::{Purpose, Token};
use trustplane_domain::{Failure, Timestamp};
use trustplane_store::{Key, TenantKeys};

use crate::{Dialect, Platform, Request};

/// The credential that a request presents, not verified yet.
#[derive(Debug)]
pub(crate) enum Presented {
    /// A bearer token.
    Token(Token),
    /// A signature by an access key.
    Signed(Box<signature::Presented>, AccessKey),
}

/// The access key that a request claims to be signed with. Its checksums hold.
#[derive(Debug)]
pub(crate) enum AccessKey {
    /// A stored key.
    Lasting(AccessKeyId),
    /// A temporary key, which is stored nowhere.
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
        let token = Token::parse(text).or_else(|| Token::parse_of(Purpose::SetupSession, text));
        token.map(Self::Token).ok_or(Failure::Unauthenticated)
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

    /// The key of the credential that it claims to be, or to act for.
    pub(crate) fn key(&self, keys: TenantKeys) -> Key<Credential> {
        match self {
            Self::Token(token) if token.purpose() == Purpose::SetupSession => keys.setup_session(token.id()),
            _ => keys.credential(self.id()),
        }
    }

    /// The credential it claims to be, or to act for.
    pub(crate) fn id(&self) -> CredentialId {
        match self {
            Self::Token(token) => token.id(),
            Self::Signed(_, AccessKey::Lasting(id)) => id.credential(),
            Self::Signed(_, AccessKey::Temporary(key)) => key.parent(),
        }
    }

    /// Checks the time of a signature, before anything is read or derived.
    pub(crate) fn check_window(&self, now: Timestamp) -> Result<(), Failure> {
        match self {
            Self::Token(_) => Ok(()),
            Self::Signed(signature, _) => signature.check_window(now).map_err(|_| Failure::SignatureExpired),
        }
    }

    /// The caller: `credential`, if it is the one that is presented and is valid. One failure for everything that is
    /// wrong with it.
    ///
    /// The secret of a signature costs a call to KMS, unless the process remembers it; it is derived for a valid
    /// credential only.
    pub(crate) async fn verify(
        &self,
        credential: Option<&Credential>,
        request: &Request,
        platform: &Platform,
        now: Timestamp,
    ) -> Result<Credential, Failure> {
        let credential = credential.ok_or(Failure::Unauthenticated)?;
        let (signature, key) = match self {
            Self::Token(token) if credential.accepts(token, now) => return Ok(credential.clone()),
            Self::Token(_) => return Err(Failure::Unauthenticated),
            Self::Signed(signature, key) => (signature, key),
        };
        let caller = key.caller(credential, now).ok_or(Failure::Unauthenticated)?;
        let secret = key.secret(platform).await?;
        let parts = RequestParts {
            method: &request.method,
            decoded_path: &request.path,
            raw_query: &request.raw_query,
            header: |name: &str| request.raw_header(name),
            body: &request.body,
        };
        match signature.verify(secret.reveal().as_bytes(), &parts, now) {
            Ok(()) => Ok(caller),
            Err(SignatureFailure::Expired) => Err(Failure::SignatureExpired),
            Err(SignatureFailure::Mismatch) => Err(Failure::Unauthenticated),
        }
    }
}

impl AccessKey {
    /// The caller that signs with this key, if `credential` is its own or its parent's and is valid.
    fn caller(&self, credential: &Credential, now: Timestamp) -> Option<Credential> {
        match self {
            Self::Lasting(id) => {
                let own = credential.kind == Kind::AccessKey && credential.id == id.credential();
                (own && credential.is_valid(now)).then(|| credential.clone())
            }
            Self::Temporary(key) => key.acting(credential, now),
        }
    }

    /// The secret of the key.
    async fn secret(&self, platform: &Platform) -> Result<SecretAccessKey, Failure> {
        let deriver = platform.deriver()?;
        let derived = match self {
            Self::Lasting(id) => deriver.derive(*id).await,
            Self::Temporary(key) => deriver.derive_temporary(key).await,
        };
        Ok(derived?)
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
