//! GET /v1/instances/{instance_id}/identity-store-associations.

use std::sync::Arc;

use alternatives::{Found, Refused, Store, is_id, parameter, refused, serve};
use lambda_http::{Error, Request};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Instance {
    identity_store_id: String,
    external_idp_enabled: bool,
    status: String,
}

async fn associations(store: Arc<Store>, request: Request) -> Result<Value, Refused> {
    let id = parameter(&request, "instance_id");
    if !is_id(&id) {
        return refused(400, "instance_id is not valid");
    }
    let found: Found<Instance> = store.read(&request, &format!("INSTANCE#{id}"), "viewer").await?;
    let Some(instance) = found.item.map(|item| item.value) else {
        return refused(404, "no such instance");
    };
    Ok(json!({"identity_store_associations": [{
        "identity_store_id": instance.identity_store_id,
        "identity_store_type": "UserPool",
        "authentication_type": if instance.external_idp_enabled { "SAML_2.0" } else { "DEFAULT" },
        "provisioning_type": ["DEFAULT"],
        "status": if instance.status == "ACTIVE" { "ENABLED" } else { "DISABLED" },
    }]}))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    serve(
        associations,
        |status, message, id| json!({"error_code": format!("IIC.{status}"), "error_msg": message, "request_id": id}),
    )
    .await
}
