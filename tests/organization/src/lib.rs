//! A local customer AWS organization: STS, SSO Admin, Organizations and KMS, as the AWS SDKs see them.
//!
//! `cargo local` and the end-to-end tests point the real SDKs here. It is small and strict: a role's trust policy and its
//! `sts:ExternalId` condition are enforced, so are the permissions of the role, its account's place in the organization, and the
//! instance's region; a request must be signed, a session's signature is verified and its expiry kept; errors come in the shapes
//! that AWS sends. What it does not know, it refuses.
//!
//! # What exists
//!
//! The demo customer has an organization with a management account ([`MANAGEMENT_ACCOUNT`]), an account that is delegated to
//! administer IAM Identity Center ([`DELEGATED_ACCOUNT`]), a plain member ([`MEMBER_ACCOUNT`]) and three more; an instance
//! ([`INSTANCE_ARN`]) with an identity store ([`IDENTITY_STORE_ID`]) in [`REGION`], twelve permission sets and some assignments.
//! There is a second customer, to be the other party in tests: [`OTHER_MANAGEMENT_ACCOUNT`], [`OTHER_INSTANCE_ARN`]. Both are in
//! one process because the platform serves both.
//!
//! Whoever signs with an access key that this STS did not issue is the platform: a function of the account
//! [`PLATFORM_ACCOUNT`], which has every permission there and none elsewhere.
//!
//! # Roles
//!
//! A role exists once it is registered: [`Organization::trust_role`] makes one that trusts the platform under some ExternalIds and
//! may read ([`READ_ACTIONS`]); [`Organization::deploy_cloudformation`] makes the one that a template describes.
//!
//! # Scenarios
//!
//! To see a failure, save a role whose name is the failure's: `arn:aws:iam::123456789012:role/scenario/no-trust`. These roles
//! exist without being registered. They trust the ExternalIds that [`Organization::trust_external_id`] was told, so that a
//! scenario fails for its own reason and no other. [`Scenario::catalogue`] lists them, [`Scenario::role_arn`] has the ARN.
//!
//! | role | what happens |
//! |---|---|
//! | `healthy`, `delegated-administrator` | everything works |
//! | `no-trust` | AssumeRole: AccessDenied, the same as for an unknown role or a wrong ExternalId |
//! | `external-id-not-enforced` | AssumeRole works without an ExternalId and with any |
//! | `account-mismatch` | GetCallerIdentity reports [`MEMBER_ACCOUNT`] |
//! | `wrong-region` | the instance's region is eu-west-1: ListInstances shows it with `ALL_REGIONS` only |
//! | `instance-deleted` | ListInstances lacks it, DescribeInstance denies access |
//! | `instance-deleting`, `instance-creating`, `instance-create-failed` | its `Status` |
//! | `account-instance` | its owner is a member account; it has no permission sets (role in [`MEMBER_ACCOUNT`]) |
//! | `member-account` | the caller's account is a member: it sees the instance and may not read its permission sets |
//! | `missing-sso-DescribeInstance`, and so on for any action | the role lacks that permission |
//! | `kms-denied`, `kms-disabled`, `kms-invalid-state`, `kms-invalid-key-usage`, `kms-not-found`, `kms-throttled` | the exceptions whose `Reason` is about the customer's key |
//! | `network-restricted` | the instance's network access controls: an explicit deny of everything on the instance |
//! | `network-restricted-scp` | a service control policy: an explicit deny of everything (role in [`DELEGATED_ACCOUNT`]) |
//! | `kms-update-failed` | its encryption with another key failed; the one before it is used |
//! | `throttled`, `throttled-twice` | SSO Admin and Organizations throttle: always; two calls of three of each operation |
//! | `slow`, `slow-20` | each of their calls takes 3 seconds; 20 seconds |
//! | `unreachable` | they close the connection without a reply |
//! | `internal-failure` | they answer 500 |
//! | `refused` | they answer `OptInRequired`, which is neither a denial nor their own fault |
//! | `sts-throttled`, `sts-slow`, ... | the same for AssumeRole (of each ExternalId) and GetCallerIdentity |
//! | `sts-refused` | they answer `RegionDisabledException` |
//!
//! # Keys
//!
//! KMS has the keys that [`Organization::add_key`] was told, of the platform's account. Their material is derived from their ids,
//! so that what was encrypted before a restart decrypts after it: a stand-in, with no secret in it.
//!
//! # What it leaves out
//!
//! AWS does not document everything: how a member account's calls on its organization's instance are answered is as others have
//! observed it, that DescribeInstance is among what it may do follows from managed applications needing it there, and the texts
//! of `network-restricted` and of what KMS refuses are guesses in AWS's usual words. Do not build on texts; build on codes.
//!
//! Nothing can be changed through the AWS APIs. Requests are `POST /` only. Service control policies, permission boundaries and
//! tags are not evaluated. The signature of the platform's own credentials is checked for its form and age, not its value.

mod answer;
mod calls;
mod cloudformation;
mod fixture;
mod iam;
mod kms;
mod organizations;
mod page;
mod role;
mod scenario;
mod sigv4;
mod sso_admin;
mod state;
mod sts;
mod wire;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use time::OffsetDateTime;
use tokio::net::TcpListener;

pub use self::calls::{Call, Service};
pub use self::cloudformation::DeployError;
pub use self::fixture::{
    DELEGATED_ACCOUNT, IDENTITY_STORE_ID, INSTANCE_ARN, MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT, OTHER_IDENTITY_STORE_ID,
    OTHER_INSTANCE_ARN, OTHER_MANAGEMENT_ACCOUNT, OTHER_MEMBER_ACCOUNT, OTHER_ROLE_ARN, PLATFORM_ACCOUNT, REGION,
    ROLE_ARN,
};
use self::kms::Key;
pub use self::kms::{KeySpec, KeyState};
pub use self::role::READ_ACTIONS;
use self::role::Role;
pub use self::scenario::{Fault, KmsReason, Reach, Scenario, UnknownScenario};
use self::state::State;

/// The local organization. Clones share everything.
#[derive(Clone)]
pub struct Organization {
    state: Arc<Mutex<State>>,
}

impl Organization {
    /// The two customers, with no role and no key yet.
    pub fn demo() -> Self {
        Self { state: Arc::new(Mutex::new(State::demo())) }
    }

    /// Creates or replaces a role that trusts the platform under these ExternalIds, and may read ([`READ_ACTIONS`]). With no
    /// ExternalId it trusts nobody. An ARN that is no role's makes a role that no request can name.
    pub fn trust_role(&self, role_arn: &str, external_ids: &[&str]) {
        let role = Role::trusting_platform(Some(external_ids.iter().map(|id| (*id).to_owned()).collect()));
        self.state().roles.insert(role_arn.to_owned(), role);
    }

    /// Deploys a CloudFormation template that makes one role, with its parameters' defaults, in [`MANAGEMENT_ACCOUNT`]: exactly
    /// that role, with its trust and its permissions. Returns the role's ARN.
    ///
    /// # Errors
    /// What in the template is wrong, or not understood here.
    pub fn deploy_cloudformation(&self, yaml: &str) -> Result<String, DeployError> {
        self.deploy_cloudformation_in(MANAGEMENT_ACCOUNT, &[], yaml)
    }

    /// Deploys a template as [`Self::deploy_cloudformation`] does, in another account, or with parameters.
    ///
    /// # Errors
    /// What in the template or its parameters is wrong, or not understood here.
    pub fn deploy_cloudformation_in(
        &self,
        account: &str,
        parameters: &[(&str, &str)],
        yaml: &str,
    ) -> Result<String, DeployError> {
        cloudformation::deploy(&mut self.state(), account, parameters, yaml)
    }

    /// Makes the roles of all scenarios trust the platform under this ExternalId, besides those told before.
    pub fn trust_external_id(&self, external_id: &str) {
        self.state().external_ids.insert(external_id.to_owned());
    }

    /// Makes the roles of all scenarios no longer trust this ExternalId.
    pub fn distrust_external_id(&self, external_id: &str) {
        self.state().external_ids.remove(external_id);
    }

    /// Lets a role do just these actions, on any resource; a role that was not registered is not made.
    pub fn permit_role(&self, role_arn: &str, actions: &[&str]) {
        if let Some(role) = self.state().roles.get_mut(role_arn) {
            role.permissions = vec![iam::Policy::allowing(actions.iter().copied())];
        }
    }

    /// Deletes a role. Its sessions stay valid and may do nothing, as on AWS.
    pub fn remove_role(&self, role_arn: &str) {
        self.state().roles.remove(role_arn);
    }

    /// Ends every session that was issued so far: its credentials are expired.
    pub fn expire_sessions(&self) {
        for session in self.state().sessions.values_mut() {
            session.expires = OffsetDateTime::UNIX_EPOCH;
        }
    }

    /// The secrets and tokens of every session that was issued so far: for those who look whether one was written down.
    pub fn issued_secrets(&self) -> Vec<String> {
        let state = self.state();
        let sessions = state.sessions.values();
        sessions.flat_map(|session| [session.secret_access_key.clone(), session.token.clone()]).collect()
    }

    /// Creates a KMS key in the platform's account. The same id and spec is the same key at every start. An RSA key takes
    /// seconds to make in a debug build.
    pub fn add_key(&self, id: &str, spec: KeySpec) {
        let key = Key::new(id, spec);
        // Made here, not under the lock when it is first used.
        key.key_pair();
        self.state().keys.insert(id.to_owned(), key);
    }

    /// Lets a key be named `alias/<alias>`.
    pub fn add_alias(&self, alias: &str, key_id: &str) {
        self.state().aliases.insert(alias.to_owned(), key_id.to_owned());
    }

    /// Enables a key, or makes it fail.
    pub fn set_key_state(&self, id: &str, state: KeyState) {
        if let Some(key) = self.state().keys.get_mut(id) {
            key.state = state;
        }
    }

    /// The calls that arrived since the start, or since [`Self::clear_calls`], oldest first; the last 10,000 of them.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().cloned().collect()
    }

    /// Forgets the calls that arrived, and how often each was throttled.
    pub fn clear_calls(&self) {
        let mut state = self.state();
        state.forgotten += state.calls.len();
        state.calls.clear();
        state.attempts.clear();
    }

    /// The organization as a router, to serve beside other things. A connection that a scenario closes without a reply gets an
    /// empty 503 here: only [`Self::serve`] can close it.
    pub fn router(&self) -> Router {
        let organization = self.clone();
        Router::new().fallback(move |request: Request| {
            let organization = organization.clone();
            async move {
                organization.answer(request).await.unwrap_or_else(|_| {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                    response
                })
            }
        })
    }

    /// Answers on a listener, until the future is dropped.
    pub async fn serve(self, listener: TcpListener) -> Infallible {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file descriptors, or a connection that was gone before it was accepted.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            // Small replies; not waiting for more to send is only faster.
            stream.set_nodelay(true).ok();
            let organization = self.clone();
            let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let organization = organization.clone();
                async move { organization.answer(request.map(Body::new)).await }
            });
            tokio::spawn(async move {
                // A connection ends with an error when its client goes away, or a scenario closes it.
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
            });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
