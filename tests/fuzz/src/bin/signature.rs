//! Signs a request by the guide, which the code under test must accept. It must accept another request with that
//! signature only if both have the same canonical form. It must handle any header without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trustplane_domain::Timestamp;
use trustplane_domain::signature::Presented;
use trustplane_fuzz::{DATE, Request, may_be_signed, signature};

const SECRET: &[u8] = b"a secret";

fuzz_target!(|text: &str| {
    // The list of signed headers, a free header, a request, and after an empty line another one.
    let mut halves = text.splitn(2, "\n\n");
    let mut first = halves.next().unwrap_or_default().split('\n');
    let signed: Vec<String> = first.next().unwrap_or_default().split(';').map(str::to_owned).collect();
    let free = first.next().unwrap_or_default();
    let request = Request::read(&mut first);
    let other = halves.next().map_or_else(|| request.clone(), |half| Request::read(&mut half.split('\n')));

    let now = Timestamp::parse("2026-01-02T03:04:05Z").expect("a moment");
    let passes = |authorization: &str, request: &Request| {
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let presented = Presented::parse(authorization, header);
        presented.is_ok_and(|presented| presented.verify(SECRET, &request.parts(), now).is_ok())
    };
    assert!(!passes(free, &request), "a free header was let in: {free:?}");

    let Some(canonical) = request.canonical(&signed) else { return };
    let names = signed.join(";");
    let good = signature(SECRET, &canonical);
    let authorization = format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders={names}, Signature={good}");
    let fits = authorization.len() <= 8 * 1024;
    assert_eq!(passes(&authorization, &request), may_be_signed(&signed) && fits, "{authorization} {request:?} {DATE}");
    if may_be_signed(&signed) && fits {
        let same = other.canonical(&signed).as_ref() == Some(&canonical);
        assert_eq!(passes(&authorization, &other), same, "{authorization} {request:?} {other:?}");
    }
});
