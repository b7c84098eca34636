//! A tenant of a test, and how to speak for it.

use serde_json::Value;

use crate::{Cost, Reply, Request, World};

/// A tenant with a credential of each role.
pub struct Customer {
    world: &'static World,
    /// Its id.
    pub tenant: String,
    /// Its ExternalId.
    pub external_id: String,
    /// A token that may everything but approve.
    pub admin: String,
    /// A token that may change what the APIs are about.
    pub editor: String,
    /// A token that may approve.
    pub approver: String,
    /// A token that may look.
    pub viewer: String,
}

impl Customer {
    pub(crate) async fn new(world: &'static World) -> Self {
        let (tenant, external_id) = world.tenant("test").await;
        let customer = Self {
            admin: world.token(&tenant, &["admin"]).await,
            editor: world.token(&tenant, &["editor"]).await,
            approver: world.token(&tenant, &["approver"]).await,
            viewer: world.token(&tenant, &["viewer"]).await,
            world,
            tenant,
            external_id,
        };
        // The first use of a credential on a day costs a write, which tests of other costs are not about.
        for token in [&customer.admin, &customer.editor, &customer.approver, &customer.viewer] {
            let request = customer.request_as(token, "GET", "/v1/integrations/aws-identity-center/config");
            let _ = customer.send(request).await.expect(200);
        }
        customer
    }

    /// A request with `token` and this tenant's header.
    pub fn request_as(&self, token: &str, method: &str, path: &str) -> Request {
        Request::new(method, path).bearer(token).header("x-tenant-id", &self.tenant)
    }

    /// A request as the admin.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.request_as(&self.admin, method, path)
    }

    /// Sends a request.
    pub async fn send(&self, request: Request) -> Reply {
        self.world.send(request).await
    }

    /// GET as the admin.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request("GET", path)).await
    }

    /// PUT as the admin.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request("PUT", path).json(body)).await
    }

    /// POST as the admin.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request("POST", path).json(body)).await
    }

    /// DELETE as the admin.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request("DELETE", path)).await
    }

    /// What a request cost.
    pub async fn cost(&self, reply: &Reply) -> Cost {
        self.world.cost(reply.request_id()).await
    }
}
