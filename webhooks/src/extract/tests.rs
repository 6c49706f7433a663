use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use tower::ServiceExt as _;

use super::*;
use crate::Topic;

const LIMIT: usize = 16 * 1024 * 1024;

/// Signed bytes that another JSON writer would write differently.
const BODY: &str = "{\"id\" : 820982911946154508}\n";

#[derive(Clone, FromRef)]
struct App {
    shops: ShopSecrets,
}

fn secrets() -> WebhookSecrets {
    WebhookSecrets::new(["new hush", "hush"]).unwrap()
}

/// Answers with what it decoded, so that a test sees that the handler ran.
async fn webhook(delivery: Delivery) -> String {
    match delivery.event() {
        Ok(event) => format!("{} {event:?}", delivery.secret),
        Err(error) => error.to_string(),
    }
}

fn app() -> Router {
    let shops = ShopSecrets::new([("example.myshopify.com".parse().unwrap(), secrets())]);
    Router::new()
        .route("/", post(webhook))
        .layer(DefaultBodyLimit::max(LIMIT))
        .with_state(App { shops })
}

/// A request as Shopify would send it, signed with the first secret.
fn delivery(topic: &str, body: impl Into<Bytes>) -> Request {
    let body = body.into();
    Request::post("/")
        .header("X-Shopify-Topic", topic)
        .header("X-Shopify-Shop-Domain", "example.myshopify.com")
        .header("X-Shopify-Hmac-Sha256", secrets().sign(&body).to_string())
        .body(Body::from(body))
        .unwrap()
}

async fn answer(request: Request) -> (StatusCode, String) {
    let response = app().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), LIMIT)
        .await
        .unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn assert_refused(request: Request, why: &str) {
    let nothing = (StatusCode::UNAUTHORIZED, String::new());
    assert_eq!(answer(request).await, nothing, "{why}");
}

fn with_body(request: Request, body: impl Into<Body>) -> Request {
    let (parts, _) = request.into_parts();
    Request::from_parts(parts, body.into())
}

#[tokio::test]
async fn a_genuine_delivery_reaches_the_handler() {
    let (status, text) = answer(delivery("orders/delete", BODY)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        text,
        "0 OrderDeleted(OrderDeleted { id: 820982911946154508 })"
    );
}

#[tokio::test]
async fn the_old_secret_still_works_and_is_told() {
    let old = WebhookSecrets::new(["hush"]).unwrap();
    let mut request = delivery("orders/delete", BODY);
    let signature = old.sign(BODY.as_bytes()).to_string();
    let headers = request.headers_mut();
    headers.insert("x-shopify-hmac-sha256", signature.parse().unwrap());
    let (_, text) = answer(request).await;
    assert!(text.starts_with("1 "), "{text}");
}

#[tokio::test]
async fn a_body_that_is_not_the_signed_bytes_is_refused() {
    let flipped = BODY.replace("508", "509");
    let reserialised = serde_json::from_str::<serde_json::Value>(BODY).unwrap();
    let bodies = [
        (flipped, "a flipped bit"),
        (BODY[..BODY.len() - 1].to_owned(), "a missing last byte"),
        (format!("{BODY} "), "a byte more"),
        (reserialised.to_string(), "the same JSON, written again"),
        (BODY.replace('\n', "\r\n"), "another line end"),
        (format!("\u{feff}{BODY}"), "a byte order mark"),
        (String::new(), "no body"),
    ];
    for (body, why) in bodies {
        assert_refused(with_body(delivery("orders/delete", BODY), body), why).await;
    }
}

#[tokio::test]
async fn another_secret_or_shop_is_refused() {
    let stranger = WebhookSecrets::new(["other"]).unwrap();
    let mut request = delivery("orders/delete", BODY);
    let signature = stranger.sign(BODY.as_bytes()).to_string();
    let headers = request.headers_mut();
    headers.insert("x-shopify-hmac-sha256", signature.parse().unwrap());
    assert_refused(request, "another secret").await;

    for shop in [
        "other.myshopify.com",
        "example.com",
        "example.myshopify.com.evil.test",
    ] {
        let mut request = delivery("orders/delete", BODY);
        let headers = request.headers_mut();
        headers.insert("x-shopify-shop-domain", shop.parse().unwrap());
        assert_refused(request, shop).await;
    }
}

#[tokio::test]
async fn a_missing_or_doubled_header_is_refused() {
    for name in [
        "x-shopify-topic",
        "x-shopify-shop-domain",
        "x-shopify-hmac-sha256",
    ] {
        let mut missing = delivery("orders/delete", BODY);
        let value = missing.headers_mut().remove(name).unwrap();
        assert_refused(missing, name).await;

        let mut doubled = delivery("orders/delete", BODY);
        doubled.headers_mut().append(name, value.clone());
        assert_refused(doubled, name).await;

        let mut bare = delivery("orders/delete", BODY);
        let bare_name = name.strip_prefix("x-").unwrap();
        bare.headers_mut()
            .insert(bare_name, "other".parse().unwrap());
        assert_refused(bare, name).await;
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_one_at_it_is_read() {
    let long = vec![b' '; 20_000_000];
    let (status, text) = answer(delivery("orders/delete", long.clone())).await;
    assert_eq!((status, text.as_str()), (StatusCode::PAYLOAD_TOO_LARGE, ""));

    // The same without a length in the headers, in pieces.
    let chunks = long.chunks(65_536).map(Bytes::copy_from_slice).map(Ok);
    let chunks = pieces(chunks.collect());
    let request = with_body(delivery("orders/delete", long), chunks);
    assert_eq!(answer(request).await.0, StatusCode::PAYLOAD_TOO_LARGE);

    let mut longest = vec![b' '; LIMIT - BODY.len()];
    longest.extend_from_slice(BODY.as_bytes());
    let (status, text) = answer(delivery("orders/delete", longest)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("820982911946154508"), "{text}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let broken = pieces(vec![
        Ok(Bytes::from("{\"id\"")),
        Err(std::io::Error::other("connection reset")),
    ]);
    let request = with_body(delivery("orders/delete", BODY), broken);
    let nothing = (StatusCode::BAD_REQUEST, String::new());
    assert_eq!(answer(request).await, nothing);
}

/// A body that comes in pieces and whose length no header tells.
fn pieces(pieces: Vec<std::io::Result<Bytes>>) -> Body {
    Body::from_stream(futures_util::stream::iter(pieces))
}

#[tokio::test]
async fn a_genuine_body_that_does_not_decode_is_the_handlers_to_answer() {
    let bodies: [(&[u8], &str); 5] = [
        (b"", "orders/delete: body ends too early"),
        (
            b"{\"id\":\"1\"}",
            "orders/delete: id is of type string, expected u64",
        ),
        (
            b"[1]",
            "orders/delete: body is of type sequence, expected an object",
        ),
        (
            b"{\"id\":1,\"name\":\"x\"}",
            "orders/delete: body belongs to another topic",
        ),
        (
            b"\xff\xfe",
            "orders/delete: body is not JSON at line 1, column 1",
        ),
    ];
    for (body, expected) in bodies {
        let body = Bytes::from_static(body);
        let (status, text) = answer(delivery("orders/delete", body)).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, expected));
    }
}

#[tokio::test]
async fn an_unknown_topic_is_verified_and_left_alone() {
    for body in ["{\"id\":1}", "", "no JSON"] {
        let (status, text) = answer(delivery("carts/create", body)).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "0 Other"));
    }
}

#[tokio::test]
async fn a_redaction_of_another_shop_is_not_decoded() {
    let redact = |shop: &str| format!("{{\"shop_id\":1,\"shop_domain\":\"{shop}\"}}");
    let (_, own) = answer(delivery("shop/redact", redact("Example.myshopify.com"))).await;
    assert!(own.contains("ShopRedact"), "{own}");
    let (_, other) = answer(delivery("shop/redact", redact("other.myshopify.com"))).await;
    assert_eq!(
        other,
        "shop/redact: body names another shop than the header"
    );

    let gone = |shop: &str| format!("{{\"id\":1,\"myshopify_domain\":{shop}}}");
    let (_, unnamed) = answer(delivery("app/uninstalled", gone("null"))).await;
    assert!(unnamed.contains("AppUninstalled"), "{unnamed}");
    let (_, other) = answer(delivery("app/uninstalled", gone("\"other.myshopify.com\""))).await;
    assert!(other.contains("another shop"), "{other}");
}

#[test]
fn verifying_by_hand_is_the_same() {
    let (parts, _) = delivery("orders/updated", BODY).into_parts();
    let shops = ShopSecrets::any_shop(secrets());
    let delivery = Delivery::verify(&shops, &parts.headers, BODY.into()).unwrap();
    assert_eq!(delivery.headers.topic, Topic::OrdersUpdated);
    assert_eq!(delivery.body, BODY);

    let none = Delivery::verify(&ShopSecrets::new([]), &parts.headers, BODY.into());
    assert!(matches!(none, Err(DeliveryRejection::UnknownShop)));
    let other = Delivery::verify(&shops, &parts.headers, Bytes::new());
    assert!(matches!(other, Err(DeliveryRejection::BadSignature)));
    let bare = Delivery::verify(&shops, &HeaderMap::new(), BODY.into());
    assert!(matches!(
        bare,
        Err(DeliveryRejection::Header(HeaderError::Missing(_)))
    ));
}

#[test]
fn debug_shows_no_body_and_no_signature() {
    let (parts, _) = delivery("orders/delete", BODY).into_parts();
    let shops = ShopSecrets::any_shop(secrets());
    let delivery = Delivery::verify(&shops, &parts.headers, BODY.into()).unwrap();
    let shown = format!("{delivery:?}");
    assert!(!shown.contains("820982911946154508"), "{shown}");
    assert!(
        !shown.contains(&delivery.headers.signature.to_string()),
        "{shown}"
    );
}
