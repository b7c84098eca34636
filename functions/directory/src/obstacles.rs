//! Obstacles: a withdrawn organisation, an inactive server, above something that is read or changed.

use trustplane_domain::Failure;
use trustplane_domain::directory::obstacle::{Obstacle, describe, refusal};
use trustplane_runtime::Response;

/// Adds a `Warning` to the response where its resource cannot be used (RFC 7234, 5.5: 299 is a "miscellaneous persistent
/// warning"). Clients of this API parse closed schemas, so the body has no place for it.
pub(crate) fn warned(response: Response, obstacles: &[Obstacle]) -> Response {
    if obstacles.is_empty() {
        response
    } else {
        response.header("warning", format!("299 trustplane \"{}\"", describe(obstacles)))
    }
}

/// Refuses a change below an obstacle.
pub(crate) fn unobstructed(obstacles: &[Obstacle]) -> Result<(), Failure> {
    refusal(obstacles).map_or(Ok(()), Err)
}
