//! Shopify's own library for Node, and node's own cryptography, asked about the same bytes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use shopify_webhooks::{Delivery, ShopSecrets, Signature, WebhookSecrets};

use crate::installed;

/// As Shopify makes them; with blanks and beyond ASCII; longer than a block of the hash.
const SECRETS: [&str; 3] = [
    "shpss_0123456789abcdef0123456789abcdef",
    " schlüssel ключ 鍵 ",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

/// One delivery to be judged.
struct Case {
    why: String,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
    is_genuine: bool,
}

/// What the script says of it.
#[derive(Deserialize)]
struct Verdict {
    valid: bool,
    reason: Option<String>,
    fields: Value,
    node: String,
    library: Option<String>,
}

fn judge(secret: &str, cases: &[Case]) -> Vec<Verdict> {
    installed("node_modules/@shopify/shopify-api/package.json");
    let mut node = Command::new("node")
        .arg(installed("webhooks/judge.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is missing: tests/judges/install.sh says what to install");
    let cases: Vec<_> = cases.iter().map(asked).collect();
    let question = json!({ "secret": secret, "cases": cases }).to_string();
    // The script reads to the end before it writes, so neither side waits for the other.
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(question.as_bytes()).unwrap();
    drop(stdin);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "judge.mjs failed, see above");
    let verdicts: Vec<Verdict> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdicts.len(), cases.len());
    verdicts
}

fn asked(case: &Case) -> Value {
    let headers: serde_json::Map<_, _> = case
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({ "body": STANDARD.encode(&case.body), "headers": headers })
}

fn ours(secret: &str, case: &Case) -> Option<Delivery> {
    let mut headers = HeaderMap::new();
    for (name, value) in &case.headers {
        let value = HeaderValue::try_from(value).unwrap();
        headers.append(HeaderName::try_from(*name).unwrap(), value);
    }
    let shops = ShopSecrets::any_shop(WebhookSecrets::new([secret]).unwrap());
    Delivery::verify(&shops, &headers, Bytes::from(case.body.clone())).ok()
}

fn headers(signature: String) -> Vec<(&'static str, String)> {
    vec![
        ("X-Shopify-Topic", "orders/updated".to_owned()),
        ("X-Shopify-Hmac-Sha256", signature),
        ("X-Shopify-Shop-Domain", "example.myshopify.com".to_owned()),
        ("X-Shopify-API-Version", "2026-10".to_owned()),
        ("X-Shopify-Webhook-Id", "b54557e4".to_owned()),
        ("X-Shopify-Event-Id", "98880550".to_owned()),
        (
            "X-Shopify-Triggered-At",
            "2026-03-30T14:30:00.123456789Z".to_owned(),
        ),
        ("X-Shopify-Name", "warmer-v1".to_owned()),
    ]
}

fn case(why: &str, body: &[u8], signature: String, is_genuine: bool) -> Case {
    Case {
        why: why.to_owned(),
        body: body.to_owned(),
        headers: headers(signature),
        is_genuine,
    }
}

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let line = r#"{"id":820982911946154508,"note":"Grüße, 你好, 😀"},"#;
    let megabyte = format!("[{}null]", line.repeat(1024 * 1024 / line.len() + 1));
    assert!(megabyte.len() > 1024 * 1024);
    vec![
        (
            "ASCII",
            br#"{"id":820982911946154508,"total":"1.00"}"#.to_vec(),
        ),
        ("beyond ASCII", line.as_bytes().to_vec()),
        (
            "escapes",
            br#"{"note":"\u00fc\ud83d\ude00\/ \u0000"}"#.to_vec(),
        ),
        ("blanks and line ends", b" {\r\n\t\"id\" : 1 }\r\n".to_vec()),
        (
            "a byte order mark",
            "\u{feff}{\"id\":1}".as_bytes().to_vec(),
        ),
        ("a zero byte", b"{\"id\":1}\0".to_vec()),
        ("one byte", b"1".to_vec()),
        ("a block of the hash", vec![b'a'; 64]),
        ("a megabyte", megabyte.into_bytes()),
    ]
}

/// The body as it was signed, and as it must not be accepted. Each stays UTF-8, which is all the library can take.
fn cases(secrets: &WebhookSecrets) -> Vec<Case> {
    let stranger = WebhookSecrets::new(["another secret"]).unwrap();
    let mut cases = Vec::new();
    for (why, body) in bodies() {
        let mut add = |what: &str, body: &[u8], signature: String, is_genuine| {
            cases.push(case(&format!("{why}, {what}"), body, signature, is_genuine));
        };
        let signature = secrets.sign(&body).to_string();
        add("as signed", &body, signature.clone(), true);

        let mut flipped = body.clone();
        let ascii = flipped.iter().rposition(u8::is_ascii).unwrap();
        flipped[ascii] ^= 1;
        add("a flipped bit", &flipped, signature.clone(), false);
        add(
            "a byte more",
            &[&body[..], b" "].concat(),
            signature.clone(),
            false,
        );
        if body.len() > 1 {
            add("a byte less", &body[..ascii], signature.clone(), false);
        }
        add(
            "another secret",
            &body,
            stranger.sign(&body).to_string(),
            false,
        );
        add(
            "another body's",
            &body,
            secrets.sign(b"other").to_string(),
            false,
        );
        let unpadded = signature.trim_end_matches('=').to_owned();
        add("no padding", &body, unpadded, false);
        add("cut short", &body, signature[..20].to_owned(), false);
    }
    cases
}

#[test]
fn shopifys_library_and_we_agree_on_every_delivery() {
    for secret in SECRETS {
        let secrets = WebhookSecrets::new([secret]).unwrap();
        let cases = cases(&secrets);
        assert!(cases.len() > 60);
        for (case, verdict) in cases.iter().zip(judge(secret, &cases)) {
            let Case { why, .. } = case;
            assert_eq!(
                verdict.valid, case.is_genuine,
                "library: {why}: {:?}",
                verdict.reason
            );
            assert_eq!(ours(secret, case).is_some(), case.is_genuine, "we: {why}");
        }
    }
}

#[test]
fn we_accept_what_node_and_shopifys_library_sign() {
    for secret in SECRETS {
        let mut bodies = bodies();
        // Beyond the library, which takes bodies as text, but not beyond HTTP.
        bodies.push(("not UTF-8", b"{\"id\":1,\"x\":\"\xff\xfe\"}".to_vec()));
        bodies.push(("empty", Vec::new()));
        let cases: Vec<_> = bodies
            .iter()
            .map(|(why, body)| case(why, body, "unsigned".to_owned(), false))
            .collect();
        let secrets = WebhookSecrets::new(["another", secret]).unwrap();
        let mut by_library = 0;
        for (case, verdict) in cases.iter().zip(judge(secret, &cases)) {
            by_library += usize::from(verdict.library.is_some());
            for text in [Some(verdict.node), verdict.library].into_iter().flatten() {
                let signature: Signature = text.parse().unwrap();
                assert!(
                    secrets.verify(&case.body, &signature).is_ok(),
                    "{}",
                    case.why
                );
                assert!(
                    secrets.verify(b"other", &signature).is_err(),
                    "{}",
                    case.why
                );
            }
        }
        assert_eq!(by_library, cases.len() - 1);
    }
}

#[test]
fn we_read_the_same_from_the_headers() {
    let secret = SECRETS[0];
    let signature = WebhookSecrets::new([secret])
        .unwrap()
        .sign(b"{}")
        .to_string();
    let prefixed = case("with x-", b"{}", signature.clone(), true);
    let mut bare = case(
        "without x-, as the Events preview sends them",
        b"{}",
        signature,
        true,
    );
    for (name, _) in &mut bare.headers {
        *name = name.strip_prefix("X-").unwrap();
    }
    let cases = [prefixed, bare];
    for (case, verdict) in cases.iter().zip(judge(secret, &cases)) {
        assert!(verdict.valid, "{}: {:?}", case.why, verdict.reason);
        let headers = ours(secret, case).unwrap().headers;
        let field = |name: &str| verdict.fields[name].as_str().map(str::to_owned);
        assert_eq!(field("topic"), Some("ORDERS_UPDATED".to_owned()));
        assert_eq!(headers.topic.as_str(), "orders/updated");
        assert_eq!(field("hmac"), Some(headers.signature.to_string()));
        assert_eq!(field("domain"), Some(headers.shop_domain.to_string()));
        assert_eq!(field("apiVersion"), headers.api_version);
        assert_eq!(
            field("webhookId"),
            headers.webhook_id.map(|id| id.to_string())
        );
        assert_eq!(field("eventId"), headers.event_id.map(|id| id.to_string()));
        let at = field("triggeredAt").unwrap().parse().unwrap();
        assert_eq!(headers.triggered_at, Some(at));
    }
}

/// The one thing we see otherwise: a body of no bytes has a good signature, and what to do with it is not the verifier's affair.
#[test]
fn the_library_refuses_an_empty_body_and_we_leave_that_to_the_decoder() {
    let secret = SECRETS[0];
    let signature = WebhookSecrets::new([secret]).unwrap().sign(b"").to_string();
    let empty = case("empty", b"", signature, true);
    let verdicts = judge(secret, std::slice::from_ref(&empty));
    assert_eq!(verdicts[0].reason.as_deref(), Some("missing_body"));
    assert!(ours(secret, &empty).unwrap().event().is_err());
}
