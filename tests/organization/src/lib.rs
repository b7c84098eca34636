//! A local customer AWS organization: STS, SSO Admin, Organizations and KMS, as the AWS SDKs see them.
//!
//! `cargo local` and the end-to-end tests direct the real SDKs here. The organization is small and strict. It enforces a role's
//! trust policy with its `sts:ExternalId` condition, the role's permissions, its account's place in the organization, and the
//! instance's region. It requires signed requests, verifies the signatures of sessions and enforces their expiry. Errors have AWS's
//! formats. Unsupported requests are refused.
//!
//! # Fixture
//!
//! The demo customer has an organization with a management account ([`MANAGEMENT_ACCOUNT`]), a delegated administrator of IAM
//! Identity Center ([`DELEGATED_ACCOUNT`]), a plain member ([`MEMBER_ACCOUNT`]) and three more accounts. It has an instance
//! ([`INSTANCE_ARN`]) with an identity store ([`IDENTITY_STORE_ID`]) in [`REGION`], twelve permission sets and some assignments.
//! There is a second customer, for tests of two tenants: [`OTHER_MANAGEMENT_ACCOUNT`], [`OTHER_INSTANCE_ARN`]. Both are in one
//! process because the platform serves both.
//!
//! A caller with an access key that this STS did not issue counts as the platform: a function in the account [`PLATFORM_ACCOUNT`],
//! which has every permission there and none elsewhere.
//!
//! # Roles
//!
//! A role exists after its registration. [`Organization::trust_role`] creates one that trusts the platform with some ExternalIds and
//! has read permissions ([`READ_ACTIONS`]). [`Organization::deploy_cloudformation`] creates the one in a template.
//!
//! `arn:aws:iam::123456789012:role/tenant/{ExternalId}` exists without registration, and trusts the platform with the ExternalId that
//! it is named after alone; with several in its path, with each of them.
//!
//! # Scenarios
//!
//! To simulate a failure, save a role with the failure's name: `arn:aws:iam::123456789012:role/scenario/no-trust`. These roles
//! exist without registration. They trust the ExternalIds of [`Organization::trust_external_id`], so that a scenario fails for its
//! own reason only. [`Scenario::catalogue`] lists them, [`Scenario::role_arn`] returns the ARN.
//!
//! | role | effect |
//! |---|---|
//! | `healthy`, `delegated-administrator` | everything works |
//! | `no-trust` | AssumeRole: AccessDenied, the same as for an unknown role or a wrong ExternalId |
//! | `external-id-not-enforced` | AssumeRole works without an ExternalId and with any |
//! | `account-mismatch` | GetCallerIdentity reports [`MEMBER_ACCOUNT`] |
//! | `wrong-region` | the instance's region is eu-west-1: ListInstances shows it with `ALL_REGIONS` only |
//! | `instance-deleted` | ListInstances lacks it, DescribeInstance denies access |
//! | `instance-deleting`, `instance-creating`, `instance-create-failed` | its `Status` |
//! | `account-instance` | its owner is a member account; it has no permission sets (role in [`MEMBER_ACCOUNT`]) |
//! | `member-account` | the caller's account is a member: it sees the instance but cannot read its permission sets |
//! | `missing-sso-DescribeInstance`, and so on for any action | the role lacks that permission |
//! | `kms-denied`, `kms-disabled`, `kms-invalid-state`, `kms-invalid-key-usage`, `kms-not-found`, `kms-throttled` | the exceptions whose `Reason` is about the customer's key |
//! | `network-restricted` | the instance's network access controls: an explicit deny of everything on the instance |
//! | `network-restricted-scp` | a service control policy: an explicit deny of everything (role in [`DELEGATED_ACCOUNT`]) |
//! | `kms-update-failed` | its encryption with another key failed; the previous key is still used |
//! | `throttled`, `throttled-twice` | SSO Admin and Organizations throttle every call; two of three calls of each operation |
//! | `slow`, `slow-20` | each of their calls takes 3 seconds; 20 seconds |
//! | `unreachable` | they close the connection without a response |
//! | `internal-failure` | they return 500 |
//! | `refused` | they return `OptInRequired`, which is neither a denial nor an internal error |
//! | `sts-throttled`, `sts-slow`, ... | the same for AssumeRole (of each ExternalId) and GetCallerIdentity |
//! | `sts-refused` | they return `RegionDisabledException` |
//! | `proxy`, `clock-skewed`, and with `sts-` | something between answers with HTML; the signature is expired |
//! | `replicated-instance`, `instance-new` | the instance's primary region is eu-west-1, with a replica here; it is not listed yet |
//! | `region-not-enabled` | the instance is in af-south-1, which does not accept the account's sessions |
//! | `region-denied-scp`, `account-denied` | a service control policy denies the region, or one account; its ARN is named |
//! | `kms-denied-by-name`, `kms-gone-midway` | the key denies in IAM's words; it is gone when assignments are read |
//! | `sessions-revoked`, `slow-propagation` | sessions are denied after 3 seconds; a new role works after 4 and 8 seconds |
//! | `sets-vanish`, `account-twice` | permission sets that are listed do not exist; an account is twice on each page |
//! | `tokens-expire`, `token-repeats` | pages of two; each token is refused once; each page has the same token |
//! | `throttled-midway`, `transient-errors` | four of 16 calls are throttled, one after the other; errors that pass, with status 400 |
//! | `permission-lost` | the role loses a permission after it used it three times |
//! | `medium-organization`, `large-organization` | an organization of [`Size::MEDIUM`] or [`Size::LARGE`] |
//!
//! # Keys
//!
//! KMS has the keys of [`Organization::add_key`], in the platform's account. Their material is derived from their ids, so that
//! ciphertexts from before a restart can be decrypted. It is a stand-in without secrets.
//!
//! # Limits
//!
//! AWS does not document everything. The responses to a member account's calls on its organization's instance are as others have
//! observed them. Its permission to call DescribeInstance is inferred from managed applications, which need the call there. The
//! texts of `network-restricted` and of KMS's refusals are guesses in AWS's usual wording. Do not rely on texts; rely on codes.
//!
//! Nothing can be changed through the AWS APIs. Requests are `POST /` only. Service control policies, permission boundaries and
//! tags are not evaluated. For the platform's own credentials, the form and age of the signature is checked, not its value.

mod answer;
mod assignments;
mod calls;
mod cloudformation;
mod fixture;
mod iam;
mod kms;
mod oddity;
mod organizations;
mod page;
mod role;
mod scenario;
mod sigv4;
mod size;
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
use self::fixture::CustomerKey;
pub use self::fixture::{
    DELEGATED_ACCOUNT, IDENTITY_STORE_ID, INSTANCE_ARN, MANAGEMENT_ACCOUNT, MEMBER_ACCOUNT, OTHER_IDENTITY_STORE_ID,
    OTHER_INSTANCE_ARN, OTHER_MANAGEMENT_ACCOUNT, OTHER_MEMBER_ACCOUNT, OTHER_ROLE_ARN, PLATFORM_ACCOUNT, REGION,
    ROLE_ARN,
};
use self::kms::Key;
pub use self::kms::{KeySpec, KeyState};
pub use self::oddity::{Oddity, POLICY_ARN};
pub use self::role::READ_ACTIONS;
use self::role::Role;
pub use self::scenario::{Fault, KmsReason, Reach, Scenario, UnknownScenario};
pub use self::size::Size;
use self::state::State;

/// The local organization. Clones share everything.
#[derive(Clone)]
pub struct Organization {
    state: Arc<Mutex<State>>,
}

impl Organization {
    /// Creates the two customers, without roles and keys.
    pub fn demo() -> Self {
        Self { state: Arc::new(Mutex::new(State::demo())) }
    }

    /// Creates or replaces a role that trusts the platform with these ExternalIds and has read permissions
    /// ([`READ_ACTIONS`]). Without an ExternalId it trusts nobody. An ARN that is not a role's creates a role that no
    /// request can name.
    pub fn trust_role(&self, role_arn: &str, external_ids: &[&str]) {
        let role = Role::trusting_platform(Some(external_ids.iter().map(|id| (*id).to_owned()).collect()));
        self.state().roles.insert(role_arn.to_owned(), role);
    }

    /// Deploys a CloudFormation template that creates one role, with its parameters' defaults, in
    /// [`MANAGEMENT_ACCOUNT`]. The role has exactly the template's trust and permissions. Returns the role's ARN.
    ///
    /// # Errors
    /// Describes the invalid or unsupported content of the template.
    pub fn deploy_cloudformation(&self, yaml: &str) -> Result<String, DeployError> {
        self.deploy_cloudformation_in(MANAGEMENT_ACCOUNT, &[], yaml)
    }

    /// Deploys a template like [`Self::deploy_cloudformation`], in another account or with parameters.
    ///
    /// # Errors
    /// Describes the invalid or unsupported content of the template or its parameters.
    pub fn deploy_cloudformation_in(
        &self,
        account: &str,
        parameters: &[(&str, &str)],
        yaml: &str,
    ) -> Result<String, DeployError> {
        cloudformation::deploy(&mut self.state(), account, parameters, yaml)
    }

    /// Encrypts the demo customer's instance with a customer managed key: its roles need `kms:Decrypt` on it.
    pub fn encrypt_instance(&self, key_arn: &'static str) {
        for customer in &mut self.state().customers {
            for instance in Arc::make_mut(customer).instances.iter_mut().filter(|one| one.arn == INSTANCE_ARN) {
                instance.customer_key = Some(CustomerKey { arn: key_arn, status: "ENABLED", status_reason: None });
            }
        }
    }

    /// Makes the roles of all scenarios trust the platform with this ExternalId, in addition to earlier ones.
    pub fn trust_external_id(&self, external_id: &str) {
        self.state().external_ids.insert(external_id.to_owned());
    }

    /// Removes this ExternalId from the trust of all scenarios' roles.
    pub fn distrust_external_id(&self, external_id: &str) {
        self.state().external_ids.remove(external_id);
    }

    /// Sets a role's permissions to exactly these actions, on any resource. Does nothing if the role is not registered.
    pub fn permit_role(&self, role_arn: &str, actions: &[&str]) {
        if let Some(role) = self.state().roles.get_mut(role_arn) {
            role.permissions = vec![iam::Policy::allowing(actions.iter().copied())];
        }
    }

    /// Deletes a role. Its sessions stay valid but have no permissions, as on AWS.
    pub fn remove_role(&self, role_arn: &str) {
        self.state().roles.remove(role_arn);
    }

    /// Expires all sessions that were issued so far.
    pub fn expire_sessions(&self) {
        for session in self.state().sessions.values_mut() {
            session.expires = OffsetDateTime::UNIX_EPOCH;
        }
    }

    /// Returns the secrets and tokens of all sessions that were issued so far, for tests that search for leaks.
    pub fn issued_secrets(&self) -> Vec<String> {
        let state = self.state();
        let sessions = state.sessions.values();
        sessions.flat_map(|session| [session.secret_access_key.clone(), session.token.clone()]).collect()
    }

    /// Creates a KMS key in the platform's account. The same id and spec create the same key at every start. An RSA key
    /// takes seconds in a debug build.
    pub fn add_key(&self, id: &str, spec: KeySpec) {
        let key = Key::new(id, spec);
        // Created here, not under the lock on first use.
        key.key_pair();
        self.state().keys.insert(id.to_owned(), key);
    }

    /// Adds the alias `alias/<alias>` of a key.
    pub fn add_alias(&self, alias: &str, key_id: &str) {
        self.state().aliases.insert(alias.to_owned(), key_id.to_owned());
    }

    /// Sets a key's state: enabled, or an error.
    pub fn set_key_state(&self, id: &str, state: KeyState) {
        if let Some(key) = self.state().keys.get_mut(id) {
            key.state = state;
        }
    }

    /// Returns the calls since the start or since [`Self::clear_calls`], oldest first, at most the last 10,000.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().cloned().collect()
    }

    /// Returns the number of calls of an operation since the start or since [`Self::clear_calls`], however many there were.
    pub fn count(&self, operation: &str) -> usize {
        self.state().counts.get(operation).copied().unwrap_or_default()
    }

    /// Clears the recorded calls and the counters of throttling.
    pub fn clear_calls(&self) {
        let mut state = self.state();
        state.forgotten += state.calls.len();
        state.calls.clear();
        state.counts.clear();
        state.attempts.clear();
    }

    /// Returns the organization as a router, to serve together with other routes. Where a scenario closes the
    /// connection without a response, a router sends an empty 503: only [`Self::serve`] can close it.
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

    /// Serves requests on a listener, until the future is dropped.
    pub async fn serve(self, listener: TcpListener) -> Infallible {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of file descriptors, or a connection that was closed before it was accepted.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            // Responses are small. Sending them immediately is faster.
            stream.set_nodelay(true).ok();
            let organization = self.clone();
            let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let organization = organization.clone();
                async move { organization.answer(request.map(Body::new)).await }
            });
            tokio::spawn(async move {
                // A connection ends with an error if its client disconnects, or if a scenario closes it.
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
            });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
