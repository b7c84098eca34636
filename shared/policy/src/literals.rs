//! Literals that cannot occur: a role, a kind of credential, a weekday or an hour that no request has. A comparison with
//! one is always false or always true, so the policy does not say what its author meant.

use serde_json::Value;
use trustplane_domain::credential::Role;
use trustplane_domain::nearest::unknown;

/// Kinds of principals.
pub(crate) const KINDS: [&str; 5] = ["bearer", "access_key", "temporary", "setup", "system"];
/// Days, as `context.weekday` has them.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// The last hour of `context.hour`.
const LAST_HOUR: i64 = 23;

/// A literal that cannot occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Impossible {
    /// The literal, as it is in the text of the policy.
    pub(crate) literal: String,
    /// The fault, for people.
    pub(crate) message: String,
}

/// An attribute whose values are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Role,
    Kind,
    Weekday,
    Hour,
}

/// Returns the literals that cannot occur in the conditions of a policy, which is in Cedar's JSON format.
pub(crate) fn impossible(policy: &Value) -> Vec<Impossible> {
    let mut found = Vec::new();
    let conditions = policy.get("conditions").and_then(Value::as_array).into_iter().flatten();
    for body in conditions.filter_map(|condition| condition.get("body")) {
        walk(body, &mut found);
    }
    found
}

fn walk(expression: &Value, found: &mut Vec<Impossible>) {
    match expression {
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Object(operators) => {
            for (operator, operands) in operators {
                compare(operator, operands, found);
                walk(operands, found);
            }
        }
        _ => {}
    }
}

/// Judges one operation, where one side is an attribute with known values.
fn compare(operator: &str, operands: &Value, found: &mut Vec<Impossible>) {
    let (Some(left), Some(right)) = (operands.get("left"), operands.get("right").or(operands.get("pattern"))) else {
        return;
    };
    let (known, other, is_left) = match (Known::of(left), Known::of(right)) {
        (Some(known), _) => (known, right, true),
        (None, Some(known)) => (known, left, false),
        (None, None) => return,
    };
    match operator {
        "==" | "!=" | "contains" | "containsAll" | "containsAny" => {
            found.extend(literals(other).filter_map(|literal| known.judge(literal)));
        }
        "<" | "<=" | ">" | ">=" if known == Known::Hour => {
            found.extend(whole_number(other).and_then(|bound| never_reached(operator, bound, is_left)));
        }
        "like" if is_left => found.extend(known.judge_pattern(other)),
        _ => {}
    }
}

impl Known {
    /// The attribute that an expression reads.
    fn of(expression: &Value) -> Option<Self> {
        let access = expression.get(".")?;
        let of = access.get("left")?;
        let is_variable = |name: &str| of.get("Var").and_then(Value::as_str) == Some(name);
        match access.get("attr")?.as_str()? {
            "weekday" if is_variable("context") => Some(Self::Weekday),
            "hour" if is_variable("context") => Some(Self::Hour),
            "kind" if is_variable("principal") || is_image(of) => Some(Self::Kind),
            "roles" if is_variable("principal") || is_image(of) => Some(Self::Role),
            _ => None,
        }
    }

    fn values(self) -> Vec<&'static str> {
        match self {
            Self::Role => Role::ALL.map(Role::as_str).to_vec(),
            Self::Kind => KINDS.to_vec(),
            Self::Weekday => WEEKDAYS.to_vec(),
            Self::Hour => Vec::new(),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Kind => "kind",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
        }
    }

    fn judge(self, literal: &Value) -> Option<Impossible> {
        if self == Self::Hour {
            let hour = whole_number(literal).filter(|hour| !(0..=LAST_HOUR).contains(hour))?;
            let message = format!("the hour `{hour}` is unknown: expected 0 to {LAST_HOUR}");
            return Some(Impossible { literal: hour.to_string(), message });
        }
        let text = literal.get("Value").unwrap_or(literal).as_str()?;
        let values = self.values();
        if values.contains(&text) {
            return None;
        }
        let message = format!("the {} `{text}` {}", self.noun(), unknown(text, values));
        Some(Impossible { literal: format!("\"{text}\""), message })
    }

    /// Judges a pattern of `like`.
    fn judge_pattern(self, pattern: &Value) -> Option<Impossible> {
        let parts = pattern.as_array()?;
        let values = self.values();
        if values.is_empty() || values.iter().any(|value| matches(parts, value)) {
            return None;
        }
        let text: String =
            parts.iter().map(|part| part.get("Literal").and_then(Value::as_str).unwrap_or("*")).collect();
        let message = format!("no {} is like `{text}`: expected `{}`", self.noun(), values.join("`, `"));
        Some(Impossible { literal: format!("\"{text}\""), message })
    }
}

/// Returns true for `resource.before` and `resource.after`.
fn is_image(expression: &Value) -> bool {
    expression.get(".").is_some_and(|access| {
        let is_resource = access.get("left").and_then(|of| of.get("Var")).and_then(Value::as_str) == Some("resource");
        is_resource && matches!(access.get("attr").and_then(Value::as_str), Some("before" | "after"))
    })
}

/// The literals of an expression: itself, or the elements of a set.
fn literals(expression: &Value) -> impl Iterator<Item = &Value> {
    let set = expression.get("Set").or_else(|| expression.get("Value").filter(|value| value.is_array()));
    let elements = set.and_then(Value::as_array).map(|elements| elements.iter());
    let itself = elements.is_none().then_some(expression);
    elements.into_iter().flatten().chain(itself)
}

/// The number that an expression is, with its sign.
fn whole_number(expression: &Value) -> Option<i64> {
    if let Some(negated) = expression.get("neg") {
        return whole_number(negated.get("arg")?)?.checked_neg();
    }
    expression.get("Value").unwrap_or(expression).as_i64()
}

/// Judges a bound of the hour. One that always holds, such as `hour < 24`, says what it means.
fn never_reached(operator: &str, bound: i64, is_left: bool) -> Option<Impossible> {
    let upright = match (operator, is_left) {
        (_, true) => operator,
        ("<", false) => ">",
        ("<=", false) => ">=",
        (">", false) => "<",
        (_, false) => "<=",
    };
    let is_never = match upright {
        "<" => bound <= 0,
        "<=" => bound < 0,
        ">" => bound >= LAST_HOUR,
        _ => bound > LAST_HOUR,
    };
    is_never.then(|| Impossible {
        literal: bound.to_string(),
        message: format!("no hour is `{upright} {bound}`: hours are 0 to {LAST_HOUR}"),
    })
}

/// Matches a text with a pattern of literals and wildcards.
fn matches(parts: &[Value], text: &str) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((first, rest)) => match first.get("Literal").and_then(Value::as_str) {
            Some(literal) => text.strip_prefix(literal).is_some_and(|left| matches(rest, left)),
            None => text
                .char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| text.get(at..).is_some_and(|left| matches(rest, left))),
        },
    }
}
