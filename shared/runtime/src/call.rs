//! One request: what it reads, and what it decides.
//!
//! A handler is a chain of steps:
//!
//! ```no_run
//! # use trustplane_domain::{Failure, directory::{ids::OrganisationId, organisation::{Organisation, OrganisationUpdate}}};
//! # use trustplane_policy::{Image, Kind};
//! # use trustplane_runtime::{Call, Decision, Request, Response, Subject};
//! # fn id(_: &Request) -> Result<OrganisationId, Failure> { unimplemented!() }
//! # fn update(_: &Request) -> Result<OrganisationUpdate, Failure> { unimplemented!() }
//! # fn image(_: &Organisation) -> Image { unimplemented!() }
//! # fn body(_: &Organisation) -> String { unimplemented!() }
//! pub async fn put(call: Call) -> Result<Response, Failure> {
//!     call.input(id)
//!         .body(update)
//!         .reads(|id, keys| keys.organisation(id))
//!         .subject(|(id, _), organisation, _| Subject::new(Kind::Organisation, id.as_str()).stored(organisation, image))
//!         .decide(|(_, update), organisation, cx| {
//!             let after = organisation.value.updated(update.clone(), cx.now);
//!             Ok(Decision::update(&organisation, &after, image, Response::ok(&body(&after))))
//!         })
//!         .await
//! }
//! ```
//!
//! The runtime runs the steps in this order:
//!
//! 1. `input` parses the path, the query, and fields of the body that a key depends on.
//! 2. The credential, the tenant, a response kept for a retry and everything that `reads` names are read in one round
//!    trip.
//! 3. The credential is verified (401), then the tenant header and the tenant's status (400, 403).
//! 4. `body` parses the body; the faults of headers, input and body are reported together (406, 413, 415, 400).
//! 5. `subject` and `decide` (or `plan`) run sealed: nothing of their outcome leaves before the policies have permitted
//!    the request (403).
//! 6. A response that was kept for this very request is replayed.
//! 7. Refusals are reported: 404, then 412 for `If-Match` and `If-None-Match`, then 409 and others.
//! 8. With a `plan`, external work ([`Planning::then`]) or further reads ([`Planning::further`]) come here, and `decide`
//!    gets their result.
//! 9. The writes, their audit record and the response to keep are written in one transaction. After a lost race, the
//!    request starts over at 2, three times in all; then 409.

mod attempt;
mod budget;
mod completion;
mod context;
mod decision;
mod open;
mod precondition;
mod steps;
mod subject;

use std::rc::Rc;
use std::sync::Arc;

use trustplane_domain::directory::fapi;
use trustplane_domain::ids::TenantId;
use trustplane_domain::policy::PolicySet;
use trustplane_domain::{Failure, Timestamp};
use trustplane_functions::JSON;
use trustplane_policy::{Action, Origin, Policies, PoliciesError};

pub(crate) use attempt::{ATTEMPTS, stand_back};
pub use budget::Budget;
pub use context::Context;
pub use decision::{Decision, Planned};
pub use steps::{Deciding, Further, Planning, Reading, Worked, Working};
pub use subject::Subject;

use crate::log::Trace;
use crate::policies::{Known, compile};
use crate::{Dialect, Platform, Request};

/// A request, and what its function has to serve it.
#[derive(Debug)]
pub struct Call {
    /// The clients and settings of the process.
    pub platform: Arc<Platform>,
    /// The request.
    pub request: Request,
    /// The time of the request.
    pub now: Timestamp,
    pub(crate) policies: Arc<Known>,
    pub(crate) origin: Origin,
    pub(crate) dialect: Dialect,
    pub(crate) action: Option<Action>,
    /// The query parameters of an endpoint that refuses others.
    pub(crate) strict_queries: Option<&'static [&'static str]>,
    /// The media types of a successful response.
    pub(crate) produces: &'static [&'static str],
    pub(crate) trace: Rc<Trace>,
}

impl Call {
    /// The policies of a tenant that has this set: the built-in ones and the enabled ones of the set.
    pub fn policies_with(&self, set: &PolicySet) -> Result<Policies, PoliciesError> {
        compile(&self.policies.built_in, set)
    }

    /// This call, whatever its `Idempotency-Key`: no response is kept, and a retry is served anew.
    #[must_use]
    pub fn without_retry_key(self) -> Self {
        Self { request: self.request.without_retry_key(), ..self }
    }

    /// The media type of a successful response: the first that the client accepts.
    pub fn media_type(&self) -> &'static str {
        let accept = self.request.header("accept");
        let accepted = self.produces.iter().find(|one| fapi::accepts(accept, one));
        accepted.or(self.produces.first()).copied().unwrap_or(JSON)
    }

    /// Checks the headers of a request that needs no credential, and parses its body. All faults are reported together.
    ///
    /// # Errors
    /// 406, 413, 415, 400.
    pub fn public_body<B>(&self, parse: impl FnOnce(&Request) -> Result<B, Failure>) -> Result<B, Failure> {
        self.check(Ok(()), Box::new(parse)).map(|((), body)| body)
    }

    /// Notes the tenant of a request that needs no credential, for the log.
    pub fn served(&self, tenant: TenantId) {
        self.trace.verified(tenant);
    }

    /// Waits after a lost race, for a random time that grows with the attempts.
    pub async fn stand_back(&self, attempt: usize) {
        stand_back(attempt).await;
    }

    /// The source of the request.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Failure> {
        crate::random()
    }
}
