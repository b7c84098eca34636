//! A row of the table for a function behind API Gateway.

use trustplane_policy::{Action, Group, Kind};

use crate::{Dialect, Function, JSON, Permission, Route, Trigger};

/// The fields of an endpoint that needs a credential. A family's constant fills in those that its endpoints share.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint {
    /// `<verb>-<resource>`, unique. Also the name of the Cedar action.
    pub(crate) name: &'static str,
    /// The package under `functions/`.
    pub(crate) family: &'static str,
    /// Title in the API document, a short imperative.
    pub(crate) summary: &'static str,
    /// The HTTP method.
    pub(crate) method: &'static str,
    /// The path, with parameters in braces.
    pub(crate) path: &'static str,
    /// The format of errors and headers.
    pub(crate) dialect: Dialect,
    /// The group of the Cedar action.
    pub(crate) group: Group,
    /// The kind of resource that the Cedar action is about.
    pub(crate) resource: Kind,
    /// The query parameters.
    pub(crate) queries: &'static [&'static str],
    /// The schema of the request body; `None` if there is no body.
    pub(crate) request: Option<&'static str>,
    /// The status of a success.
    pub(crate) status: u16,
    /// The schema of the response body on success; `None` if there is no body.
    pub(crate) response: Option<&'static str>,
    /// The media types of the response body on success. `Accept` selects one, the first by default.
    pub(crate) produces: &'static [&'static str],
    /// IAM permission sets.
    pub(crate) permissions: &'static [Permission],
}

impl Endpoint {
    /// Defaults for the constant of a family: no query parameters, no bodies, status 200, JSON.
    pub(crate) const DEFAULT: Self = Self {
        name: "",
        family: "",
        summary: "",
        method: "GET",
        path: "",
        dialect: Dialect::Integration,
        group: Group::Read,
        resource: Kind::Tenant,
        queries: &[],
        request: None,
        status: 200,
        response: None,
        produces: &[JSON],
        permissions: &[],
    };
}

/// Converts an endpoint into its row.
pub(crate) const fn http(endpoint: Endpoint) -> Function {
    let action = Action { name: endpoint.name, group: endpoint.group, resource: endpoint.resource };
    let route = Route {
        method: endpoint.method,
        path: endpoint.path,
        dialect: endpoint.dialect,
        action: Some(action),
        queries: endpoint.queries,
        request: endpoint.request,
        status: endpoint.status,
        response: endpoint.response,
        produces: endpoint.produces,
    };
    Function {
        name: endpoint.name,
        family: endpoint.family,
        summary: endpoint.summary,
        trigger: Trigger::Http(route),
        permissions: endpoint.permissions,
    }
}
