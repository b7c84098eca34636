//! The setup page: its document and the files that it names.

use crate::{Dialect, Function, Route, Trigger};

/// Fields that both routes share.
const PAGE: Route = Route {
    method: "GET",
    path: "/setup",
    dialect: Dialect::Integration,
    action: None,
    queries: &[],
    request: None,
    status: 200,
    response: None,
    produces: &["text/html"],
};

/// Functions of the family.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "get-setup-page",
        family: "setup-page",
        summary: "Get setup page",
        trigger: Trigger::Http(PAGE),
        permissions: &[],
    },
    Function {
        name: "get-setup-asset",
        family: "setup-page",
        summary: "Get stylesheet or script of the setup page",
        trigger: Trigger::Http(Route { path: "/setup/{asset}", produces: &["text/css", "text/javascript"], ..PAGE }),
        permissions: &[],
    },
];
