//! Tests that a request without a valid credential costs no expensive work: no call to KMS, no XML, no X.509, no policy.

use serde_json::{Value, json};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::token::Token;
use trustplane_end_to_end::{AccessKey, Client, Request, world};

use crate::access_keys::{access_key, signed};
use crate::identity_source::{IDP, certificate, import, new_idp, with_provider};

/// Metadata of 200 kB, most of which is a logo.
fn metadata() -> Value {
    let logo = "A".repeat(200_000);
    let text = format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://idp.example.com/m\">\
         <md:Extensions><logo>data:image/png;base64,{logo}</logo></md:Extensions></md:EntityDescriptor>"
    );
    json!({ "idp_saml_metadata": text })
}

#[tokio::test]
async fn a_stranger_costs_neither_a_call_to_kms_nor_a_parsed_document() {
    let (customer, provider, _) = with_provider().await;
    let (key, _) = access_key(&customer, &["admin"]).await;
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let nobody = CredentialId::new(tenant, [9; 8]);
    let revoked = customer.post("/v1/api-keys", &json!({"name": "old", "roles": ["admin"]})).await.expect(201);
    let _ = customer.delete(&format!("/v1/api-keys/{}", revoked.body["id"].as_str().unwrap())).await.expect(204);
    let own = CredentialId::parse(&customer.admin[4..42]).unwrap();

    let pem = certificate(-1, 100);
    let policy = json!({"text": "forbid (principal, action, resource);", "enabled": false});
    let endpoints = [
        ("POST", IDP.to_owned(), metadata()),
        ("POST", format!("{IDP}/preview"), metadata()),
        ("POST", IDP.to_owned(), new_idp(&pem)),
        ("PUT", provider.clone(), metadata()),
        ("POST", format!("{provider}/certificate"), import(&pem)),
        ("PUT", "/v1/policies/example".to_owned(), policy),
    ];
    for (method, path, body) in &endpoints {
        let request = || Request::new(method, path).json(body).header("x-tenant-id", &customer.tenant);
        let stranger = AccessKey { id: format!("TPAK{nobody}"), ..key.clone() };
        let strangers = [
            ("no credential", request()),
            ("no token", request().bearer("nonsense")),
            ("a token of nobody", request().bearer(&Token::new(nobody, [1; 32]).reveal())),
            ("another secret", request().bearer(&Token::new(own, [1; 32]).reveal())),
            ("a revoked token", request().bearer(revoked.body["token"].as_str().unwrap())),
            ("an access key of nobody", signed(&stranger, Client::Python, request())),
        ];
        for (who, request) in strangers {
            let refused = world().send(request).await.expect(401);
            let cost = customer.cost(&refused).await;
            assert_eq!((cost.documents_parsed, cost.aws_calls), (0, 0), "{method} {path}: {who}");
        }
        // A signature is only compared with the help of KMS, and still nothing is parsed.
        let forged = AccessKey { secret: format!("{}x", key.secret), ..key.clone() };
        let refused = world().send(signed(&forged, Client::Python, request())).await.expect(401);
        let cost = customer.cost(&refused).await;
        assert_eq!(cost.documents_parsed, 0, "{method} {path}: a forged signature");
        assert!(cost.aws_calls <= 1, "{cost:?}");
        // The same request with a credential is parsed, whatever comes of it.
        let reply = customer.send(customer.request(method, path).json(body)).await;
        assert!(customer.cost(&reply).await.documents_parsed > 0, "{method} {path}: {}", reply.text);
    }
}
