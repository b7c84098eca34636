//! Input that was pasted from elsewhere: invisible characters, quotation marks, and things of AWS that look like the one that is
//! asked for. Says what was pasted, and what to copy from where.

/// The thing that a field asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Instance,
    Role,
    Region,
    Account,
}

/// The place where the console shows the thing.
impl Wanted {
    fn source(self) -> &'static str {
        match self {
            Self::Instance => "copy `Instance ARN` from IAM Identity Center > Settings > Details",
            Self::Role => "copy the ARN from IAM > Roles > the role > Summary",
            Self::Region => {
                "copy the region's code, such as `us-east-1`, from IAM Identity Center > Settings > Details"
            }
            Self::Account => "write the 12 digits without anything between them",
        }
    }
}

/// Names the thing that was pasted in place of `wanted`; `None` if it is not recognized.
pub(crate) fn recognized(text: &str, wanted: Wanted) -> Option<String> {
    invisible(text).or_else(|| quoted(text)).or_else(|| {
        let what = thing(text, wanted)?;
        Some(if what.ends_with('`') { what } else { format!("{what}: {}", wanted.source()) })
    })
}

/// Names a character that nobody can see, and its place.
fn invisible(text: &str) -> Option<String> {
    let count = text.chars().count();
    let is_invisible = |c: &char| c.is_whitespace() || c.is_control() || is_format(*c);
    let (first, last) = (text.chars().next()?, text.chars().next_back()?);
    if is_invisible(&last) {
        return Some(format!("has {} at its end: remove it", name(last)));
    }
    if is_invisible(&first) {
        return Some(format!("has {} at its beginning: remove it", name(first)));
    }
    // A space within a region's name is part of it.
    let inner = |(_, c): &(usize, char)| is_invisible(c) && *c != ' ';
    let (place, found) = text.chars().enumerate().find(inner)?;
    Some(format!("has {} at character {} of {count}: remove it", name(found), place + 1))
}

/// Reports a character of Unicode's category "format" that people paste without seeing it.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn name(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        '\u{a0}' | '\u{202f}' | '\u{2007}' => "a no-break space".to_owned(),
        '\u{200b}' => "a zero width space".to_owned(),
        '\u{feff}' => "a byte order mark".to_owned(),
        '\u{ad}' => "a soft hyphen".to_owned(),
        c if c.is_whitespace() => format!("a space (U+{:04X})", u32::from(c)),
        c => format!("an invisible character (U+{:04X})", u32::from(c)),
    }
}

fn quoted(text: &str) -> Option<String> {
    const QUOTES: [char; 11] =
        ['"', '\'', '`', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}', '\u{ab}', '\u{bb}', '\u{b4}'];
    let around = text.starts_with(QUOTES) || text.ends_with(QUOTES);
    around.then(|| "has quotation marks around it: remove them".to_owned())
}

/// Names the thing of AWS that the text is.
fn thing(text: &str, wanted: Wanted) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        let is_portal = ["awsapps.com", ".app.aws", "portal.sso."].iter().any(|part| lower.contains(part));
        return Some(if is_portal { "is the URL of the AWS access portal" } else { "is a URL" }.to_owned());
    }
    match wanted {
        Wanted::Region => region(text),
        Wanted::Account => account(text),
        Wanted::Instance | Wanted::Role => arn(text, wanted),
    }
}

fn arn(text: &str, wanted: Wanted) -> Option<String> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits == 12 && text.chars().all(|c| c.is_ascii_digit() || c == '-') {
        return Some("is an account number".to_owned());
    }
    if text.strip_prefix("d-").is_some_and(|id| id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return Some("is the id of the identity store (directory)".to_owned());
    }
    if text.starts_with("o-") || text.starts_with("r-") || text.starts_with("ou-") {
        return Some("is an id of AWS Organizations".to_owned());
    }
    if text.starts_with("ssoins-") && wanted == Wanted::Instance {
        return Some(format!("is the instance's id: save its ARN, which is `arn:aws:sso:::instance/{text}`"));
    }
    if text.starts_with("AROA") || text.starts_with("AIDA") {
        return Some("is a unique id of IAM".to_owned());
    }
    let mut parts = text.splitn(6, ':');
    if parts.next() != Some("arn") {
        return None;
    }
    let partition = parts.next()?;
    let (service, _, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
    Some(match (service, kind, wanted) {
        ("sts", "assumed-role", Wanted::Role) => {
            let role = rest.split('/').next().unwrap_or_default();
            format!(
                "is the ARN of a session of the role: save the role's own ARN, which IAM > Roles > {role} shows. Without a path it \
                 is `arn:{partition}:iam::{account}:role/{role}`"
            )
        }
        ("sts", ..) => "is the ARN of a session".to_owned(),
        ("iam", "role", Wanted::Instance) => "is the ARN of a role".to_owned(),
        ("iam", "role", _) => return None,
        ("iam", "root", _) => "is the ARN of an account".to_owned(),
        ("iam", "policy", _) => "is the ARN of a policy".to_owned(),
        ("iam", "saml-provider" | "oidc-provider", _) => "is the ARN of an identity provider of IAM".to_owned(),
        ("iam", kind, _) => format!("is the ARN of a {kind} of IAM"),
        ("identitystore", ..) => "is the ARN of the identity store".to_owned(),
        ("sso", "permissionSet", _) => "is the ARN of a permission set".to_owned(),
        ("sso", "account", _) => "is the ARN of an account in IAM Identity Center".to_owned(),
        ("sso", "application", _) => "is the ARN of an application of IAM Identity Center".to_owned(),
        ("sso", "instance", Wanted::Role) => "is the ARN of the instance".to_owned(),
        ("sso", "instance", _) => return None,
        ("organizations", ..) => "is an ARN of AWS Organizations".to_owned(),
        ("cloudformation", "stack", _) => {
            "is the ARN of a CloudFormation stack: its output `RoleArn` is the role's".to_owned()
        }
        (service, ..) => format!("is an ARN of the service `{service}`"),
    })
}

fn account(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let others = text.chars().any(|c| !c.is_ascii_digit());
    if others && digits.len() == 12 && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' ' | '.')) {
        return Some(format!("has separators, as the console shows an account number: write `{digits}`"));
    }
    if !others && (9..12).contains(&digits.len()) {
        return Some(format!(
            "has {} digits of 12: spreadsheets drop zeros at the beginning, perhaps it is `{digits:0>12}`",
            digits.len()
        ));
    }
    if text.starts_with("arn:") {
        return text
            .split(':')
            .nth(4)
            .filter(|id| id.len() == 12)
            .map(|id| format!("is an ARN: the account in it is `{id}`"));
    }
    None
}

fn region(text: &str) -> Option<String> {
    if let Some((code, _)) = NAMES.iter().find(|(_, name)| is_name(text, name)) {
        return Some(format!("is the console's name of a region: write its code `{code}`"));
    }
    let lower = text.to_ascii_lowercase().replace('_', "-");
    if lower != text && super::region::Region::is_form(&lower) {
        return Some(format!("is a region in another spelling: write `{lower}`"));
    }
    // `us-east-1a`, `us-east-1-bos-1a`, `us-east-1-wl1-bos-wlz-1`.
    let end = lower.char_indices().find(|(_, c)| c.is_ascii_digit()).map(|(place, _)| place + 1)?;
    let code = lower.get(..end).filter(|code| super::region::Region::is_form(code))?;
    let rest = lower.get(end..)?;
    let is_zone = rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_lowercase());
    match (is_zone, rest.starts_with('-')) {
        (true, _) => Some(format!("is an availability zone: its region is `{code}`")),
        (_, true) => Some(format!("is a local zone or a wavelength zone: its region is `{code}`")),
        _ => None,
    }
}

/// Compares with a region's name: whole, or the place in its parentheses.
fn is_name(text: &str, name: &str) -> bool {
    let place = name.split_once('(').and_then(|(_, place)| place.strip_suffix(')'));
    let text = text.trim();
    text.eq_ignore_ascii_case(name) || place.is_some_and(|place| text.eq_ignore_ascii_case(place))
}

/// Codes of regions and their names in the console ("AWS Regions", AWS General Reference).
const NAMES: [(&str, &str); 38] = [
    ("af-south-1", "Africa (Cape Town)"),
    ("ap-east-1", "Asia Pacific (Hong Kong)"),
    ("ap-east-2", "Asia Pacific (Taipei)"),
    ("ap-northeast-1", "Asia Pacific (Tokyo)"),
    ("ap-northeast-2", "Asia Pacific (Seoul)"),
    ("ap-northeast-3", "Asia Pacific (Osaka)"),
    ("ap-south-1", "Asia Pacific (Mumbai)"),
    ("ap-south-2", "Asia Pacific (Hyderabad)"),
    ("ap-southeast-1", "Asia Pacific (Singapore)"),
    ("ap-southeast-2", "Asia Pacific (Sydney)"),
    ("ap-southeast-3", "Asia Pacific (Jakarta)"),
    ("ap-southeast-4", "Asia Pacific (Melbourne)"),
    ("ap-southeast-5", "Asia Pacific (Malaysia)"),
    ("ap-southeast-6", "Asia Pacific (New Zealand)"),
    ("ap-southeast-7", "Asia Pacific (Thailand)"),
    ("ca-central-1", "Canada (Central)"),
    ("ca-west-1", "Canada West (Calgary)"),
    ("cn-north-1", "China (Beijing)"),
    ("cn-northwest-1", "China (Ningxia)"),
    ("eu-central-1", "Europe (Frankfurt)"),
    ("eu-central-2", "Europe (Zurich)"),
    ("eu-north-1", "Europe (Stockholm)"),
    ("eu-south-1", "Europe (Milan)"),
    ("eu-south-2", "Europe (Spain)"),
    ("eu-west-1", "Europe (Ireland)"),
    ("eu-west-2", "Europe (London)"),
    ("eu-west-3", "Europe (Paris)"),
    ("il-central-1", "Israel (Tel Aviv)"),
    ("me-central-1", "Middle East (UAE)"),
    ("me-south-1", "Middle East (Bahrain)"),
    ("mx-central-1", "Mexico (Central)"),
    ("sa-east-1", "South America (Sao Paulo)"),
    ("us-east-1", "US East (N. Virginia)"),
    ("us-east-2", "US East (Ohio)"),
    ("us-west-1", "US West (N. California)"),
    ("us-west-2", "US West (Oregon)"),
    ("us-gov-east-1", "AWS GovCloud (US-East)"),
    ("us-gov-west-1", "AWS GovCloud (US-West)"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_pasted_is_named() {
        let role = "arn:aws:iam::123456789012:role/Reader";
        for (text, wanted, parts) in [
            (&format!("{role}\n"), Wanted::Role, &["a line break at its end"][..]),
            (&format!("{role} "), Wanted::Role, &["a space at its end"]),
            (&format!("\u{a0}{role}"), Wanted::Role, &["a no-break space at its beginning"]),
            (&role.replace("role", "ro\u{200b}le"), Wanted::Role, &["a zero width space at character 29"]),
            (&format!("\"{role}\""), Wanted::Role, &["quotation marks"]),
            (&format!("\u{201c}{role}\u{201d}"), Wanted::Role, &["quotation marks"]),
            (
                &"arn:aws:sts::123456789012:assumed-role/Reader/me@example.com".to_owned(),
                Wanted::Role,
                &["session", "`arn:aws:iam::123456789012:role/Reader`"],
            ),
            (&"arn:aws:iam::123456789012:user/me".to_owned(), Wanted::Role, &["a user of IAM", "IAM > Roles"]),
            (&"1234-5678-9012".to_owned(), Wanted::Role, &["account number"]),
            (
                &"https://d-1234567890.awsapps.com/start".to_owned(),
                Wanted::Instance,
                &["access portal", "Instance ARN"],
            ),
            (
                &"https://ssoins-7223fe9db2c6a018.portal.us-east-1.app.aws".to_owned(),
                Wanted::Instance,
                &["access portal"],
            ),
            (&"d-1234567890".to_owned(), Wanted::Instance, &["identity store", "Instance ARN"]),
            (
                &"ssoins-7223fe9db2c6a018".to_owned(),
                Wanted::Instance,
                &["`arn:aws:sso:::instance/ssoins-7223fe9db2c6a018`"],
            ),
            (&role.to_owned(), Wanted::Instance, &["the ARN of a role", "Instance ARN"]),
            (&"arn:aws:sso:::permissionSet/ssoins-1/ps-1".to_owned(), Wanted::Instance, &["permission set"]),
            (&"1234-5678-9012".to_owned(), Wanted::Account, &["`123456789012`"]),
            (&"1234 5678 9012".to_owned(), Wanted::Account, &["`123456789012`"]),
            (&"23456789012".to_owned(), Wanted::Account, &["11 digits of 12", "`023456789012`"]),
            (&role.to_owned(), Wanted::Account, &["`123456789012`"]),
            (&"us-east-1a".to_owned(), Wanted::Region, &["availability zone", "`us-east-1`"]),
            (&"us-west-2-lax-1a".to_owned(), Wanted::Region, &["local zone", "`us-west-2`"]),
            (&"US East (N. Virginia)".to_owned(), Wanted::Region, &["`us-east-1`"]),
            (&"n. virginia".to_owned(), Wanted::Region, &["`us-east-1`"]),
            (&"US-EAST-1".to_owned(), Wanted::Region, &["`us-east-1`"]),
            (&"us_east_1".to_owned(), Wanted::Region, &["`us-east-1`"]),
        ] {
            let said = recognized(text, wanted).unwrap_or_else(|| panic!("nothing is said of {text:?}"));
            for part in parts {
                assert!(said.contains(part), "{text:?}: {said}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at_without_a_panic(text in "\\PC{0,60}|[\\s\\S]{0,20}|(arn:|https://|us-east-1|d-)?[ -~]{0,40}") {
            for wanted in [Wanted::Instance, Wanted::Role, Wanted::Region, Wanted::Account] {
                if let Some(said) = recognized(&text, wanted) {
                    prop_assert!(!said.is_empty());
                }
            }
        }
    }
}
