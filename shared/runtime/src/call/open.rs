//! How a request is let in: what it needs is read, its credential verified, and its tenant's policies found.

use std::sync::Arc;
use std::time::Duration;

use trustplane_domain::Failure;
use trustplane_domain::credential::Credential;
use trustplane_domain::failure::Denial;
use trustplane_domain::policy::PolicySet;
use trustplane_domain::tenant::Tenant;
use trustplane_policy::{Action, Attempt, Policies};
use trustplane_store::{CommitError, Idempotency, Key, Query, Read, Stored, keys};

use super::{Call, store_failure};
use crate::authentication::{Presented, check_tenant};
use crate::{dialect, idempotency};

/// What noting the day of a credential's use may take.
const NOTE: Duration = Duration::from_millis(500);

/// What the recording of a denied attempt may take.
const RECORD: Duration = Duration::from_secs(1);

/// What is known once the credential has been verified.
pub(super) struct Opened {
    /// Who acts: the credential that was read, or what may be done of it by a temporary key.
    pub(super) credential: Credential,
    pub(super) tenant: Stored<Tenant>,
    pub(super) kept: Option<Idempotency>,
    pub(super) read: Read,
}

impl Call {
    /// Reads everything in one round trip, and verifies the credential before anything else is said.
    pub(super) async fn open<I>(
        &self,
        keys: &impl Fn(keys::Tenant, &I) -> Vec<Key>,
        query: Option<&dyn Fn(keys::Tenant, &I) -> Query>,
        input: &Result<I, Failure>,
    ) -> Result<Opened, Failure> {
        let presented = Presented::of(&self.request)?;
        presented.check_window(self.now)?;
        let part = keys::Tenant::presented(presented.id());
        let (credential_key, tenant_key) = (part.credential(presented.id()), part.tenant());
        let retry_key = idempotency::key(&self.request).ok().flatten();
        let kept_key = retry_key.map(|key| part.idempotency(presented.id(), &key));
        let mut wanted = vec![credential_key.clone(), tenant_key.clone()];
        wanted.extend(kept_key.clone());
        let listed = match input {
            Ok(input) => {
                wanted.extend(keys(part, input));
                query.map(|query| query(part, input))
            }
            Err(_) => None,
        };
        let (read, secret) = tokio::join!(self.read(&wanted, listed.as_ref()), presented.secret(&self.platform));
        let mut read = read?;

        let credential = read.look::<Credential>(&credential_key).map_err(|error| store_failure(&error))?;
        let kept = credential.as_ref().map(|stored| &stored.value);
        let acting = presented.verify(kept, secret, &self.request, self.now)?;
        let tenant = read.look::<Tenant>(&tenant_key).map_err(|error| store_failure(&error))?;
        let status = tenant.as_ref().map(|stored| &stored.value);
        check_tenant(self.dialect, &self.request, presented.id().tenant(), status)?;
        let (Some(credential), Some(tenant)) = (credential, tenant) else { return Err(Failure::Internal) };
        let kept = match &kept_key {
            Some(key) => read.take::<Idempotency>(key).map_err(|error| store_failure(&error))?,
            None => None,
        };
        let kept = kept.map(|stored| stored.value).filter(|kept| self.now < kept.kept_until);
        if credential.value.last_used_at.is_none_or(|day| day < self.now.day_start()) {
            self.note_use(&credential_key).await;
        }
        Ok(Opened { credential: acting, tenant, kept, read })
    }

    /// Records a denied attempt, outside of any transaction of the request's. What keeps it from being recorded (too many
    /// in a minute, somebody else's at the same time, a table that is away) changes nothing for the client.
    pub(super) async fn record_denied(&self, attempt: &Attempt) {
        let recorded = async {
            match self.platform.table.record_denied(attempt).await {
                // Two at the same time get in each other's way.
                Err(CommitError::Lost) => self.platform.table.record_denied(attempt).await,
                recorded => recorded,
            }
        };
        match tokio::time::timeout(RECORD, recorded).await {
            Ok(Ok(()) | Err(CommitError::Lost)) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "a denied attempt is not recorded"),
            Err(_elapsed) => tracing::warn!("a denied attempt is not recorded in time"),
        }
    }

    /// The policies of a tenant that has own ones. One more call where this process has not yet seen their version.
    ///
    /// A set that does not compile denies every request, as a policy that cannot be evaluated does: it was valid when it
    /// was written.
    pub(super) async fn own_policies(
        &self,
        part: keys::Tenant,
        tenant: &Tenant,
        credential: &Credential,
        action: Action,
    ) -> Result<Option<Arc<Policies>>, Failure> {
        let version = tenant.policies_version;
        if version == 0 {
            return Ok(None);
        }
        let compiled = &self.policies.compiled;
        if let Some(policies) = compiled.find(tenant.tenant_id, version) {
            return Ok(Some(policies));
        }
        let key = part.policies();
        let set = self.read(std::slice::from_ref(&key), None).await?.take::<PolicySet>(&key);
        let set = set.map_err(|error| store_failure(&error))?.map(|stored| stored.value);
        // It is written in one transaction with the tenant: what is read after the tenant is of its version, or newer.
        let set = set.filter(|set| set.version >= version).ok_or_else(|| {
            tracing::error!(version, "the policies that the tenant names are not there");
            Failure::Internal
        })?;
        match compiled.compile(&self.policies.built_in, tenant.tenant_id, &set) {
            Ok(policies) => Ok(Some(policies)),
            Err(error) => {
                tracing::error!(error = %error, tenant = %tenant.tenant_id, "policies do not compile");
                Err(Failure::Forbidden(Denial {
                    evaluation_failed: true,
                    principal: credential.id.to_string(),
                    action: action.name.to_owned(),
                    resource: (action.resource.as_str(), String::new()),
                    ..Denial::default()
                }))
            }
        }
    }

    /// Notes that the credential was used today. What keeps it from being noted keeps nobody from being served.
    async fn note_use(&self, credential: &Key) {
        let noted = self.platform.table.note_use(credential, self.now.day_start());
        match tokio::time::timeout(NOTE, noted).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "the day of a credential's use is not noted"),
            Err(_elapsed) => tracing::warn!("the day of a credential's use is not noted in time"),
        }
    }

    /// The input, if nothing is wrong with it or with the headers; else all that is.
    pub(super) fn checked<'i, I>(&self, input: &'i Result<I, Failure>) -> Result<&'i I, Failure> {
        let headers = dialect::check_headers(self.dialect, &self.request, self.produces).err();
        let retry_key = idempotency::key(&self.request).err();
        let wrong = [headers, retry_key, input.as_ref().err().cloned()].into_iter().flatten().reduce(Failure::joined);
        wrong.map_or_else(|| input.as_ref().map_err(Clone::clone), Err)
    }
}
