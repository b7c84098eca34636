//! A function, and the look-ups by function.

use crate::table::FAMILIES;
use crate::{Permission, Trigger};

/// One Lambda function, and one binary.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// `<verb>-<resource>`, unique.
    pub name: &'static str,
    /// The package under `functions/`.
    pub family: &'static str,
    /// Title in the API document, a short imperative.
    pub summary: &'static str,
    /// The trigger that invokes it.
    pub trigger: Trigger,
    /// IAM permission sets, beside those that every function or every endpoint with a credential has.
    pub permissions: &'static [Permission],
}

impl Function {
    /// Returns all IAM permission sets. An endpoint with a credential also has [`Permission::Mac`], because a request
    /// may be signed with an access key, whose secret is derived by KMS.
    pub fn all_permissions(&self) -> impl Iterator<Item = Permission> {
        let has_credential = matches!(&self.trigger, Trigger::Http(route) if route.action.is_some());
        self.permissions.iter().copied().chain(has_credential.then_some(Permission::Mac))
    }
}

/// Returns all functions.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().copied().flatten()
}

/// Returns the function of this name.
pub fn function(name: &str) -> Option<&'static Function> {
    functions().find(|function| function.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Dialect, routes};

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = functions().map(|function| function.name).collect();
        assert_eq!(names.len(), functions().count());
    }

    #[test]
    fn rows_leave_no_default_empty() {
        for function in functions() {
            assert!(!function.name.is_empty() && !function.family.is_empty(), "{function:?}");
            assert!(!function.summary.is_empty() && !function.summary.ends_with('.'), "{function:?}");
        }
        for (function, route) in routes() {
            assert!(route.path.starts_with('/'), "{function:?}");
        }
    }

    #[test]
    fn functions_of_the_dialect_that_seals_denials_may_seal() {
        for (function, _) in routes().filter(|(_, route)| route.dialect == Dialect::IdentitySource) {
            assert!(function.permissions.contains(&Permission::Seal), "{}", function.name);
        }
    }
}
