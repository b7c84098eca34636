//! The four documented calls: their events, what they answer, and the state that they need in both tables.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trustplane_local::Stack;
use trustplane_local::http::Method;
use trustplane_organization::Scenario;

use super::table::Table;
use crate::growth::send;
use crate::{Credential, Error, credential, event};

const INTEGRATION: &str = "/v1/integrations/aws-identity-center";
const INSTANCE: &str = "ssoins-0123456789abcdef0";
const STORE: &str = "d-1234567890";

const SAVE: &str = "put-identity-center-config";
const ASSOCIATIONS: &str = "list-identity-store-associations";
const IMPORT: &str = "import-external-idp-certificate";
const UPDATE: &str = "put-sso-configuration";

pub(crate) struct Call {
    /// The function's name, of ours and of the alternatives.
    pub(crate) name: &'static str,
    event: Value,
    /// The documented response. A null is any text.
    expected: Value,
    /// The field of body and response that is another in each request, so that each request changes something.
    changed: Option<&'static str>,
}

pub(crate) struct Calls {
    all: Vec<Call>,
    credential: Credential,
    /// The path of an external identity provider, and its key in the alternatives' table.
    provider: (String, String),
    number: AtomicUsize,
}

impl Calls {
    /// Makes what the calls need: through the API for ours, in the table for the alternatives.
    pub(crate) async fn set_up(stack: &Stack, table: &Table) -> Result<Self, Error> {
        // Saving a connection discards what the instance is known for, so that this is done by a tenant of its own.
        let saver = credential(stack).await?;
        let credential = credential(stack).await?;
        for one in [&saver, &credential] {
            let known = json!({"tenant_id": one.tenant, "name": "benchmark", "roles": ["admin", "viewer"]});
            table.put(&format!("TOKEN#{}", hex::encode(Sha256::digest(&one.token))), "TOKEN", &known).await?;
        }
        connect(stack, &credential).await?;
        let instance = json!({"identity_store_id": STORE, "external_idp_enabled": false, "status": "ACTIVE"});
        table.put(&pk(&credential), &format!("INSTANCE#{INSTANCE}"), &versioned(&instance)).await?;
        let (idp, provider) = provider(stack, &credential).await?;
        let (configuration, key) = configuration(stack, &credential).await?;
        table.put(&pk(&credential), &key, &versioned(&configuration)).await?;

        let associations = json!({"identity_store_associations": [{
            "identity_store_id": STORE,
            "identity_store_type": "UserPool",
            "authentication_type": "DEFAULT",
            "provisioning_type": ["DEFAULT"],
            "status": "ENABLED",
        }]});
        let parameters = json!({
            "OrganisationId": "acme",
            "AuthorisationServerId": configuration["ServerID"],
            "ssoConfigurationId": configuration["ID"],
        });
        let mut saved = Call::new(SAVE, &saver, json!({}))?;
        saved.expected = saved.body();
        saved.expected["configured"] = json!(true);
        saved.changed = Some("role_arn");
        let mut updated = Call::new(UPDATE, &credential, parameters)?;
        updated.expected = configuration;
        for (name, value) in updated.body().as_object().into_iter().flatten() {
            updated.expected[name] = value.clone();
        }
        updated.expected["UpdatedAt"] = Value::Null;
        updated.changed = Some("DisplayName");
        let mut listed = Call::new(ASSOCIATIONS, &credential, json!({"instance_id": INSTANCE}))?;
        listed.expected = associations;
        let mut imported = Call::new(IMPORT, &credential, json!({"identity_store_id": STORE, "idp_id": idp}))?;
        imported.expected = json!({"certificate_id": null});
        let all = vec![saved, listed, imported, updated];
        let calls = Self { all, credential, provider, number: AtomicUsize::default() };
        calls.restore(table, IMPORT).await?;
        Ok(calls)
    }

    pub(crate) fn all(&self) -> &[Call] {
        &self.all
    }

    /// Looks at the instance again. What is known of it is old after five minutes.
    pub(crate) async fn refresh(&self, stack: &Stack) -> Result<(), Error> {
        test(stack, &self.credential).await
    }

    /// Returns the next event and its response.
    pub(crate) fn next(&self, call: &Call) -> (Value, Value) {
        let (mut event, mut expected) = (call.event.clone(), call.expected.clone());
        if let Some(field) = call.changed {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let mut body = call.body();
            let value = json!(format!("{}{number}", body[field].as_str().unwrap_or_default()));
            body[field] = value.clone();
            expected[field] = value;
            let body = body.to_string();
            event["headers"]["content-length"] = json!(body.len().to_string());
            event["body"] = json!(body);
        }
        (event, expected)
    }

    /// Takes back in our table what would be in the way of the next request: the imported certificate.
    pub(crate) async fn undo(&self, stack: &Stack, call: &Call, response: &Value) -> Result<(), Error> {
        if let Some(id) = response["certificate_id"].as_str().filter(|_| call.name == IMPORT) {
            let path = format!("{}/certificate/{id}", self.provider.0);
            let _ = send(stack, &self.credential, &Method::DELETE, &path, Value::Null).await?;
        }
        Ok(())
    }

    /// As [`Self::undo`], in the alternatives' table. The provider has one certificate, as ours has.
    pub(crate) async fn restore(&self, table: &Table, name: &str) -> Result<(), Error> {
        if name == IMPORT {
            let event = self.all.iter().find(|call| call.name == IMPORT).map(Call::body).unwrap_or_default();
            let first = json!({"id": "a5ae246c-2459-4992-9aea-c2549a615a28", "pem": event["x509_certificate_in_pem"]});
            let provider = json!({
                "entity_id": "https://idp.example.com/saml",
                "login_url": "https://idp.example.com/sso",
                "certificates": {hex::encode([0; 32]): first},
            });
            table.put(&pk(&self.credential), &self.provider.1, &versioned(&provider)).await?;
        }
        Ok(())
    }
}

impl Call {
    /// The first payload of `events/`, with these parameters of the path.
    fn new(name: &'static str, credential: &Credential, parameters: Value) -> Result<Self, Error> {
        let function = trustplane_runtime::function(name).ok_or("a documented call is not in the table")?;
        let mut event = event(function, credential)?;
        let route = event["routeKey"].as_str().and_then(|key| key.split_once(' ')).unwrap_or_default().1;
        let mut path = route.to_owned();
        for (name, value) in parameters.as_object().into_iter().flatten() {
            path = path.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
        }
        event["rawPath"] = json!(path);
        event["requestContext"]["http"]["path"] = json!(path);
        if parameters.as_object().is_some_and(|parameters| !parameters.is_empty()) {
            event["pathParameters"] = parameters;
        }
        Ok(Self { name, event, expected: Value::Null, changed: None })
    }

    fn body(&self) -> Value {
        serde_json::from_str(self.event["body"].as_str().unwrap_or_default()).unwrap_or_default()
    }
}

fn pk(credential: &Credential) -> String {
    format!("TENANT#{}", credential.tenant)
}

fn versioned(item: &Value) -> Value {
    let mut item = item.clone();
    item["version"] = json!(1);
    item
}

/// Saves a connection to an instance, and looks at the instance.
async fn connect(stack: &Stack, credential: &Credential) -> Result<(), Error> {
    let path = format!("{INTEGRATION}/external-id");
    let made = send(stack, credential, &Method::GET, &path, Value::Null).await?.json();
    stack.organization().trust_external_id(made["external_id"].as_str().unwrap_or_default());
    let connection = json!({
        "sso_instance_arn": format!("arn:aws:sso:::instance/{INSTANCE}"),
        "role_arn": Scenario::Healthy.role_arn(),
        "region": "us-east-1",
    });
    let _ = send(stack, credential, &Method::PUT, &format!("{INTEGRATION}/config"), connection).await?;
    test(stack, credential).await
}

async fn test(stack: &Stack, credential: &Credential) -> Result<(), Error> {
    let tested = send(stack, credential, &Method::POST, &format!("{INTEGRATION}/test"), Value::Null).await?.json();
    match tested["success"] == true {
        true => Ok(()),
        false => Err(format!("the connection does not work: {tested}").into()),
    }
}

/// Creates an identity provider with one certificate. Returns its id; and its path, and its key in the alternatives' table.
async fn provider(stack: &Stack, credential: &Credential) -> Result<(String, (String, String)), Error> {
    let pem = rcgen::generate_simple_self_signed(vec!["idp.example.com".to_owned()])?.cert.pem();
    let new = json!({
        "idp_saml_config": {"entity_id": "https://idp.example.com/saml", "login_url": "https://idp.example.com/sso"},
        "idp_certificate": pem,
    });
    let path = format!("/v1/identity-stores/{STORE}/external-idp");
    let made = send(stack, credential, &Method::POST, &path, new).await?.json();
    let id = made["idp_id"].as_str().ok_or("no identity provider")?;
    Ok((id.to_owned(), (format!("{path}/{id}"), format!("IDP#{STORE}#{id}"))))
}

/// Creates an SSO configuration. Returns it, and its key in the alternatives' table.
async fn configuration(stack: &Stack, credential: &Credential) -> Result<(Value, String), Error> {
    let mut path = "/organisations".to_owned();
    let post = async |path: &str, body| send(stack, credential, &Method::POST, path, body).await;
    let _ = post(&path, json!({"OrganisationId": "acme", "OrganisationName": "Acme"})).await?;
    path.push_str("/acme/authorisationservers");
    let server = post(&path, json!({"CustomerFriendlyName": "Acme"})).await?.json();
    let server = server["AuthorisationServerId"].as_str().ok_or("no authorisation server")?;
    path.push_str(&format!("/{server}/sso-configuration"));
    let made = post(&path, json!({"DisplayName": "Acme staff", "Contacts": ["it@acme.example"]})).await?.json();
    let key = format!("SSO#acme#{server}#{}", made["ID"].as_str().ok_or("no SSO configuration")?);
    Ok((made, key))
}

/// Returns true if a response has exactly the fields and the values that were expected.
pub(crate) fn is_as(given: &Value, expected: &Value) -> bool {
    match (given, expected) {
        (Value::String(text), Value::Null) => !text.is_empty(),
        (Value::Object(given), Value::Object(expected)) => {
            let same = |name: &String, value: &Value| given.get(name).is_some_and(|given| is_as(given, value));
            given.len() == expected.len() && expected.iter().all(|(name, value)| same(name, value))
        }
        (given, expected) => given == expected,
    }
}
