//! The greeting that a developer reads when the stack is ready.

use crate::{Stack, demo::Demo, demo::instance_id, sam};
use std::fmt::Write as _;
use trustplane_organization::IDENTITY_STORE_ID;

/// Example calls with a description. The greeting shows those whose route is in the template.
const CALLS: &[(&str, &str, &str)] = &[
    ("GET", "/v1/integrations/aws-identity-center/config", "the saved connection"),
    ("POST", "/v1/integrations/aws-identity-center/test", "a test of the connection"),
    ("GET", "/v1/instances/{instance_id}/identity-store-associations", "the identity source of the instance"),
    ("GET", "/v1/identity-stores/{identity_store_id}/external-idp", "its external identity provider"),
    ("GET", "/organisations", "organisations"),
    ("GET", "/v1/audit-log", "the audit log"),
];

/// Creates a webhook to the local receiver.
const WEBHOOK: &str = r#"  # a webhook to the local receiver
  curl -s $URL/v1/webhooks \
    -H "Authorization: Bearer $TOKEN" -H "X-Tenant-ID: $TENANT" -H "Content-Type: application/json" \
    -d "{\"url\": \"$RECEIVER_URL\", \"events\": [\"*\"]}"
"#;

/// Returns the greeting, with example commands for this stack.
pub fn greeting(stack: &Stack, demo: &Demo, data: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "\nTrustplane is ready at {url}\n\n  the setup page, for a customer's administrator: docs/setup-page.md\n  {setup}\n\n  export URL={url} TENANT={tenant}\n  export TOKEN={token}\n{metadata}{receiver}\n",
        setup = demo.setup_url,
        url = stack.url(),
        tenant = demo.tenant_id,
        token = demo.token,
        metadata = stack
            .identity_provider()
            .map_or_else(String::new, |provider| format!("  export METADATA_URL={}\n", provider.metadata_url())),
        receiver = stack.receiver_url().map_or_else(String::new, |url| format!("  export RECEIVER_URL={url}\n")),
    );
    if stack.identity_provider().is_some() {
        text.push_str("  METADATA_URL is that of a demonstration provider: docs/metadata.md\n");
    }
    if stack.receiver_url().is_some() {
        text.push_str("  RECEIVER_URL is that of a receiver of webhooks, which prints what it gets\n");
    }
    text.push('\n');
    for (method, path, purpose) in CALLS.iter().filter(|(method, path, _)| stack.has_route(method, path)) {
        let path = path.replace("{instance_id}", instance_id()).replace("{identity_store_id}", IDENTITY_STORE_ID);
        let method = if *method == "GET" { String::new() } else { format!(" -X {method}") };
        let _ = writeln!(
            text,
            "  # {purpose}\n  curl -s{method} $URL{path} \\\n    -H \"Authorization: Bearer $TOKEN\" -H \"X-Tenant-ID: $TENANT\""
        );
    }
    if stack.receiver_url().is_some() {
        text.push_str(WEBHOOK);
    }
    let _ = write!(
        text,
        "  # an operator's function; `aws lambda invoke --endpoint-url $URL` invokes it too\n  \
         curl -s $URL/2015-03-31/functions/create-tenant/invocations -d '{{\"name\": \"another\"}}'\n  \
         # the same functions in Lambda's container, after `sam build`\n  \
         sam local invoke CreateTenant --event events/create-tenant/example.json {sam}\n  \
         sam local start-api --port 3001 {sam}\n\n\
         Table {table} at {endpoint}; the data and the bus's events are in {data}\nCtrl-C stops it.\n",
        sam = format_args!("{} {data}/{}", sam::OPTIONS, sam::FILE),
        table = stack.table(),
        endpoint = stack.dynamodb_endpoint(),
    );
    text
}
