//! The context of a decision: the verified caller, its tenant, and the time.

use trustplane_domain::credential::Credential;
use trustplane_domain::directory::ids::SsoConfigurationId;
use trustplane_domain::setup::Enable;
use trustplane_domain::tenant::Tenant;
use trustplane_domain::{Failure, Timestamp};
use trustplane_policy::Grant;
use trustplane_store::{CommitError, Reads, Stored, TenantKeys, Writes};

use super::Call;
use crate::{Platform, Request};

/// A verified request on its way to a decision.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub(super) call: &'a Call,
    /// The time of the request.
    pub now: Timestamp,
    /// The keys of the caller's tenant.
    pub keys: TenantKeys,
    /// The caller: the stored credential, or the permissions of a temporary key of it.
    pub caller: &'a Credential,
    /// The credential as it is stored.
    pub credential: &'a Stored<Credential>,
    /// The caller's tenant.
    pub tenant: &'a Stored<Tenant>,
    /// The decision was made before, and another tenant held a claim of it; see [`super::Decision::may_lose_claim`].
    pub claim_lost: bool,
    /// Every attempt to write the decision lost a race; see [`super::Decision::may_lose_race`].
    pub race_lost: bool,
}

impl<'a> Context<'a> {
    /// The clients and settings of the process.
    pub fn platform(&self) -> &'a Platform {
        &self.call.platform
    }

    /// The request.
    pub fn request(&self) -> &'a Request {
        &self.call.request
    }

    /// The call.
    pub fn call(&self) -> &'a Call {
        self.call
    }

    /// The fact for [`super::Subject::own_configuration`] about a request for this SSO configuration. `None` for every caller
    /// but a setup session.
    pub fn owns_configuration(&self, id: SsoConfigurationId) -> Option<bool> {
        self.caller.setup.as_ref().map(|setup| setup.sso_configuration_id == Some(id))
    }

    /// The fact for [`super::Subject::worked_before`] about a change of something that `worked` at a time before. `None` for
    /// every caller but a setup session, which began at that time.
    pub fn worked_before(&self, worked: impl FnOnce(Timestamp) -> bool) -> Option<bool> {
        self.caller.setup.as_ref().map(|_| worked(self.caller.created_at))
    }

    /// Returns true for a setup session whose identity provider the platform enables.
    pub fn platform_enables(&self) -> bool {
        self.caller.setup.as_ref().is_some_and(|setup| setup.enable == Enable::Platform)
    }

    /// Loads items that only became known on the way. One more round trip.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for the first required item that does not exist.
    pub async fn load<R: Reads>(&self, reads: R) -> Result<R::Loaded, Failure> {
        Ok(self.call.platform.table.load(reads).await?)
    }

    /// Writes an observation, without an audit record. `false` if another request wrote in between.
    pub async fn note(&self, grant: &Grant, writes: Writes) -> Result<bool, Failure> {
        match self.call.platform.table.note(grant, writes).await {
            Ok(_) => Ok(true),
            Err(CommitError::Lost) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
