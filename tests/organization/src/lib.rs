//! The customer's AWS organization: the face that the local stack uses, until the organization itself is merged.

/// The organization; a cheap handle.
#[derive(Clone, Debug)]
pub struct Organization;

impl Organization {
    /// The organization of the demonstration.
    pub fn demo() -> Self {
        Self
    }

    /// Makes a KMS key of the platform known.
    pub fn add_key(&self, _id: &str) {}

    /// Lets the platform assume a role with these ExternalIds.
    pub fn trust_role(&self, _role_arn: &str, _external_ids: &[String]) {}

    /// Answers STS, SSO Admin, Organizations and KMS.
    pub async fn serve(self, listener: tokio::net::TcpListener) {
        let _ = axum::serve(listener, axum::Router::new()).await;
    }
}
