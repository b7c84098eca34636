//! Random sequences of operations on a store, through the binaries. Single operations are compared with a small model;
//! concurrent operations are checked against the invariants.
//!
//! `TRUSTPLANE_SEED` repeats a run. The seed is part of every failure's message.

use serde_json::{Value, json};
use trustplane_domain::Timestamp;
use trustplane_domain::identity_provider::{IdentityProvider, MAX_CERTIFICATES};
use trustplane_domain::ids::TenantId;
use trustplane_end_to_end::{Customer, Reply, Request, world};
use trustplane_store::{Stored, Writes};

use super::{ASSOCIATIONS, IDP, STORE, certificate, connected, import, new_idp};
use crate::table::{part, read, table, write};

const SP_CERTIFICATES: &str = "/v1/identity-stores/d-1234567890/saml-certificates";
const MISSING: &str = "00000000-0000-4000-8000-000000000000";

/// Number of operations that are compared with the model, and of rounds with concurrent operations.
const STEPS: usize = 160;
const ROUNDS: usize = 30;

/// SplitMix64, so that a seed reproduces a run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }
}

fn seed() -> u64 {
    let given = std::env::var("TRUSTPLANE_SEED").ok().map(|text| text.parse().unwrap());
    let seed = given.unwrap_or_else(|| getrandom::u64().unwrap());
    println!("TRUSTPLANE_SEED={seed}");
    seed
}

/// Validity of a certificate.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Valid,
    Later,
    Expired,
}

/// Creates a pool of certificates: each with its text, and its validity when it is sent.
fn pool() -> Vec<(String, Kind)> {
    let kinds = [(Kind::Valid, -1, 90), (Kind::Valid, -9, 9), (Kind::Later, 2, 90), (Kind::Expired, -9, -1)];
    kinds.iter().map(|(kind, since, until)| (certificate(*since, *until), *kind)).collect()
}

/// The expected provider.
#[derive(Debug)]
struct Provider {
    id: String,
    enabled: bool,
    login_url: String,
    certificates: Vec<Trusted>,
}

#[derive(Clone, Debug)]
struct Trusted {
    id: String,
    /// Index in the pool.
    number: usize,
    kind: Kind,
}

/// The expected state of the store.
#[derive(Debug, Default)]
struct Model {
    provider: Option<Provider>,
    /// Ids of the service provider's certificates, oldest first.
    signing: Vec<String>,
    active: Option<String>,
}

#[derive(Debug)]
enum Operation {
    Create(usize),
    Enable,
    Disable,
    Update(usize),
    Delete,
    Import(usize),
    DeleteCertificate(String),
    /// One of the certificates expires.
    Expire(usize),
    MakeSigning,
    Activate(String),
    DeleteSigning(String),
}

impl Provider {
    fn path(&self) -> String {
        format!("{IDP}/{}", self.id)
    }

    fn trusts_something(&self) -> bool {
        self.certificates.iter().any(|one| one.kind == Kind::Valid)
    }
}

impl Model {
    fn choose(&self, chance: &mut Chance, pool: usize) -> Operation {
        let certificates: Vec<String> =
            self.provider.iter().flat_map(|provider| &provider.certificates).map(|one| one.id.clone()).collect();
        let known = |from: &[String], chance: &mut Chance| {
            let known = if chance.below(8) == 0 { None } else { chance.pick(from).cloned() };
            known.unwrap_or_else(|| MISSING.to_owned())
        };
        match chance.below(24) {
            0..4 => Operation::Create(chance.below(pool)),
            4..7 => Operation::Enable,
            7..9 => Operation::Disable,
            9 => Operation::Update(chance.below(100)),
            10 => Operation::Delete,
            11..15 => Operation::Import(chance.below(pool)),
            15..19 => Operation::DeleteCertificate(known(&certificates, chance)),
            19 => Operation::Expire(chance.below(2)),
            20 => Operation::MakeSigning,
            21 => Operation::Activate(known(&self.signing, chance)),
            _ => Operation::DeleteSigning(known(&self.signing, chance)),
        }
    }

    fn request(&self, operation: &Operation, pool: &[(String, Kind)]) -> Request {
        let path = self.provider.as_ref().map_or_else(|| format!("{IDP}/{MISSING}"), Provider::path);
        match operation {
            Operation::Create(number) => Request::new("POST", IDP).json(&new_idp(&pool[*number].0)),
            Operation::Enable => Request::new("POST", &format!("{path}/enable")),
            Operation::Disable => Request::new("POST", &format!("{path}/disable")),
            Operation::Update(number) => Request::new("PUT", &path).json(&json!({
                "entity_id": "urn:example:idp",
                "login_url": format!("https://login.example.com/{number}"),
            })),
            Operation::Delete => Request::new("DELETE", &path),
            Operation::Import(number) => {
                Request::new("POST", &format!("{path}/certificate")).json(&import(&pool[*number].0))
            }
            Operation::DeleteCertificate(id) => Request::new("DELETE", &format!("{path}/certificate/{id}")),
            Operation::MakeSigning => Request::new("POST", SP_CERTIFICATES),
            Operation::Activate(id) => Request::new("POST", &format!("{SP_CERTIFICATES}/{id}/active")),
            Operation::DeleteSigning(id) => Request::new("DELETE", &format!("{SP_CERTIFICATES}/{id}")),
            Operation::Expire(_) => panic!("time is not asked for"),
        }
    }

    /// Applies the operation to the model, and returns the expected status. `reply` only provides the new ids.
    fn expect(&mut self, operation: &Operation, pool: &[(String, Kind)], reply: &Reply) -> u16 {
        let made = |field: &str| reply.body[field].as_str().unwrap_or_default().to_owned();
        match operation {
            Operation::Create(number) if pool[*number].1 == Kind::Expired => return 400,
            Operation::Create(_) if self.provider.is_some() => return 409,
            Operation::Create(number) => {
                let certificate = Trusted { id: made("idp_certificate_id"), number: *number, kind: pool[*number].1 };
                self.provider = Some(Provider {
                    id: made("idp_id"),
                    enabled: false,
                    login_url: "https://idp.example.com/sso".to_owned(),
                    certificates: vec![certificate],
                });
                return 201;
            }
            Operation::Import(number) if pool[*number].1 == Kind::Expired => return 400,
            Operation::MakeSigning if self.signing.len() == 2 => return 409,
            Operation::MakeSigning => {
                self.signing.push(made("certificate_id"));
                return 201;
            }
            Operation::Activate(id) | Operation::DeleteSigning(id) if !self.signing.contains(id) => return 404,
            Operation::Activate(id) => {
                self.active = Some(id.clone());
                return 200;
            }
            Operation::DeleteSigning(id) => {
                let is_active = self.active.as_ref() == Some(id);
                if is_active && self.provider.as_ref().is_some_and(|provider| provider.enabled) {
                    return 400;
                }
                self.signing.retain(|one| one != id);
                self.active = self.active.take().filter(|_| !is_active);
                return 200;
            }
            _ => {}
        }
        let Some(provider) = &mut self.provider else { return 404 };
        match operation {
            Operation::Enable if !provider.enabled && !provider.trusts_something() => return 400,
            Operation::Enable => provider.enabled = true,
            Operation::Disable => provider.enabled = false,
            Operation::Update(number) => provider.login_url = format!("https://login.example.com/{number}"),
            Operation::Delete if provider.enabled => return 400,
            Operation::Delete => self.provider = None,
            Operation::Import(number) => {
                let has_it = provider.certificates.iter().any(|one| one.number == *number);
                if has_it || provider.certificates.len() == MAX_CERTIFICATES {
                    return 409;
                }
                let certificate = Trusted { id: made("certificate_id"), number: *number, kind: pool[*number].1 };
                provider.certificates.push(certificate);
            }
            Operation::DeleteCertificate(id) => {
                let left: Vec<_> = provider.certificates.iter().filter(|one| one.id != *id).cloned().collect();
                if left.len() == provider.certificates.len() {
                    return 404;
                }
                let trusts = left.iter().any(|one| one.kind == Kind::Valid);
                if provider.enabled && (left.is_empty() || provider.trusts_something() && !trusts) {
                    return 409;
                }
                provider.certificates = left;
            }
            _ => {}
        }
        200
    }

    /// Returns the store as the API should show it.
    fn shown(&self) -> Value {
        let status = |kind: Kind| if kind == Kind::Expired { "EXPIRED" } else { "ACTIVE" };
        let provider = self.provider.as_ref();
        let associations: Vec<Value> = provider
            .map(|provider| {
                let certificates = provider.certificates.iter();
                let certificates: Vec<Value> =
                    certificates.map(|one| json!({"certificate_id": one.id, "status": status(one.kind)})).collect();
                json!([provider.id, provider.enabled, provider.login_url, certificates])
            })
            .into_iter()
            .collect();
        let is_enabled = provider.is_some_and(|provider| provider.enabled);
        let signing = self.signing.iter().map(|id| {
            let state = if self.active.as_ref() == Some(id) { "ACTIVE" } else { "INACTIVE" };
            json!([id, state])
        });
        json!({
            "associations": associations,
            "authentication": if is_enabled { "SAML_2.0" } else { "DEFAULT" },
            "signing": signing.collect::<Vec<_>>(),
        })
    }
}

/// Returns the store as the API shows it.
async fn seen(customer: &Customer) -> Value {
    let (idps, signing, authentication) =
        tokio::join!(customer.get(IDP), customer.get(SP_CERTIFICATES), customer.get(ASSOCIATIONS));
    let idps = idps.expect(200).body;
    let associations = idps["associations"].as_array().unwrap().iter().map(|one| {
        json!([one["idp_id"], one["is_enabled"], one["idp_saml_config"]["login_url"], one["idp_certificate_ids"]])
    });
    let signing = signing.expect(200).body;
    let signing = signing.as_array().unwrap().iter().map(|one| json!([one["certificate_id"], one["state"]]));
    json!({
        "associations": associations.collect::<Vec<_>>(),
        "authentication": authentication.expect(200).body["identity_store_associations"][0]["authentication_type"],
        "signing": signing.collect::<Vec<_>>(),
    })
}

async fn send(customer: &Customer, request: Request) -> Reply {
    world().send(request.bearer(&customer.admin)).await
}

/// Makes the provider's certificate at this index expire. Returns false if there is none, or it has expired already.
async fn expire(tenant: TenantId, model: &mut Model, number: usize) -> bool {
    let certificate = model.provider.as_mut().and_then(|provider| provider.certificates.get_mut(number));
    let Some(certificate) = certificate.filter(|one| one.kind == Kind::Valid) else { return false };
    certificate.kind = Kind::Expired;
    let table = table(world());
    let kept: Stored<IdentityProvider> = read(&table, &part(tenant).identity_provider(STORE)).await;
    let mut value = serde_json::to_value(&kept.value).unwrap();
    value["certificates"][number]["certificate"]["not_after"] = json!("2026-01-01T00:00:00.000Z");
    let expired: IdentityProvider = serde_json::from_value(value).unwrap();
    write(&table, tenant, Writes::new().replace(&kept, &expired)).await;
    true
}

#[tokio::test]
async fn one_after_the_other_as_the_model_has_it() {
    let seed = seed();
    let (mut chance, mut model, pool) = (Chance(seed), Model::default(), pool());
    let customer = connected("healthy").await;
    let tenant = TenantId::parse(&customer.tenant).unwrap();
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for step in 0..STEPS {
        let operation = model.choose(&mut chance, pool.len());
        let at = || format!("TRUSTPLANE_SEED={seed}, step {step}: {operation:?}");
        if let Operation::Expire(number) = operation {
            let _ = expire(tenant, &mut model, number).await;
        } else {
            let reply = send(&customer, model.request(&operation, &pool)).await;
            let expected = model.expect(&operation, &pool, &reply);
            assert_eq!(reply.status, expected, "{}: {}", at(), reply.text);
            *statuses.entry(expected).or_default() += 1;
        }
        assert_eq!(seen(&customer).await, model.shown(), "{}", at());
    }
    println!("{statuses:?}");
    for status in [200, 201, 400, 404, 409] {
        assert!(statuses.contains_key(&status), "TRUSTPLANE_SEED={seed}: nothing was answered {status}: {statuses:?}");
    }
}

/// Checks the invariants that hold after any order of operations. Without the passage of time, certificates stay valid.
async fn hold(customer: &Customer, at: &str) -> (Vec<String>, Option<(String, Vec<String>)>) {
    let shown = seen(customer).await;
    let associations = shown["associations"].as_array().unwrap();
    assert!(associations.len() <= 1, "{at}: {shown}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let signing = shown["signing"].as_array().unwrap();
    assert!(signing.len() <= 2, "{at}: {shown}");
    assert!(signing.iter().filter(|one| one[1] == "ACTIVE").count() <= 1, "{at}: {shown}");
    let signing = signing.iter().map(|one| text(&one[0])).collect();
    let Some(provider) = associations.first() else {
        assert_eq!(shown["authentication"], "DEFAULT", "{at}");
        return (signing, None);
    };
    assert_eq!(shown["authentication"] == "SAML_2.0", provider[1] == true, "{at}: {shown}");
    let listed = customer.get(&format!("{IDP}/{}/certificate", text(&provider[0]))).await.expect(200);
    let certificates = listed.body["idp_certificates"].as_array().unwrap();
    assert!(certificates.len() <= MAX_CERTIFICATES, "{at}: {shown}");
    let now = Timestamp::now().as_millis();
    let valid = |one: &Value| one["not_before"].as_i64().unwrap() <= now && now < one["not_after"].as_i64().unwrap();
    assert!(provider[1] == false || certificates.iter().any(valid), "{at}: trusts nothing: {shown}");
    let ids = certificates.iter().map(|one| text(&one["certificate_id"])).collect();
    (signing, Some((text(&provider[0]), ids)))
}

#[tokio::test]
async fn several_at_once_break_no_rule() {
    let seed = seed();
    let (mut chance, mut model, pool) = (Chance(seed), Model::default(), pool());
    let customer = connected("healthy").await;
    for round in 0..ROUNDS {
        let at = format!("TRUSTPLANE_SEED={seed}, round {round}");
        let operations = std::iter::repeat_with(|| model.choose(&mut chance, pool.len())).take(1_000);
        let operations = operations.filter(|operation| !matches!(operation, Operation::Expire(_))).take(4);
        let requests: Vec<_> = operations.map(|operation| model.request(&operation, &pool)).collect();
        let mut requests = requests.into_iter().map(|request| send(&customer, request));
        let mut next = || requests.next().unwrap();
        let (one, two, three, four) = tokio::join!(next(), next(), next(), next());
        for reply in [one, two, three, four] {
            assert!(matches!(reply.status, 200 | 201 | 400 | 404 | 409), "{at}: {}", reply.text);
        }
        let (signing, provider) = hold(&customer, &at).await;
        model.signing = signing;
        model.provider = provider.map(|(id, ids)| {
            let certificates = ids.into_iter().map(|id| Trusted { id, number: 0, kind: Kind::Valid }).collect();
            Provider { id, enabled: false, login_url: String::new(), certificates }
        });
    }
}
