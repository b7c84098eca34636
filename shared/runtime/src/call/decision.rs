//! Decisions: the writes of a request, its audit record and its response, as plain data.

use trustplane_domain::setup::Section;
use trustplane_policy::{Grant, Image, Question, Resource};
use trustplane_store::{AuditedChange, CommitError, Idempotency, Item, Key, Stored, Table, Writes};

use crate::Response;

/// The change that a request makes, and the response to it once it is written.
#[derive(Debug)]
pub struct Decision {
    pub(super) writes: Writes,
    pub(super) response: Response,
    /// The resource as it will be, for the policies and the audit record.
    pub(super) after: Option<Image>,
    /// The response to keep for a retry, where that is another one: a secret is shown once.
    pub(super) kept: Option<Response>,
    /// Other resources that change, each with an audit record of its own.
    pub(super) also: Vec<AlsoChanged>,
    /// Images for the audit record, where they are others than the policies were asked about.
    pub(super) audit: Option<(Option<Image>, Option<Image>)>,
    /// The request has an audit record although nothing is written.
    pub(super) is_recorded: bool,
    /// A claim that another tenant holds is no failure: the decision is made again, with [`super::Context::claim_lost`].
    pub(super) may_lose_claim: bool,
    /// Races that are lost again and again are no failure: the decision is made once more, with
    /// [`super::Context::race_lost`].
    pub(super) may_lose_race: bool,
    /// The section of the setup page that this completes, if the caller is a setup session.
    pub(super) completes: Option<Section>,
    /// The resource of the request stays as it is, and has no audit record.
    pub(super) leaves_own: bool,
}

/// A resource that changes beside the one that the request is about.
#[derive(Debug)]
pub(super) struct AlsoChanged {
    pub(super) resource: Resource,
    pub(super) before: Option<Image>,
    pub(super) after: Option<Image>,
}

/// A decision that is not complete yet: external work or further reads come between the policies and the writes.
#[derive(Debug)]
pub struct Planned<P> {
    pub(super) plan: P,
    pub(super) after: Option<Image>,
}

impl Decision {
    /// Writes, and the response once they are written.
    pub fn write(writes: Writes, response: Response) -> Self {
        Self {
            writes,
            response,
            after: None,
            kept: None,
            also: Vec::new(),
            audit: None,
            is_recorded: false,
            may_lose_claim: false,
            may_lose_race: false,
            completes: None,
            leaves_own: false,
        }
    }

    /// A response; nothing is written.
    pub fn respond(response: Response) -> Self {
        Self::write(Writes::new(), response)
    }

    /// Replaces an item by `after`; writes nothing if it is equal. The response carries the `ETag` of the version that
    /// the item then has.
    pub fn update<T: Item + PartialEq>(
        before: &Stored<T>,
        after: &T,
        image: impl FnOnce(&T) -> Image,
        response: Response,
    ) -> Self {
        let version = if *after == before.value { before.version } else { before.version + 1 };
        Self::write(Writes::new().replace_if_changed(before, after), response.etag(version)).after(image(after))
    }

    /// With the resource as it will be.
    #[must_use]
    pub fn after(self, image: impl Into<Option<Image>>) -> Self {
        Self { after: image.into(), ..self }
    }

    /// With further writes.
    #[must_use]
    pub fn and(self, writes: Writes) -> Self {
        Self { writes: self.writes.and(writes), ..self }
    }

    /// With another response to keep for a retry.
    #[must_use]
    pub fn keeping(self, kept: Response) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// With another resource that changes, which gets an audit record of its own.
    #[must_use]
    pub fn also_changing(mut self, resource: Resource, before: Option<Image>, after: Option<Image>) -> Self {
        self.also.push(AlsoChanged { resource, before, after });
        self
    }

    /// With an audit record although nothing is written.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self { is_recorded: true, ..self }
    }

    /// With other images in the audit record than the policies were asked about.
    #[must_use]
    pub fn audited_as(self, before: Option<Image>, after: Option<Image>) -> Self {
        Self { audit: Some((before, after)), ..self }
    }

    /// Decides again, with [`super::Context::claim_lost`], if another tenant holds the claim.
    #[must_use]
    pub fn may_lose_claim(self) -> Self {
        Self { may_lose_claim: true, ..self }
    }

    /// Tries more often after a lost race, and then decides once more, with [`super::Context::race_lost`], what is left to
    /// write: for requests that a person sends several times at once, of which none may fail because of the others.
    #[must_use]
    pub fn may_lose_race(self) -> Self {
        Self { may_lose_race: true, ..self }
    }

    /// Completes a section of the setup page, if `is_complete` and the caller is a setup session: its link notes that with an
    /// audit record of its own. One more round trip.
    #[must_use]
    pub fn completing(mut self, section: Section, is_complete: bool) -> Self {
        self.completes = is_complete.then_some(section);
        self
    }

    /// Reports that nothing at all is to be written.
    pub(crate) fn is_response_alone(&self) -> bool {
        self.writes.is_empty() && !self.is_recorded
    }

    /// The response to keep for a retry.
    pub(super) fn to_keep(&self) -> &Response {
        self.kept.as_ref().unwrap_or(&self.response)
    }

    /// Writes the decision with its audit records, which name the resource of `question`.
    pub(crate) async fn commit(
        self,
        table: &Table,
        grant: &Grant,
        question: &Question,
        keep: Option<&(Key<Idempotency>, Idempotency)>,
    ) -> Result<Response, CommitError> {
        let own_after = self.after.or_else(|| question.after.clone());
        let (before, after) = self.audit.unwrap_or_else(|| (question.before.clone(), own_after));
        let own = AuditedChange { resource: &question.resource, before: before.as_ref(), after: after.as_ref() };
        let also = self.also.iter().map(|also| AuditedChange {
            resource: &also.resource,
            before: also.before.as_ref(),
            after: also.after.as_ref(),
        });
        let own = (!self.leaves_own).then_some(own);
        let changes: Vec<AuditedChange<'_>> = own.into_iter().chain(also).collect();
        table.commit_all(grant, &changes, self.writes, keep.map(|(key, response)| (key, response))).await?;
        Ok(self.response)
    }

    /// The response, for a decision that writes nothing.
    pub(crate) fn into_response(self) -> Response {
        self.response
    }
}

impl From<Response> for Decision {
    fn from(response: Response) -> Self {
        Self::respond(response)
    }
}

impl<P> Planned<P> {
    /// A plan, nothing known of the resource after it.
    pub fn new(plan: P) -> Self {
        Self { plan, after: None }
    }

    /// With the resource as it will be.
    #[must_use]
    pub fn after(self, image: impl Into<Option<Image>>) -> Self {
        Self { after: image.into(), ..self }
    }

    /// With another plan, the resource after it the same.
    pub fn map<Q>(self, map: impl FnOnce(P) -> Q) -> Planned<Q> {
        Planned { plan: map(self.plan), after: self.after }
    }
}

impl From<Decision> for Planned<Decision> {
    fn from(mut decision: Decision) -> Self {
        let after = decision.after.take();
        Self { plan: decision, after }
    }
}
