//! POST `/v1/policies/evaluate`: the decision of the policies, without the request.

mod body;

use serde::Serialize;
use trustplane_domain::credential::{Credential, Maker, NewCredential};
use trustplane_domain::failure::PolicyProblem;
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::policy::{PolicyId, PolicySet};
use trustplane_domain::{Failure, Faults, Timestamp};
use trustplane_policy::{Action, Kind, Origin, PolicyRequest, Question, Verdict, evaluate as ask};
use trustplane_runtime::{Call, Context, Response, Subject};

#[cfg(feature = "schema")]
pub(crate) use self::body::EvaluatePolicies;
use self::body::question;
use crate::policies::{checked, schema};

/// The decision of the policies. It holds the ids twice: as this API names them, and as JITSudo does.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Evaluation"))]
pub(crate) struct Body<'a> {
    /// True if the policies permit the request.
    permitted: bool,
    /// Ids of the policies that decided.
    determining_policies: &'a [String],
    /// Notices of the policies that denied the request.
    notices: &'a [String],
    /// Errors of policies that could not be evaluated. Each denies.
    errors: &'a [String],
    /// The same as `determining_policies`.
    matching_policy_ids: &'a [String],
    /// The decision in a sentence.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    reason: String,
}

/// The question, and the circumstances in which it is asked.
#[derive(Debug)]
struct Asking {
    principal: Principal,
    action: Action,
    question: Question,
    source_ip: Option<String>,
    at: Timestamp,
    /// A draft in place of the saved set.
    draft: Option<Vec<Draft>>,
}

/// The principal of the question.
#[derive(Debug)]
enum Principal {
    /// One of the tenant's credentials.
    Known(CredentialId),
    /// A credential that is only described.
    Described { wanted: NewCredential, created_at: Timestamp },
}

/// A policy that is evaluated and not saved.
#[derive(Debug)]
struct Draft {
    id: PolicyId,
    text: String,
    enabled: bool,
}

/// POST: evaluates the policies, regardless of whether the credential and the tenant are active.
pub async fn evaluate(call: Call) -> Result<Response, Failure> {
    call.input(|request| question(request, call.now))
        .reads(|question, keys| {
            let credential = match question.principal {
                Principal::Known(id) => Some(keys.credential(id).optional()),
                Principal::Described { .. } => None,
            };
            (keys.policies().optional(), credential)
        })
        .subject(|_, _, cx| Subject::new(Kind::Tenant, cx.keys.id().to_string()))
        .decide(|(question, ()), (saved, credential), cx| {
            let credential = credential.and_then(|slot| slot.item).map(|stored| stored.value);
            let credential = question.principal.credential(credential, cx.keys.id())?;
            Ok(Response::ok(&body(&question.ask(saved.value(), &credential, cx)?)))
        })
        .await
}

impl Principal {
    /// The stored credential, or the described one.
    fn credential(&self, stored: Option<Credential>, tenant: TenantId) -> Result<Credential, Failure> {
        match self {
            Self::Known(_) => stored.ok_or(Failure::NotFound("credential")),
            Self::Described { wanted, created_at } => {
                let id = CredentialId::new(tenant, [0; 8]);
                Ok(wanted.clone().made(id, None, Maker::Operator, *created_at)?)
            }
        }
    }
}

impl Asking {
    fn ask(&self, saved: Option<&PolicySet>, credential: &Credential, cx: &Context<'_>) -> Result<Verdict, Failure> {
        self.check_images()?;
        let draft = self.draft.as_ref().map(|drafts| drafted(drafts, cx.now)).transpose()?;
        let set = draft.as_ref().or(saved).cloned().unwrap_or_default();
        let policies = cx.call().policies_with(&set).map_err(Failure::internal)?;
        let origin = Origin { source_ip: self.source_ip.clone(), ..Origin::default() };
        let principal = trustplane_policy::Principal::Credential(credential);
        let request =
            PolicyRequest { tenant: cx.keys.id(), principal, action: self.action, origin: &origin, at: self.at };
        ask(&policies, schema()?, &request, &self.question).map_err(|error| Failure::invalid("resource", error))
    }

    /// Compares the resource before and after with the schema. Each attribute that does not fit is a fault of its own.
    fn check_images(&self) -> Result<(), Failure> {
        let schema = schema()?;
        let Question { resource, before, after, .. } = &self.question;
        let images = [("before", before), ("after", after)];
        let images = images.into_iter().filter_map(|(field, image)| Some((field, image.as_ref()?)));
        let mut faults = Faults::default();
        for (path, message) in images.flat_map(|(field, image)| schema.faults(resource.kind, field, image)) {
            faults.add(format!("resource.{path}"), message);
        }
        faults.into_result()
    }
}

/// The set of these drafts, if each is valid and all fit together.
fn drafted(drafts: &[Draft], now: Timestamp) -> Result<PolicySet, Failure> {
    let (mut set, mut problems) = (PolicySet::default(), Vec::new());
    for Draft { id, text, enabled } in drafts {
        match checked(id.clone(), text.clone(), *enabled) {
            Ok(policy) => set = set.put(policy, "nobody", now)?,
            Err(Failure::InvalidPolicy(found)) => problems.extend(
                found
                    .into_iter()
                    .map(|problem| PolicyProblem { message: format!("`{id}`: {}", problem.message), ..problem }),
            ),
            Err(failure) => return Err(failure),
        }
    }
    if problems.is_empty() { Ok(set) } else { Err(Failure::InvalidPolicy(problems)) }
}

fn body(verdict: &Verdict) -> Body<'_> {
    let ids = || {
        let ids: Vec<String> = verdict.determining_policies.iter().map(|id| format!("`{id}`")).collect();
        ids.join(", ")
    };
    let reason = match (verdict.permitted, verdict.errors.is_empty()) {
        (true, _) => format!("permitted by {}", ids()),
        (false, false) => format!("a policy that cannot be evaluated denies: {}", ids()),
        (false, true) if verdict.determining_policies.is_empty() => "no policy permits it".to_owned(),
        (false, true) => format!("forbidden by {}", ids()),
    };
    Body {
        permitted: verdict.permitted,
        determining_policies: &verdict.determining_policies,
        notices: &verdict.notices,
        errors: &verdict.errors,
        matching_policy_ids: &verdict.determining_policies,
        reason,
    }
}
