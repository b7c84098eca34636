//! Writing the table of the built-in policies' decisions: Cedar is asked about every combination of what they can read.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write as _};

use serde_json::Value;
use trustplane_domain::Timestamp;
use trustplane_domain::credential::{Credential, Kind as CredentialKind, Maker, NewCredential, Role};
use trustplane_domain::ids::{CredentialId, TenantId};
use trustplane_domain::setup::Section;

use crate::policies::{BUILT_IN, compile_built_in};
use crate::table::fingerprint;
use crate::{
    Action, Group, Kind, Origin, Policies, PoliciesError, PolicyRequest, Principal, Question, Resource, Verdict, setup,
};

/// The kinds of credentials in the table.
pub(crate) const CREDENTIALS: [CredentialKind; 3] =
    [CredentialKind::Bearer, CredentialKind::AccessKey, CredentialKind::Temporary];
/// The values of `own_version`.
pub(crate) const OWN_VERSIONS: [Option<bool>; 3] = [None, Some(false), Some(true)];
/// An action that no policy names.
const UNNAMED: &str = "example";

/// A combination of what the built-in policies can read. The numbers are positions in the lists of the values.
#[derive(Debug)]
pub(crate) struct Request {
    credential: Credential,
    pub(crate) action: Action,
    question: Question,
    places: [usize; 5],
}

impl Request {
    /// Returns every combination with these actions, in the order of the table's cells.
    pub(crate) fn all(actions: &[(Option<&'static str>, Group)]) -> impl Iterator<Item = Self> {
        let sets = 1 << Role::ALL.len();
        let numbers = CREDENTIALS.len() * Kind::ALL.len() * OWN_VERSIONS.len() * actions.len() * sets;
        (0..numbers).filter_map(move |number| {
            let (rest, roles) = (number / sets, number % sets);
            let (rest, action) = (rest / actions.len(), rest % actions.len());
            let (rest, own_version) = (rest / OWN_VERSIONS.len(), rest % OWN_VERSIONS.len());
            let (kind, resource) = (rest / Kind::ALL.len(), rest % Kind::ALL.len());
            let (name, group) = *actions.get(action)?;
            let resource_kind = *Kind::ALL.get(resource)?;
            Some(Self {
                credential: credential(*CREDENTIALS.get(kind)?, roles)?,
                action: Action { name: name.unwrap_or(UNNAMED), group, resource: resource_kind },
                question: Question {
                    own_version: *OWN_VERSIONS.get(own_version)?,
                    ..Question::new(Resource::new(resource_kind, "x"))
                },
                places: [kind, resource, own_version, action, roles],
            })
        })
    }

    /// Hands the request to `ask`.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&PolicyRequest<'_>, &Question) -> T) -> T {
        let request = PolicyRequest {
            tenant: self.credential.id.tenant(),
            principal: Principal::Credential(&self.credential),
            action: self.action,
            origin: &Origin::default(),
            at: Timestamp::from_millis(0),
        };
        ask(&request, &self.question)
    }
}

/// Makes a credential with the roles whose bits are set.
fn credential(kind: CredentialKind, roles: usize) -> Option<Credential> {
    let (tenant, at) = (TenantId::from_random([0; 16]), Timestamp::from_millis(0));
    let wanted = NewCredential {
        name: "x".to_owned(),
        kind: CredentialKind::Bearer,
        roles: [Role::Viewer].into(),
        expires_at: None,
    };
    let made = wanted.made(CredentialId::new(tenant, [0; 8]), None, Maker::Operator, at).ok()?;
    let roles = Role::ALL.into_iter().enumerate().filter(|(place, _)| roles >> place & 1 == 1).map(|(_, role)| role);
    Some(Credential { kind, roles: roles.collect(), ..made })
}

/// Returns the names of the actions that the built-in policies name, other than the groups.
pub(crate) fn named() -> Result<BTreeSet<String>, PoliciesError> {
    let mut names = BTreeSet::new();
    for policy in compile_built_in()?.policies() {
        action_names(&policy.to_json().map_err(PoliciesError::of)?, &mut names);
    }
    names.retain(|name| Group::ALL.iter().all(|group| group.as_str() != name));
    names.retain(|name| Section::ALL.into_iter().all(|section| setup::group(section) != *name));
    Ok(names)
}

fn action_names(json: &Value, names: &mut BTreeSet<String>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| action_names(item, names)),
        Value::Object(fields) => {
            if let (Some("Trustplane::Action"), Some(id)) =
                (fields.get("type").and_then(Value::as_str), fields.get("id").and_then(Value::as_str))
            {
                names.insert(id.to_owned());
            }
            fields.values().for_each(|field| action_names(field, names));
        }
        _ => {}
    }
}

/// Asks Cedar for the decision of the built-in policies on every combination of what they can read. `known` are the
/// actions of all functions. Returns the table as Rust code.
///
/// # Errors
/// The policies do not compile, name an action that no function has, or one cannot be evaluated.
pub fn tabulate(known: impl Iterator<Item = Action>) -> Result<String, PoliciesError> {
    let named = named()?;
    let mut actions: Vec<_> = Group::ALL.map(|group| (None, group)).into();
    actions.extend(known.filter(|known| named.contains(known.name)).map(|known| (Some(known.name), known.group)));
    if actions.len() != Group::ALL.len() + named.len() {
        return Err(PoliciesError::of(format!("policies name actions that no function has: {named:?}")));
    }
    let cedar = Policies::built_in()?;
    let mut verdicts: Vec<Verdict> = Vec::new();
    let mut cells = Vec::new();
    for request in Request::all(&actions) {
        let verdict = request.with(|asked, question| cedar.verdict(asked, asked.action, question));
        let verdict = verdict.map_err(PoliciesError::of)?;
        if let Some(error) = verdict.errors.first() {
            return Err(PoliciesError::of(error));
        }
        let known = verdicts.iter().position(|known| *known == verdict);
        let outcome = known.unwrap_or_else(|| {
            verdicts.push(verdict);
            verdicts.len() - 1
        });
        cells.push((request.places, outcome));
    }
    let actions: Vec<_> = actions.into_iter().map(|(name, group)| (name, group.as_str())).collect();
    let classes = [
        classes(&cells, 0, CREDENTIALS.len()),
        classes(&cells, 1, Kind::ALL.len()),
        classes(&cells, 2, OWN_VERSIONS.len()),
        classes(&cells, 3, actions.len()),
    ];
    let [credentials, resources, own_versions, action_classes] = &classes;
    let mut text = String::from(
        "//! Decisions of the built-in policies, computed by Cedar. Written by `cargo catalogue`; see `table.rs`.\n//!\n\
         //! Values that the policies do not tell apart are in one class.\n\nuse crate::table::Outcome;\n\n",
    );
    let _ = writeln!(
        text,
        "/// Fingerprint of the text of the policies.\npub(crate) const BUILT_IN: u64 = {:#x};\n",
        fingerprint(BUILT_IN)
    );
    let roles = Role::ALL.map(Role::as_str);
    let _ = writeln!(
        text,
        "/// The roles; each is a bit of a column's number.\npub(crate) const ROLES: [&str; {}] = {roles:?};\n",
        roles.len()
    );
    list(&mut text, "Kinds of credentials", "CREDENTIALS", "&str", credentials, |place| {
        CREDENTIALS.get(place).map(|kind| kind.as_str())
    });
    list(&mut text, "Kinds of resources", "RESOURCES", "&str", resources, |place| {
        Kind::ALL.get(place).map(|kind| kind.entity_type())
    });
    list(&mut text, "Values of `own_version`", "OWN_VERSIONS", "Option<bool>", own_versions, |place| {
        OWN_VERSIONS.get(place).copied()
    });
    list(
        &mut text,
        "Actions by name, if a policy names them, and by group",
        "ACTIONS",
        "(Option<&str>, &str)",
        action_classes,
        |place| actions.get(place).copied(),
    );
    text.push_str("/// The decisions that occur.\npub(crate) const OUTCOMES: &[Outcome] = &[\n");
    for Verdict { permitted, determining_policies, notices, .. } in &verdicts {
        let _ = writeln!(
            text,
            "    Outcome {{ permitted: {permitted}, determining: &{determining_policies:?}, notices: &{notices:?} }},"
        );
    }
    text.push_str(
        "];\n\n/// A row for each combination of the classes, in the order of the lists; in it, the outcome for each set of roles.\n\
         pub(crate) const ROWS: &[[u8; 1 << ROLES.len()]] = &[\n",
    );
    // The first members stand for their classes; the cells are in the order of the rows.
    let stands = |place: usize, value: usize| {
        classes.get(place).is_some_and(|classes| classes.iter().any(|class| class.first() == Some(&value)))
    };
    let standing = cells
        .iter()
        .filter(|(places, _)| (0..4).all(|place| places.get(place).is_some_and(|value| stands(place, *value))));
    let outcomes: Vec<_> = standing.map(|(_, outcome)| *outcome).collect();
    for row in outcomes.chunks(1 << Role::ALL.len()) {
        let _ = writeln!(text, "    {row:?},");
    }
    text.push_str("];\n");
    Ok(text)
}

/// Groups the values of one place: those whose outcomes are equal, whatever the other values are.
fn classes(cells: &[([usize; 5], usize)], place: usize, values: usize) -> Vec<Vec<usize>> {
    let column = |value: usize| -> Vec<usize> {
        cells.iter().filter(|(places, _)| places.get(place) == Some(&value)).map(|(_, outcome)| *outcome).collect()
    };
    let mut classes: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for value in 0..values {
        let column = column(value);
        match classes.iter_mut().find(|(known, _)| *known == column) {
            Some((_, class)) => class.push(value),
            None => classes.push((column, vec![value])),
        }
    }
    classes.into_iter().map(|(_, class)| class).collect()
}

fn list<T: Debug>(
    text: &mut String,
    what: &str,
    name: &str,
    of: &str,
    classes: &[Vec<usize>],
    value: impl Fn(usize) -> Option<T>,
) {
    let _ = writeln!(text, "/// {what}.\npub(crate) const {name}: &[&[{of}]] = &[");
    for class in classes {
        let members: Vec<T> = class.iter().filter_map(|place| value(*place)).collect();
        let _ = writeln!(text, "    &{members:?},");
    }
    text.push_str("];\n\n");
}
