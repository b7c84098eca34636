//! Opening a request: what it needs is read, its credential verified, and its tenant's policies found.

use std::sync::Arc;
use std::time::Duration;

use trustplane_domain::Failure;
use trustplane_domain::credential::Credential;
use trustplane_domain::failure::Denial;
use trustplane_domain::tenant::Tenant;
use trustplane_policy::{Action, Attempt, Policies};
use trustplane_store::{CommitError, Idempotency, Key, Read, Reads, Stored, TenantKeys, Wanted};

use super::Call;
use super::steps::ParseBody;
use crate::authentication::{Presented, check_tenant};
use crate::idempotency;

/// Time limit for noting the day of a credential's use.
const NOTE: Duration = Duration::from_millis(500);

/// Time limit for recording a denied attempt.
const RECORD: Duration = Duration::from_secs(1);

/// A verified request, and what was read with its credential.
pub(super) struct Opened {
    /// The caller: the credential that was read, or the permissions of a temporary key of it.
    pub(super) caller: Credential,
    pub(super) credential: Stored<Credential>,
    pub(super) tenant: Stored<Tenant>,
    pub(super) kept: Option<Idempotency>,
    pub(super) read: Read,
}

impl Call {
    /// Reads everything in one round trip, and verifies the credential before any other check is reported.
    ///
    /// The secret of an access key is derived only for a credential that exists and is valid: a request with a made-up
    /// key costs no call to KMS.
    pub(super) async fn open<R: Reads>(&self, keys: TenantKeys, reads: Option<&R>) -> Result<Opened, Failure> {
        let presented = Presented::of(&self.request)?;
        presented.check_window(self.now)?;
        let retry_key = idempotency::key(&self.request).ok().flatten();
        let own = (
            presented.key(keys).optional(),
            keys.tenant().optional(),
            retry_key.map(|key| keys.idempotency(presented.id(), &key).optional()),
        );
        let mut wanted = Wanted::of(&own);
        if let Some(reads) = reads {
            reads.declare(&mut wanted);
        }
        let mut read = self.platform.table.read(wanted).await?;
        let (credential, tenant, kept) = own.load(&mut read)?;

        let caller = presented.verify(credential.value(), &self.request, &self.platform, self.now).await?;
        check_tenant(self.dialect, &self.request, presented.id().tenant(), tenant.value())?;
        let (Some(credential), Some(tenant)) = (credential.item, tenant.item) else {
            return Err(Failure::internal("verified without a credential"));
        };
        self.trace.verified(tenant.value.tenant_id);
        let kept = kept.and_then(|slot| slot.item).map(|kept| kept.value).filter(|kept| self.now < kept.kept_until);
        if credential.value.last_used_at.is_none_or(|day| day < self.now.day_start()) {
            self.note_use(&credential.key).await;
        }
        Ok(Opened { caller, credential, tenant, kept, read })
    }

    /// Records a denied attempt, outside of any transaction of the request's. What keeps it from being recorded (too many
    /// in a minute, somebody else's at the same time, a table that is away) changes nothing for the client.
    pub(super) async fn record_denied(&self, attempt: &Attempt) {
        let recorded = async {
            match self.platform.table.record_denied(attempt).await {
                // Two at the same time lose a race to each other.
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
        keys: TenantKeys,
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
        let set = self.platform.table.load(keys.policies().optional()).await.map_err(Failure::from)?;
        let set = set.item.map(|stored| stored.value);
        // It is written in one transaction with the tenant: what is read after the tenant is of its version, or newer.
        let set = set.filter(|set| set.version >= version).ok_or_else(|| {
            Failure::internal(format!("the policies of version {version} that the tenant names do not exist"))
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
    async fn note_use(&self, credential: &Key<Credential>) {
        let noted = self.platform.table.note_use(credential, self.now.day_start());
        match tokio::time::timeout(NOTE, noted).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "the day of a credential's use is not noted"),
            Err(_elapsed) => tracing::warn!("the day of a credential's use is not noted in time"),
        }
    }

    /// The input and the body, or all faults of them and of the headers.
    pub(super) fn check<I, B>(&self, input: Result<I, Failure>, body: ParseBody<'_, B>) -> Result<(I, B), Failure> {
        let headers = crate::dialect::check_headers(self.dialect, &self.request, self.produces);
        let retry_key = idempotency::key(&self.request);
        let queries = self.strict_queries.and_then(|known| self.request.check_queries(known).err());
        let faults = [headers.err(), retry_key.err(), queries].into_iter().flatten().reduce(Failure::joined);
        match (faults, crate::both(input, body(&self.request))) {
            (None, parsed) => parsed,
            (Some(faults), Ok(_)) => Err(faults),
            (Some(faults), Err(others)) => Err(faults.joined(others)),
        }
    }
}
