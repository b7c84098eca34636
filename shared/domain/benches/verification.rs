//! Measures the verification of a signed request whose secret is known: medians in microseconds, by size of the body.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot run")]

use std::hint::black_box;
use std::time::Instant;

use trustplane_domain::Timestamp;
use trustplane_domain::signature::{DATE_HEADER, Presented, RequestParts, SignatureFailure};

const SECRET: &[u8] = b"TPSKexampleexampleexampleexampleexampleexample";
const PATH: &str = "/v1/identity-stores/d-1234567890/external-idp/f471f44e-8586-49e0-949e-10b4132e98ce/certificate";

fn main() {
    let now = Timestamp::parse("2026-01-02T03:04:05.000Z").expect("a time");
    for size in [0, 1_000, 10_000, 64 * 1024] {
        let body = vec![b'x'; size];
        // The signature need not be valid: a wrong one is computed and compared to the end.
        let mut times: Vec<f64> = (0..51).map(|_| batch(&body, now)).collect();
        times.sort_by(f64::total_cmp);
        println!("{:>9.1} us  body of {size} bytes", times.get(times.len() / 2).copied().unwrap_or_default());
    }
}

/// Returns the microseconds per verification, as the mean of a hundred.
fn batch(body: &[u8], now: Timestamp) -> f64 {
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(black_box(verified(body, now)), Err(SignatureFailure::Mismatch));
    }
    start.elapsed().as_secs_f64() * 1e6 / 100.0
}

fn verified(body: &[u8], now: Timestamp) -> Result<(), SignatureFailure> {
    let header = |name: &str| match name {
        DATE_HEADER => Some("20260102T030405Z"),
        "content-type" => Some("application/json;charset=utf-8"),
        "host" => Some("api.example.com"),
        "user-agent" => Some("huaweicloud-usdk-python/3.0"),
        _ => None,
    };
    let signature = "0".repeat(64);
    let authorization = format!(
        "SDK-HMAC-SHA256 Access=TPAKexample, SignedHeaders=content-type;host;user-agent;x-sdk-date, Signature={signature}"
    );
    let presented = Presented::parse(&authorization, header).expect("an authorization");
    let request = RequestParts { method: "POST", decoded_path: PATH, raw_query: "", header, body };
    presented.verify(SECRET, &request, now)
}
