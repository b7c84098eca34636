//! What a change comes to: what it writes and answers, and the leave to do so.

use trustplane_policy::{Change, Grant, Image, Resource};
use trustplane_store::{StoreError, Writes};

use super::store_failure;
use crate::Reply;
use trustplane_domain::Failure;

/// What a change writes, and what is answered once it is written.
#[derive(Debug)]
pub struct Answer {
    /// What to write; nothing, where all is as it should be already.
    pub writes: Writes,
    /// What to answer.
    pub reply: Reply,
    /// What to keep for a retry, where that is not the reply itself: a secret is shown once.
    pub kept: Option<Reply>,
    /// What else has changed by it, each before and after: an audit record each.
    pub also: Vec<(Resource, Option<Image>, Option<Image>)>,
    /// Whether it has an audit record though nothing is written.
    pub(super) is_told: bool,
}

/// A change that policies allow, not yet written.
#[derive(Debug)]
pub struct Permitted<T> {
    /// The leave.
    pub grant: Grant,
    /// The change.
    pub change: Change<T>,
    pub(super) replay: Option<Reply>,
}

impl Answer {
    /// Write this, then answer that.
    pub fn new(writes: Writes, reply: Reply) -> Self {
        Self { writes, reply, kept: None, also: Vec::new(), is_told: false }
    }

    /// Write nothing but the audit record of what happened, then answer that.
    pub fn told(reply: Reply) -> Self {
        Self { is_told: true, ..Self::new(Writes::new(), reply) }
    }

    /// With another reply to keep for a retry.
    #[must_use]
    pub fn keeping(mut self, kept: Reply) -> Self {
        self.kept = Some(kept);
        self
    }

    /// With something else that changes by it, and has an audit record of its own.
    #[must_use]
    pub fn telling(mut self, resource: Resource, before: Option<Image>, after: Option<Image>) -> Self {
        self.also.push((resource, before, after));
        self
    }
}

impl<T> Permitted<T> {
    /// The same leave for what becomes of the change once more was learnt than the table knows.
    pub fn map<U>(
        self,
        make: impl FnOnce(Change<T>) -> Result<Change<U>, StoreError>,
    ) -> Result<Permitted<U>, Failure> {
        let change = make(self.change).map_err(|error| store_failure(&error))?;
        Ok(Permitted { grant: self.grant, change, replay: self.replay })
    }

    /// The reply that was kept of this very request, if it came before: nothing more is to be done for it.
    pub fn replay(&self) -> Option<&Reply> {
        self.replay.as_ref()
    }

    /// Whether it is a retry, which is answered as the first request was: nothing needs to be learnt for it.
    pub fn is_retry(&self) -> bool {
        self.replay.is_some()
    }
}
