//! A tenant for one test, with methods that send requests as the tenant.

use serde_json::Value;

use crate::{Cost, Reply, Request, World};

/// A tenant with one credential per role.
pub struct Customer {
    world: &'static World,
    /// Its id.
    pub tenant: String,
    /// Its ExternalId.
    pub external_id: String,
    /// A token with the role `admin`.
    pub admin: String,
    /// A token with the role `editor`.
    pub editor: String,
    /// A token with the role `approver`.
    pub approver: String,
    /// A token with the role `viewer`.
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
        // A credential's first use on a day costs a write. It happens here, so that it does not count in tests of other
        // costs.
        for token in [&customer.admin, &customer.editor, &customer.approver, &customer.viewer] {
            let request = customer.request_as(token, "GET", "/v1/integrations/aws-identity-center/config");
            let _ = customer.send(request).await.expect(200);
        }
        customer
    }

    /// Creates a request with `token` and this tenant's header.
    pub fn request_as(&self, token: &str, method: &str, path: &str) -> Request {
        Request::new(method, path).bearer(token).header("x-tenant-id", &self.tenant)
    }

    /// Creates a request as the admin.
    pub fn request(&self, method: &str, path: &str) -> Request {
        self.request_as(&self.admin, method, path)
    }

    /// Sends a request.
    pub async fn send(&self, request: Request) -> Reply {
        self.world.send(request).await
    }

    /// Sends a GET request as the admin.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request("GET", path)).await
    }

    /// Sends a PUT request as the admin.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request("PUT", path).json(body)).await
    }

    /// Sends a POST request as the admin.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request("POST", path).json(body)).await
    }

    /// Sends a DELETE request as the admin.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request("DELETE", path)).await
    }

    /// Returns the cost of the request.
    pub async fn cost(&self, reply: &Reply) -> Cost {
        self.world.cost(reply.request_id()).await
    }
}
