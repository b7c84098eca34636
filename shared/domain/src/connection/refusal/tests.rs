use proptest::prelude::*;

use super::*;

fn error(status: u16, code: &'static str, message: &'static str) -> Reported<'static> {
    Reported { status, code, message, ..Reported::default() }
}

fn kms(code: &'static str, reason: &'static str) -> Reported<'static> {
    Reported { reason: Some(reason), ..error(400, code, "") }
}

#[test]
fn every_documented_form_has_its_meaning() {
    let denied = |by, explicit| Refusal::Denied(Denial { by, explicit, ..Denial::default() });
    for (reported, refusal) in [
        // The key is gone, under the code of a thing that is gone.
        (kms("ResourceNotFoundException", "KMS_NotFoundException"), Refusal::Kms(KmsReason::NotFound)),
        (kms("AccessDeniedException", "KMS_AccessDeniedException"), Refusal::Kms(KmsReason::Denied)),
        (kms("ThrottlingException", "KMS_ThrottlingException"), Refusal::Kms(KmsReason::Throttled)),
        (error(400, "ResourceNotFoundException", ""), Refusal::NotFound),
        // Failures of AWS Organizations and transient codes.
        (error(500, "ServiceException", ""), Refusal::Unavailable),
        (error(500, "SomethingNewException", ""), Refusal::Unavailable),
        (error(503, "", ""), Refusal::Unavailable),
        (error(400, "RequestTimeoutException", ""), Refusal::Unavailable),
        (error(409, "ConcurrentModificationException", ""), Refusal::Unavailable),
        (Reported { sdk: Some(Retry::Transient), ..error(400, "New", "") }, Refusal::Unavailable),
        (Reported { sdk: Some(Retry::Throttling), ..error(400, "New", "") }, Refusal::Throttled),
        (error(400, "TooManyRequestsException", ""), Refusal::Throttled),
        // Page tokens.
        (kms("InvalidInputException", "INVALID_NEXT_TOKEN"), Refusal::PageToken),
        (Reported { with_token: true, ..error(400, "ValidationException", "") }, Refusal::PageToken),
        (error(400, "ValidationException", ""), Refusal::Other("ValidationException".to_owned())),
        (error(400, "ValidationException", "bad"), Refusal::Other("ValidationException: bad".to_owned())),
        (
            Reported { with_token: true, ..error(400, "ValidationException", "... for account instances of ...") },
            Refusal::AccountInstance,
        ),
        // The region, something between, the clock.
        (
            error(400, "UnrecognizedClientException", "The security token included in the request is invalid."),
            Refusal::SessionOver,
        ),
        (Reported { is_foreign: true, ..error(403, "", "") }, Refusal::Intermediary(403)),
        (Reported { is_foreign: true, ..error(502, "", "") }, Refusal::Unavailable),
        (error(403, "", ""), Refusal::Intermediary(403)),
        (
            error(403, "InvalidSignatureException", "Signature expired"),
            Refusal::Platform("InvalidSignatureException".to_owned()),
        ),
        (error(403, "RegionDisabledException", ""), Refusal::RegionDisabled),
        (error(403, "OptInRequired", ""), Refusal::NotSignedUp("OptInRequired".to_owned())),
        (error(400, "AWSOrganizationsNotInUseException", ""), Refusal::NoOrganization),
        (error(400, "AccessDenied", ""), Refusal::denied()),
        (
            error(
                400,
                "AccessDeniedException",
                "User: a is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:...",
            ),
            Refusal::Kms(KmsReason::Denied),
        ),
        (
            error(400, "AccessDeniedException", "x with an explicit deny in a resource-based policy"),
            denied(Some(PolicyKind::Resource), true),
        ),
    ] {
        assert_eq!(reported.refusal(), refusal, "{reported:?}");
    }
}

#[test]
fn the_policy_of_a_denial_is_read_out_of_its_message() {
    let arn = "arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd";
    let with_arn = format!(
        "User: arn:aws:sts::123456789012:assumed-role/R/s is not authorized to perform: sso:ListInstances with an explicit deny \
         in a service control policy: {arn}"
    );
    let denial = Denial::of_message(&with_arn);
    assert_eq!((denial.by, denial.explicit), (Some(PolicyKind::ServiceControl), true));
    assert_eq!((denial.policy_arn.as_deref(), denial.action.as_deref()), (Some(arn), Some("sso:ListInstances")));
    assert!(denial.is_by_others() && denial.is_by_organization());
    assert!(denial.found("sso:ListInstances").contains(arn));
    for (message, by, explicit, by_others) in [
        ("due to an explicit deny in a Service Control Policy", Some(PolicyKind::ServiceControl), true, true),
        ("with an explicit deny in the role trust policy", Some(PolicyKind::Trust), true, false),
        ("with an explicit deny in a VPC endpoint policy", Some(PolicyKind::VpcEndpoint), true, true),
        (
            "with an explicit deny in a permissions boundary: arn:aws:iam::1:policy/b",
            Some(PolicyKind::Boundary),
            true,
            false,
        ),
        ("because no service control policy allows the sso:X action", Some(PolicyKind::ServiceControl), false, true),
        ("because no identity-based policy allows the sso:X action", Some(PolicyKind::Identity), false, false),
        ("because no resource-based policy allows the sso:X action", Some(PolicyKind::Resource), false, false),
        (
            "because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based \
             policy explicitly denies access",
            None,
            false,
            false,
        ),
        ("You don't have permissions to access this resource.", None, false, false),
        ("", None, false, false),
    ] {
        let denial = Denial::of_message(message);
        assert_eq!((denial.by, denial.explicit, denial.is_by_others()), (by, explicit, by_others), "{message}");
    }
}

/// AssumeRole is a call of the platform's account: what that account's policies deny is not the customer's to change.
#[test]
fn a_denial_of_assume_role_is_the_customers_only_where_it_comes_from_their_side() {
    let arn = "arn:aws:iam::000000000000:policy/Boundary";
    let told = |how: &str| {
        let message = format!("User: a is not authorized to perform: sts:AssumeRole on resource: b {how}");
        Reported { message: &message, ..error(403, "AccessDenied", "") }.refusal().of_assume_role()
    };
    for customers in [
        "",
        "because no role trust policy allows the sts:AssumeRole action",
        "with an explicit deny in the role trust policy",
        "with an explicit deny in a resource-based policy",
        "with an explicit deny in a resource control policy",
    ] {
        let refusal = told(customers);
        assert_eq!(refusal.code(ASSUME_ROLE), Code::AssumeRoleDenied, "{customers}");
        assert_eq!((refusal.is_denied(), refusal.acts()), (true, Actor::Customer));
    }
    for platforms in [
        "because no identity-based policy allows the sts:AssumeRole action",
        "with an explicit deny in an identity-based policy",
        "because no permissions boundary allows the sts:AssumeRole action",
        "because no session policy allows the sts:AssumeRole action",
        "with an explicit deny in a service control policy",
        "with an explicit deny in a VPC endpoint policy",
        &format!("with an explicit deny in a permissions boundary: {arn}"),
    ] {
        let refusal = told(platforms);
        assert_eq!(refusal.code(ASSUME_ROLE), Code::PlatformFault, "{platforms}");
        assert_eq!((refusal.is_denied(), refusal.is_passing(), refusal.acts()), (false, true, Actor::Platform));
    }
    assert!(told(&format!("with an explicit deny in a permissions boundary: {arn}")).found(ASSUME_ROLE).contains(arn));
    assert_eq!(Refusal::SessionOver.of_assume_role().code(ASSUME_ROLE), Code::PlatformFault);
}

#[test]
fn awss_own_message_is_shown_where_there_is_no_other_word() {
    let found = error(400, "SomeException", "the thing is blue.").refusal().found("sso:ListInstances");
    assert_eq!(found, "AWS refuses `sso:ListInstances` with the error `SomeException`. AWS says: the thing is blue.");
    let long = "x".repeat(5_000);
    let long = Reported { message: &long, ..error(400, "SomeException", "") }.refusal();
    assert!(long.found("sso:ListInstances").len() < 500);
}

#[test]
fn each_rule_but_the_last_can_be_reached() {
    for (place, rule) in RULES.iter().enumerate() {
        let reported = Reported {
            status: rule.status.as_ref().map_or(400, |status| *status.start()),
            code: rule.codes.first().copied().unwrap_or("SomeException"),
            reason: rule.reasons.first().copied(),
            message: rule.says.first().copied().unwrap_or_default(),
            is_foreign: rule.is_foreign.unwrap_or_default(),
            with_token: rule.with_token.unwrap_or_default(),
            sdk: rule.sdk,
        };
        let meaning = std::mem::discriminant(&reported.refusal());
        let single = Reported { message: "", ..reported };
        // The first code of a rule reaches it, unless an earlier rule means the same.
        let expected = match rule.meaning {
            Meaning::Denied => Refusal::denied(),
            Meaning::Kms(reason) => Refusal::Kms(reason),
            Meaning::SessionOver => Refusal::SessionOver,
            Meaning::RegionDisabled => Refusal::RegionDisabled,
            Meaning::PageToken => Refusal::PageToken,
            Meaning::AccountInstance => Refusal::AccountInstance,
            Meaning::NoOrganization => Refusal::NoOrganization,
            Meaning::NotSignedUp => Refusal::NotSignedUp(String::new()),
            Meaning::NotFound => Refusal::NotFound,
            Meaning::Throttled => Refusal::Throttled,
            Meaning::Unavailable if rule.codes == [""] => continue,
            Meaning::Unavailable => Refusal::Unavailable,
            Meaning::Intermediary => Refusal::Intermediary(0),
            Meaning::Platform => Refusal::Platform(String::new()),
            Meaning::Other => Refusal::Other(String::new()),
        };
        assert_eq!(meaning, std::mem::discriminant(&expected), "rule {place}: {single:?}");
    }
}

proptest! {
    /// Any error has a meaning, a code, a sentence and a party that acts; a failure of AWS is never the customer's.
    #[test]
    fn any_error_is_explained(
        status in prop_oneof![Just(400_u16), Just(403), Just(404), Just(429), 500_u16..600],
        code in "[A-Za-z]{0,24}",
        message in ".{0,200}",
        foreign in any::<bool>(),
        with_token in any::<bool>(),
    ) {
        let reported = Reported { status, code: &code, message: &message, is_foreign: foreign, with_token, ..Reported::default() };
        let refusal = reported.refusal();
        for action in ["sts:AssumeRole", "sso:ListInstances"] {
            prop_assert!(!refusal.found(action).is_empty());
            let _ = (refusal.code(action), refusal.class(action));
        }
        if status >= 500 {
            prop_assert!(refusal.is_passing());
            prop_assert_eq!(refusal.acts(), Actor::Aws);
        }
    }
}
