//! Tests of an external identity provider's certificates: import, list, rotation.

use rcgen::{CertificateParams, KeyPair, SerialNumber};
use serde_json::{Value, json};
use trustplane_domain::identity_provider::MAX_CERTIFICATES;
use trustplane_end_to_end::world;

use super::{IDP, certificate, certificate_and_key, connected, import, new_idp, with_provider};

/// A certificate signed with SHA-1, valid until 2048.
const SHA_1: &str = include_str!("sha1.pem");

#[tokio::test]
async fn a_certificate_is_listed_as_it_was_sent() {
    let (customer, path, first) = with_provider().await;
    let path = format!("{path}/certificate");
    let pem = certificate(-1, 30).replace('\n', "\r\n");
    let imported = customer.post(&path, &import(&pem)).await.expect(200);
    let cost = customer.cost(&imported).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (2, 2, 0));
    assert!(imported.header("warning").is_none());
    let listed = customer.get(&path).await.expect(200);
    let cost = customer.cost(&listed).await;
    assert_eq!((cost.dynamodb_calls, cost.dynamodb_round_trips, cost.aws_calls), (1, 1, 0));
    let certificates = listed.body["idp_certificates"].as_array().unwrap();
    let ids: Vec<&Value> = certificates.iter().map(|one| &one["certificate_id"]).collect();
    assert_eq!(ids, [&json!(first), &imported.body["certificate_id"]]);
    let second = &certificates[1];
    assert_eq!(second["x509_Certificate_in_pem"], pem);
    assert_eq!((&second["subject_name"], &second["issuer_name"]), (&json!("CN=Example IdP"), &json!("CN=Example IdP")));
    assert_eq!(second["signature_algorithm_name"], "SHA256withECDSA");
    let (from, to) = (second["not_before"].as_i64().unwrap(), second["not_after"].as_i64().unwrap());
    assert_eq!(to - from, 31 * 86_400_000);
    // Has 160 random bits: too long for a 32-bit float, unless it begins with zeroes.
    let serial = second["serial_number_string"].as_str().unwrap();
    assert!(serial.len() < 39 || second["serial_number"].is_null(), "{second}");
    let _ = customer.delete(&format!("{path}/{first}")).await.expect(200);
    let left = customer.get(&path).await.expect(200);
    assert_eq!(left.body["idp_certificates"], json!([second]));
    let _ = customer.delete(&format!("{path}/{first}")).await.refused(404, "IIC.404");
}

/// Creates a certificate with this serial number.
fn numbered(serial: u128, above: u8) -> String {
    let mut bytes = vec![above];
    bytes.extend(serial.to_be_bytes());
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&bytes));
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

#[tokio::test]
async fn a_serial_number_is_a_number_up_to_what_a_32_bit_float_holds() {
    let (customer, path, _) = with_provider().await;
    let path = format!("{path}/certificate");
    // 2^128 - 2^103: from this number on, Huawei Cloud's Go SDK fails on the whole response.
    let overflow = u128::MAX - (1 << 103) + 1;
    let numbers = [1, u128::from(u64::MAX), 1 << 64, (1 << 64) + 1, (1 << 127) + 1, overflow - 1];
    let exact = numbers.map(|serial| (serial, 0, serial.to_string(), serial.to_string()));
    let too_great = [(overflow, 0, overflow.to_string()), (u128::MAX, 0, u128::MAX.to_string())];
    let too_great = too_great.map(|(serial, above, text)| (serial, above, "null".to_owned(), text));
    let long = [(0, 1, "null".to_owned(), "340282366920938463463374607431768211456".to_owned())];
    for (serial, above, number, text) in exact.into_iter().chain(too_great).chain(long) {
        let imported = customer.post(&path, &import(&numbered(serial, above))).await.expect(200);
        let listed = customer.get(&path).await.expect(200);
        assert_eq!(listed.body["idp_certificates"][1]["serial_number_string"], text);
        // Compared as text, because a JSON parser might round it.
        let wanted = format!("\"serial_number\":{number},\"serial_number_string\":\"{text}\"");
        assert!(listed.text.contains(&wanted), "{wanted} is not in {}", listed.text);
        let read = number.parse::<f32>();
        assert!(read.is_err() || read.is_ok_and(f32::is_finite), "{number}");
        let id = imported.body["certificate_id"].as_str().unwrap();
        let _ = customer.delete(&format!("{path}/{id}")).await.expect(200);
    }
}

#[tokio::test]
async fn armour_is_read_leniently() {
    let pem = certificate(-1, 30);
    let forms = [
        pem.replace('\n', ""),
        pem.replace('\n', "\r\n"),
        format!("\n\n subject=CN = Example IdP\n{pem}\n and some words after it\n"),
        format!("{pem}\r\n"),
    ];
    for form in forms {
        let (customer, path, _) = with_provider().await;
        let path = format!("{path}/certificate");
        let mut body = import(&form).to_string().into_bytes();
        body.push(b'\n');
        let _ = customer.send(customer.request("POST", &path).raw(body)).await.expect(200);
        let listed = customer.get(&path).await.expect(200);
        assert_eq!(listed.body["idp_certificates"][1]["x509_Certificate_in_pem"], form);
    }
}

#[tokio::test]
async fn what_is_not_one_good_certificate_is_refused_by_name() {
    let (customer, path, _) = with_provider().await;
    let path = format!("{path}/certificate");
    let (pem, key) = certificate_and_key(-1, 30);
    let lines: Vec<&str> = pem.lines().collect();
    let cut = [&lines[..3], &lines[lines.len() - 1..]].concat().join("\n");
    let wrong = [
        (String::new(), "x509_certificate_in_pem"),
        (key.clone(), "private key"),
        (format!("{pem}{key}"), "private key"),
        (key.replace('\n', ""), "private key"),
        (format!("{pem}{}", certificate(-1, 30)), "2 certificates"),
        (cut, "x509_certificate_in_pem"),
        (pem.replace("-----END CERTIFICATE-----", ""), "x509_certificate_in_pem"),
        (certificate(-2, -1), "expired"),
        ("x".repeat(10_001), "10000"),
        (pem.replace("CERTIFICATE", "PUBLIC KEY"), "PUBLIC KEY"),
    ];
    for (text, said) in wrong {
        let refused = customer.post(&path, &import(&text)).await.refused(400, "IIC.400");
        let message = refused.body["error_msg"].as_str().unwrap();
        assert!(message.starts_with("Bad Request: x509_certificate_in_pem") && message.contains(said), "{message}");
    }
    let secret: String = key.lines().nth(1).unwrap().chars().take(40).collect();
    assert!(world().stack().logs().iter().all(|line| !line.text.contains(&secret)));
    let other_use = json!({"x509_certificate_in_pem": pem, "certificate_use": "ENCRYPTION"});
    assert!(customer.post(&path, &other_use).await.refused(400, "IIC.400").text.contains("certificate_use"));
    let refused = customer.post(&path, &json!({})).await.refused(400, "IIC.400");
    assert!(refused.text.contains("certificate_use") && refused.text.contains("x509_certificate_in_pem"));
    assert_eq!(customer.get(&path).await.expect(200).body["idp_certificates"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ten_at_most_and_none_twice() {
    let (customer, path, _) = with_provider().await;
    let path = format!("{path}/certificate");
    let pem = certificate(-1, 30);
    let imported = customer.post(&path, &import(&pem)).await.expect(200);
    for _ in 2..MAX_CERTIFICATES {
        let _ = customer.post(&path, &import(&certificate(-1, 30))).await.expect(200);
    }
    let again = customer.post(&path, &import(&pem.replace('\n', ""))).await.refused(409, "IIC.1007");
    assert!(again.text.contains(imported.body["certificate_id"].as_str().unwrap()), "{}", again.text);
    let _ = customer.post(&path, &import(&certificate(-1, 30))).await.refused(409, "IIC.1007");
    // Faults of the body precede the limit.
    let _ = customer.post(&path, &import("x")).await.refused(400, "IIC.400");
}

#[tokio::test]
async fn rotation_never_leaves_an_enabled_provider_with_nothing_to_trust() {
    let (customer, provider, old) = with_provider().await;
    let path = format!("{provider}/certificate");
    let _ = customer.post(&format!("{provider}/enable"), &Value::Null).await.expect(200);
    let _ = customer.delete(&format!("{path}/{old}")).await.refused(409, "IIC.1007");
    // A certificate that is not valid yet does not count.
    let later = customer.post(&path, &import(&certificate(2, 30))).await.expect(200);
    let _ = customer.delete(&format!("{path}/{old}")).await.refused(409, "IIC.1007");
    let later = later.body["certificate_id"].as_str().unwrap().to_owned();
    let _ = customer.delete(&format!("{path}/{later}")).await.expect(200);
    let _ = customer.post(&path, &import(&certificate(-1, 300))).await.expect(200);
    let _ = customer.delete(&format!("{path}/{old}")).await.expect(200);
    assert_eq!(customer.get(&path).await.expect(200).body["idp_certificates"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn importers_at_the_same_time_never_exceed_the_limit() {
    let (customer, path, _) = with_provider().await;
    let path = format!("{path}/certificate");
    for _ in 2..MAX_CERTIFICATES {
        let _ = customer.post(&path, &import(&certificate(-1, 30))).await.expect(200);
    }
    let bodies = [import(&certificate(-1, 30)), import(&certificate(-1, 30)), import(&certificate(-1, 30))];
    let (one, two, three) = tokio::join!(
        customer.post(&path, &bodies[0]),
        customer.post(&path, &bodies[1]),
        customer.post(&path, &bodies[2])
    );
    let statuses = [one.status, two.status, three.status];
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    let listed = customer.get(&path).await.expect(200);
    assert_eq!(listed.body["idp_certificates"].as_array().unwrap().len(), MAX_CERTIFICATES);
}

#[tokio::test]
async fn a_signature_that_can_be_forged_is_taken_with_a_warning() {
    let (customer, path, _) = with_provider().await;
    let imported = customer.post(&format!("{path}/certificate"), &import(SHA_1)).await.expect(200);
    assert!(imported.header("warning").unwrap().contains("SHA1withRSA"), "{imported:?}");
}

#[tokio::test]
async fn a_retry_with_a_key_is_answered_as_the_first_try() {
    let customer = connected("healthy").await;
    let made = |body: Value| customer.send(customer.request("POST", IDP).json(&body).header("idempotency-key", "one"));
    let body = new_idp(&certificate(-1, 30));
    let first = made(body.clone()).await.expect(201);
    assert_eq!(made(body).await.expect(201).body, first.body);
    let _ = made(new_idp(&certificate(-1, 30))).await.refused(422, "IIC.422");
}
