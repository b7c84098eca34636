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
        (error(400, "ValidationException", "bad"), Refusal::Other("ValidationException".to_owned())),
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
