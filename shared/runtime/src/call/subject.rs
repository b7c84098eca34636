//! The subject of a request: the resource that the policies are asked about.

use trustplane_policy::{Action, Image, Kind, Question, Resource};
use trustplane_store::{Item, Stored};

/// The resource of a request, as it is before the request.
#[derive(Clone, Debug)]
pub struct Subject {
    pub(crate) question: Question,
    /// The version that `If-Match` is compared with; `None` where there is no resource.
    pub(super) version: Option<u64>,
}

impl Subject {
    /// The resource of this kind and id, nothing known of it.
    pub fn new(kind: Kind, id: impl Into<String>) -> Self {
        Self { question: Question::new(Resource::new(kind, id)), version: None }
    }

    /// With the item that the resource is stored as, if there is one: its image, and its version for `If-Match`.
    #[must_use]
    pub fn stored<T: Item>(self, item: Option<&Stored<T>>, image: impl FnOnce(&T) -> Image) -> Self {
        match item {
            Some(item) => self.before(image(&item.value)).version(item.version),
            None => self,
        }
    }

    /// With the resource as it is.
    #[must_use]
    pub fn before(mut self, image: impl Into<Option<Image>>) -> Self {
        self.question.before = image.into();
        self
    }

    /// With the resource as it would be, where the request alone says so. A decision's own image replaces it.
    #[must_use]
    pub fn after(mut self, image: impl Into<Option<Image>>) -> Self {
        self.question.after = image.into();
        self
    }

    /// With the version that `If-Match` is compared with.
    #[must_use]
    pub fn version(self, version: impl Into<Option<u64>>) -> Self {
        Self { version: version.into(), ..self }
    }

    /// With another action than the function's own, where the request decides it: approving is not editing.
    #[must_use]
    pub fn action(mut self, action: Option<Action>) -> Self {
        self.question.action = action;
        self
    }

    /// With the fact that the actor submitted the version in question, or did not; for policies of four eyes.
    #[must_use]
    pub fn own_version(mut self, own: Option<bool>) -> Self {
        self.question.own_version = own;
        self
    }

    /// With the fact that a setup session asks about the SSO configuration of its link, or another one.
    #[must_use]
    pub fn own_configuration(mut self, own: Option<bool>) -> Self {
        self.question.own_configuration = own;
        self
    }

    /// With the fact that a setup session would change what worked before it began, or would not.
    #[must_use]
    pub fn worked_before(mut self, worked: Option<bool>) -> Self {
        self.question.worked_before = worked;
        self
    }
}

impl From<Resource> for Subject {
    fn from(resource: Resource) -> Self {
        Self { question: Question::new(resource), version: None }
    }
}
