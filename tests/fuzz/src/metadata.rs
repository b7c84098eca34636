//! Metadata that a fuzzer puts together, and an independent reader of its certificates: another parser of XML, another
//! parser of X.509, and rules written apart from the importer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// The moment at which all documents are read, and the same in seconds since the epoch.
pub const NOW: &str = "2027-01-02T03:04:05Z";
const NOW_SECONDS: i64 = 1_798_859_045;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// Certificates of each kind: usable, weak, expired, on another curve, of version 1, and two chains.
const POOL: [&[u8]; 11] = [
    include_bytes!("../pool/ec.der"),
    include_bytes!("../pool/rsa.der"),
    include_bytes!("../pool/version_1.der"),
    include_bytes!("../pool/later.der"),
    include_bytes!("../pool/short.der"),
    include_bytes!("../pool/expired.der"),
    include_bytes!("../pool/curve.der"),
    include_bytes!("../pool/authority.der"),
    include_bytes!("../pool/leaf.der"),
    include_bytes!("../pool/weak_authority.der"),
    include_bytes!("../pool/weak_leaf.der"),
];

/// Decisions that a fuzzer's bytes make.
pub struct Choices<'a>(pub &'a [u8]);

impl Choices<'_> {
    fn below(&mut self, bound: u8) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first % bound
    }

    fn one<'b>(&mut self, from: &[&'b str]) -> &'b str {
        let at = self.below(from.len() as u8);
        from[usize::from(at)]
    }
}

/// Well-formed metadata of one identity provider, among other roles, entities and elements.
pub fn document(choices: &mut Choices<'_>) -> String {
    // A prefix and its declaration, or a default namespace.
    let (md, declared) = [("md:", "xmlns:md"), ("", "xmlns"), ("a.b-c:", "xmlns:a.b-c")][usize::from(choices.below(3))];
    let quote = choices.one(&["\"", "'"]);
    let attribute = |name: &str, value: &str| format!(" {name}={quote}{value}{quote}");
    let role = {
        let keys = keys(choices, md);
        let service = format!(
            "<{md}SingleSignOnService{}{}/>",
            attribute("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"),
            attribute("Location", "https://idp.example.com/?a=1&amp;b=2"),
        );
        let protocols =
            choices.one(&[PROTOCOL, "urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol"]);
        format!(
            "<{md}IDPSSODescriptor{}>{keys}{service}</{md}IDPSSODescriptor>",
            attribute("protocolSupportEnumeration", protocols)
        )
    };
    let other = |choices: &mut Choices<'_>, name: &str, protocol: &str| {
        let keys = keys(choices, md);
        format!("<{md}{name}{}>{keys}</{md}{name}>", attribute("protocolSupportEnumeration", protocol))
    };
    let mut roles = vec![role];
    if choices.below(2) == 1 {
        let at = usize::from(choices.below(2));
        roles.insert(at, other(choices, "SPSSODescriptor", PROTOCOL));
    }
    if choices.below(3) == 1 {
        let at = usize::from(choices.below(2));
        roles.insert(at, other(choices, "IDPSSODescriptor", "urn:oasis:names:tc:SAML:1.1:protocol"));
    }
    let extensions = if choices.below(2) == 1 {
        let logo = "A".repeat(usize::from(choices.below(255)) * 200);
        format!("<{md}Extensions><x:Logo xmlns:x='urn:x' alt='&gt;{logo}'>{logo}</x:Logo></{md}Extensions>")
    } else {
        String::new()
    };
    let signature = if choices.below(2) == 1 { key_info(choices) } else { String::new() };
    let id = attribute("entityID", choices.one(&["urn:x", " https://idp.example.com/m ", "a&#10;"]));
    let declaration = attribute(declared, METADATA);
    let entity = format!(
        "<{md}EntityDescriptor{declaration}{id}>{signature}{extensions}{}</{md}EntityDescriptor>",
        roles.concat()
    );
    let start =
        choices.one(&["", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "\u{feff}", "<!-- <IDPSSODescriptor> -->\n"]);
    if choices.below(3) == 1 {
        let member = format!("<{md}EntityDescriptor entityID='urn:y'><{md}SPSSODescriptor/></{md}EntityDescriptor>");
        format!("{start}<{md}EntitiesDescriptor{declaration}>{member}{entity}</{md}EntitiesDescriptor>")
    } else {
        format!("{start}{entity}")
    }
}

fn keys(choices: &mut Choices<'_>, md: &str) -> String {
    let count = choices.below(5);
    let key = |_| {
        let usage = choices.one(&["", " use='signing'", " use='encryption'", " use=\"signing\""]);
        format!("<{md}KeyDescriptor{usage}>{}</{md}KeyDescriptor>", key_info(choices))
    };
    (0..count).map(key).collect()
}

fn key_info(choices: &mut Choices<'_>) -> String {
    let (ds, declared) = [("ds:", "xmlns:ds"), ("", "xmlns"), ("md:", "xmlns:md")][usize::from(choices.below(3))];
    let name = choices.one(&["", "<KEYNAME>a &amp; b</KEYNAME>", "<!-- x -->", "\n  "]);
    let name = name.replace("KEYNAME", &format!("{ds}KeyName"));
    let data: String = (0..=choices.below(2))
        .map(|_| {
            let certificates: String = (0..choices.below(4)).map(|_| certificate(choices, ds)).collect();
            format!("<{ds}X509Data>{certificates}</{ds}X509Data>")
        })
        .collect();
    format!("<{ds}KeyInfo {declared}='{SIGNATURE}'>{name}{data}</{ds}KeyInfo>")
}

fn certificate(choices: &mut Choices<'_>, ds: &str) -> String {
    let at = usize::from(choices.below(POOL.len() as u8));
    let base64 = STANDARD.encode(POOL[at]);
    let half = base64.len() / 2;
    let (head, tail) = base64.split_at(half);
    let text = match choices.below(9) {
        0 => base64,
        1 => lines(&base64, "\n"),
        2 => lines(&base64, "\r\n      "),
        3 => format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", lines(&base64, "\n")),
        4 => format!("{head}<!-- {tail} -->{tail}"),
        5 => format!("<![CDATA[{head}]]>{tail}"),
        6 => format!("&#77;{}", &base64[1..]),
        7 => head.to_owned(),
        _ => String::new(),
    };
    format!("<{ds}X509Certificate>{text}</{ds}X509Certificate>")
}

fn lines(base64: &str, end: &str) -> String {
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
    format!("{end}{}{end}", lines.join(end))
}

/// The DER of each certificate that a provider of `document` can be trusted by, in order and each once.
pub fn usable(document: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    for group in groups(document) {
        let read: Vec<(&[u8], X509Certificate<'_>)> = group
            .iter()
            .filter_map(|der| X509Certificate::from_der(der).ok().map(|(_, read)| (der.as_slice(), read)))
            .collect();
        let issued = |name: &[u8]| {
            read.iter().any(|(_, other)| other.issuer().as_raw() == name && other.subject().as_raw() != name)
        };
        for (der, one) in &read {
            if !issued(one.subject().as_raw()) && is_usable(one) && !found.iter().any(|known| known == der) {
                found.push(der.to_vec());
            }
        }
    }
    found
}

fn is_usable(certificate: &X509Certificate<'_>) -> bool {
    let strong = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() >= 2048,
        Ok(PublicKey::EC(point)) => point.key_size() >= 256,
        _ => false,
    };
    strong && certificate.validity().not_after.timestamp() > NOW_SECONDS
}

/// The certificates of the first role for SAML 2.0, as bytes, by the `X509Data` that holds them. Text that is no base64
/// is left out.
fn groups(document: &str) -> Vec<Vec<Vec<u8>>> {
    let mut reader = NsReader::from_str(document.trim_start_matches('\u{feff}'));
    let mut path: Vec<(String, bool)> = Vec::new();
    let mut groups: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut text = None;
    loop {
        let (namespace, event) = reader.read_resolved_event().expect("the document is well-formed");
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => String::from_utf8_lossy(namespace.as_ref()).into_owned(),
            _ => String::new(),
        };
        match event {
            Event::Start(start) => {
                let name = format!("{{{namespace}}}{}", String::from_utf8_lossy(start.local_name().as_ref()));
                path.push((name, counts(&start)));
                if is_inside(&path, "X509Data") {
                    groups.push(Vec::new());
                }
                text = is_inside(&path, "X509Certificate").then(String::new).or(text);
            }
            Event::End(_) => {
                if is_inside(&path, "X509Certificate") {
                    let body: String = text.take().unwrap_or_default().split_whitespace().collect();
                    let body = body.replace("-----BEGINCERTIFICATE-----", "").replace("-----ENDCERTIFICATE-----", "");
                    let group = groups.last_mut().expect("X509Data is around it");
                    group.extend(STANDARD.decode(body).ok());
                }
                path.pop();
            }
            Event::Text(part) => add(&mut text, &part.decode().expect("UTF-8")),
            Event::CData(part) => add(&mut text, &part.decode().expect("UTF-8")),
            Event::GeneralRef(part) => {
                let character = part.resolve_char_ref().expect("a character");
                add(&mut text, &character.map(String::from).unwrap_or_default());
            }
            Event::Eof => return groups,
            _ => {}
        }
    }
}

fn add(text: &mut Option<String>, part: &str) {
    if let Some(text) = text {
        text.push_str(part);
    }
}

/// Returns true for an element of a role or key that counts, by its attributes where those matter.
fn counts(start: &BytesStart<'_>) -> bool {
    let attribute = |name: &str| {
        let found = start.try_get_attribute(name).expect("attributes are well-formed");
        found.map(|found| String::from_utf8_lossy(&found.value).into_owned())
    };
    let speaks = attribute("protocolSupportEnumeration").is_none_or(|all| all.split(' ').any(|one| one == PROTOCOL));
    speaks && attribute("use").is_none_or(|usage| usage == "signing")
}

/// `path` ends with `last`, below the key of a role that counts.
fn is_inside(path: &[(String, bool)], last: &str) -> bool {
    let below = [
        (METADATA, "EntityDescriptor"),
        (METADATA, "IDPSSODescriptor"),
        (METADATA, "KeyDescriptor"),
        (SIGNATURE, "KeyInfo"),
        (SIGNATURE, "X509Data"),
        (SIGNATURE, "X509Certificate"),
    ];
    let length = below.iter().position(|(_, name)| *name == last).map_or(0, |at| at + 1);
    let ends = path.len().checked_sub(length).map(|at| &path[at..]);
    ends.is_some_and(|ends| {
        ends.iter().zip(below).all(|((name, counts), (space, local))| *counts && *name == format!("{{{space}}}{local}"))
    })
}
