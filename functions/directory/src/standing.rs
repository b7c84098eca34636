//! What is said where something stands below an obstacle: a withdrawn organisation, an inactive server.

use trustplane_domain::directory::standing::{Obstacle, describe};
use trustplane_runtime::Reply;

/// The reply, with a `Warning` where what it shows cannot be used (RFC 7234, 5.5: 299 is a "miscellaneous persistent
/// warning"). Clients of this API parse closed schemas, so that the body has no place for it.
pub(crate) fn warned(reply: Reply, obstacles: &[Obstacle]) -> Reply {
    if obstacles.is_empty() {
        reply
    } else {
        reply.header("warning", format!("299 trustplane \"{}\"", describe(obstacles)))
    }
}
