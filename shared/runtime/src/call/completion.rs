//! Completion of a section of the setup page: the link of the caller notes it in the transaction of the request.

use trustplane_domain::Failure;
use trustplane_domain::setup::{Event, SetupLink, View};
use trustplane_policy::{Image, Kind, Resource};
use trustplane_store::Writes;

use super::{Context, Decision};

impl Decision {
    /// Adds the change of the caller's setup link, if it is a setup session and this completes a section for the first time.
    /// Reads the link then.
    pub(super) async fn with_completion(self, cx: &Context<'_>) -> Result<Self, Failure> {
        let (Some(section), Some(session)) = (self.completes, &cx.caller.setup) else { return Ok(self) };
        let Some(link) = cx.load(cx.keys.setup_link(session.link).optional()).await?.item else { return Ok(self) };
        let Some(after) = link.value.completed(section, cx.now) else { return Ok(self) };
        let leaves_own = self.is_response_alone();
        let decision = self.and(Writes::new().replace(&link, &after)).noting(
            &link.value,
            &after,
            Event::SectionCompleted(section),
        );
        let decision = Self { leaves_own, ..decision };
        Ok(if after.completed_at().is_some() { decision.noting(&after, &after, Event::Completed) } else { decision })
    }

    /// Adds the audit record of an event of a link.
    fn noting(self, before: &SetupLink, after: &SetupLink, event: Event) -> Self {
        let resource = Resource::new(Kind::SetupLink, after.id.to_string());
        self.also_changing(resource, Some(Image::of(&View::of(before))), Some(Image::of(&View::after(after, event))))
    }
}
