//! Measures Cedar: compiling the built-in policies at process start, validating a tenant's policy when it is written,
//! and deciding one request. Prints medians in microseconds.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot run")]

use std::hint::black_box;
use std::time::Instant;

use trustplane_domain::Timestamp;
use trustplane_domain::credential::{Kind as CredentialKind, Maker, NewCredential, Role};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_policy::{
    Action, Group, Image, Kind, Origin, Policies, PolicyRequest, Principal, Proposal, Question, Resource, Sealed,
    decide,
};

/// A typical tenant policy: conditions on the resource after the change, and on the principal and its address.
const OWN: &str = r#"
@notice("Roles outside the production account are changed by the network team.")
forbid (principal, action == Trustplane::Action::"put-identity-center-config", resource)
when { resource has after && resource.after has role_arn && resource.after.role_arn like "*:role/Test*" }
unless { principal.name == "network team" || (context has source_ip && context.source_ip.isLoopback()) };
"#;

fn main() {
    // The first compilation, which each process pays for at its start.
    let start = Instant::now();
    let built_in = Policies::built_in().expect("built-in policies");
    println!("{:>9.1} us  the built-in policies, the first time in a process", start.elapsed().as_secs_f64() * 1e6);
    measure("the built-in policies, again", || Policies::built_in().is_ok());

    let own = |count: usize| {
        (0..count).fold(Policies::built_in().expect("built-in policies"), |policies, number| {
            policies.and(&format!("own-{number}"), OWN).expect("a policy")
        })
    };
    measure("a decision by the built-in policies", || decided(&built_in));
    let (one, hundred) = (own(1), own(100));
    measure("a decision with 1 policy of the tenant's own", || decided(&one));
    measure("a decision with 100 policies of the tenant's own", || decided(&hundred));
    measure("100 policies of a tenant's own, made", || {
        black_box(own(100));
        true
    });
    costliest();
}

/// Measures the most expensive decision within the limits: patterns that nearly match, over the longest text that a
/// request can contain (a policy's text).
fn costliest() {
    let pattern = format!("*{}b", "a".repeat(8 * 1024));
    let text = format!(
        "forbid (principal, action, resource) when {{ resource is Trustplane::Policy && resource has after && \
         resource.after.text like \"{pattern}\" }};"
    );
    let policies = (0..7).fold(Policies::built_in().expect("built-in policies"), |policies, number| {
        policies.and(&format!("own-{number}"), &text).expect("a policy")
    });
    let action = Action { name: "put-policy", group: Group::Administer, resource: Kind::Policy };
    let image = Image::of(&serde_json::json!({"text": "a".repeat(16 * 1024), "enabled": true}));
    let question = Question { after: Some(image), ..Question::new(Resource::new(Kind::Policy, "mine")) };
    let start = cpu_us();
    let _ = black_box(asked(&policies, Role::Admin, action, question));
    println!("{:>9.1} us  of CPU, the costliest decision that the limits leave", cpu_us() - start);
}

/// CPU time of this process so far, as Linux's scheduler counts it.
fn cpu_us() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or_default() / 1e3
}

fn decided(policies: &Policies) -> bool {
    let action = Action { name: "put-identity-center-config", group: Group::Write, resource: Kind::Integration };
    let image = |role: &str| {
        Image::of(&serde_json::json!({
            "configured": true,
            "region": "us-east-1",
            "role_arn": format!("arn:aws:iam::123456789012:role/{role}"),
            "sso_instance_arn": "arn:aws:sso:::instance/ssoins-0123456789abcdef0",
        }))
    };
    let resource = Resource::new(Kind::Integration, "aws-identity-center");
    let question = Question { before: Some(image("Before")), after: Some(image("After")), ..Question::new(resource) };
    asked(policies, Role::Editor, action, question)
}

/// Decides a request of a credential with this role.
fn asked(policies: &Policies, role: Role, action: Action, question: Question) -> bool {
    let (tenant, at) = (TenantId::from_random([1; 16]), Timestamp::from_millis(1_800_000_000_000));
    let wanted = NewCredential {
        name: "benchmark".to_owned(),
        kind: CredentialKind::Bearer,
        roles: [role].into(),
        expires_at: None,
    };
    let credential = wanted.made(CredentialId::new(tenant, [1; 8]), None, Maker::Operator, at).expect("a credential");
    let origin = Origin { source_ip: Some("203.0.113.7".to_owned()), ..Origin::default() };
    let request = PolicyRequest { tenant, principal: Principal::Credential(&credential), action, origin: &origin, at };
    decide(policies, &request, Sealed::new(()), |()| Proposal { question, outcome: () }).is_ok()
}

/// Returns the median of 50 batches, after warm-up batches.
fn measure(what: &str, mut once: impl FnMut() -> bool) {
    let mut batch = |runs: u32| {
        let start = Instant::now();
        for _ in 0..runs {
            assert!(black_box(once()), "{what}");
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(runs)
    };
    batch(20);
    let mut times: Vec<f64> = (0..50).map(|_| batch(20)).collect();
    times.sort_by(f64::total_cmp);
    println!("{:>9.1} us  {what}", times.get(times.len() / 2).copied().unwrap_or_default());
}
