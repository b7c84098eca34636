//! The integration API: the connection to IAM Identity Center.

use trustplane_policy::{Group, Kind};

use crate::Permission::{AssumeRole, Count, List, Read, Write};
use crate::endpoint::{Endpoint, http};
use crate::route::PAGED;
use crate::{Dialect, Function};

/// Fields that all endpoints of the family share, and defaults.
const IDENTITY_CENTER: Endpoint =
    Endpoint { family: "identity-center", dialect: Dialect::Integration, ..Endpoint::DEFAULT };

/// Functions of the family.
pub(super) const FUNCTIONS: &[Function] = &[
    http(Endpoint {
        name: "put-identity-center-config",
        summary: "Save connection to IAM Identity Center",
        method: "PUT",
        path: "/v1/integrations/aws-identity-center/config",
        group: Group::Write,
        resource: Kind::Integration,
        request: Some("SaveIntegration"),
        response: Some("Integration"),
        permissions: &[Read, Write],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "get-identity-center-config",
        summary: "Get connection to IAM Identity Center",
        method: "GET",
        path: "/v1/integrations/aws-identity-center/config",
        group: Group::Read,
        resource: Kind::Integration,
        response: Some("Integration"),
        permissions: &[Read],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "delete-identity-center-config",
        summary: "Delete connection to IAM Identity Center, keep its ExternalId and history",
        method: "DELETE",
        path: "/v1/integrations/aws-identity-center/config",
        group: Group::Write,
        resource: Kind::Integration,
        status: 204,
        permissions: &[Read, Write],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "list-identity-center-config-versions",
        summary: "List saved versions of the connection",
        method: "GET",
        path: "/v1/integrations/aws-identity-center/config/versions",
        group: Group::Read,
        resource: Kind::Integration,
        queries: PAGED,
        response: Some("IntegrationVersionPage"),
        permissions: &[Read, List],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "restore-identity-center-config-version",
        summary: "Restore earlier version of the connection",
        method: "POST",
        path: "/v1/integrations/aws-identity-center/config/versions/{n}/restore",
        group: Group::Write,
        resource: Kind::Integration,
        response: Some("Integration"),
        permissions: &[Read, Write],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "test-identity-center-connection",
        summary: "Test connection check by check",
        method: "POST",
        path: "/v1/integrations/aws-identity-center/test",
        group: Group::Write,
        resource: Kind::Integration,
        response: Some("TestReport"),
        permissions: &[Read, Write, Count, AssumeRole],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "get-identity-center-test",
        summary: "Get last test report",
        method: "GET",
        path: "/v1/integrations/aws-identity-center/test",
        group: Group::Read,
        resource: Kind::Integration,
        response: Some("TestReport"),
        permissions: &[Read],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "get-external-id",
        summary: "Get ExternalId that the role must trust",
        method: "GET",
        path: "/v1/integrations/aws-identity-center/external-id",
        group: Group::Read,
        resource: Kind::ExternalId,
        response: Some("ExternalIds"),
        permissions: &[Read],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "rotate-external-id",
        summary: "Start ExternalId rotation",
        method: "POST",
        path: "/v1/integrations/aws-identity-center/external-id/rotate",
        group: Group::Write,
        resource: Kind::ExternalId,
        response: Some("ExternalIds"),
        permissions: &[Read, Write],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "commit-external-id-rotation",
        summary: "Commit ExternalId rotation",
        method: "POST",
        path: "/v1/integrations/aws-identity-center/external-id/commit",
        group: Group::Write,
        resource: Kind::ExternalId,
        response: Some("ExternalIds"),
        permissions: &[Read, Write, Count, AssumeRole],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "cancel-external-id-rotation",
        summary: "Cancel ExternalId rotation",
        method: "POST",
        path: "/v1/integrations/aws-identity-center/external-id/cancel",
        group: Group::Write,
        resource: Kind::ExternalId,
        response: Some("ExternalIds"),
        permissions: &[Read, Write],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "create-bootstrap-template",
        summary: "Create role template for CloudFormation and Terraform",
        method: "POST",
        path: "/v1/integrations/aws-identity-center/bootstrap-template",
        group: Group::Read,
        resource: Kind::Integration,
        request: Some("BootstrapRequest"),
        response: Some("BootstrapTemplate"),
        permissions: &[Read],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "list-aws-permission-sets",
        summary: "List permission sets behind the connection",
        method: "GET",
        path: "/v1/aws/permission-sets",
        group: Group::Read,
        resource: Kind::Instance,
        queries: PAGED,
        response: Some("AwsPermissionSetPage"),
        permissions: &[Read, List],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "list-aws-accounts",
        summary: "List accounts of the organization behind the connection",
        method: "GET",
        path: "/v1/aws/accounts",
        group: Group::Read,
        resource: Kind::Instance,
        queries: PAGED,
        response: Some("AwsAccountPage"),
        permissions: &[Read, List],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "list-aws-assignments",
        summary: "List assignments of permission sets to principals and accounts",
        method: "GET",
        path: "/v1/aws/assignments",
        group: Group::Read,
        resource: Kind::Instance,
        queries: &["limit", "cursor", "account_id"],
        response: Some("AwsAssignmentPage"),
        permissions: &[Read, List],
        ..IDENTITY_CENTER
    }),
    http(Endpoint {
        name: "request-aws-sync",
        summary: "Request new read of the organization behind the connection",
        method: "POST",
        path: "/v1/aws/sync",
        group: Group::Write,
        resource: Kind::Instance,
        status: 202,
        response: Some("AwsSync"),
        permissions: &[Read, Write],
        ..IDENTITY_CENTER
    }),
];
