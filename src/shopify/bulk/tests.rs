use std::collections::BTreeSet;

use super::*;

/// The names that a document selects, without its arguments, aliases and punctuation.
fn names(document: &str) -> BTreeSet<&str> {
    let words = document.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_bulk_query_asks_for_all_that_a_page_asks_for_and_the_validator_allows() {
    let page = [
        include_str!("../documents/order_fields.graphql"),
        include_str!("../documents/line_item_fields.graphql"),
    ];
    // Connections within a list, what is in them, and how a page is spelled.
    let refused = names(
        "events message happenedAt HAPPENED_AT reverse true sortKey fulfillmentLineItems lineItem nodes pageInfo hasNextPage \
         endCursor first 250 50 fragment on OrderFields Order Address MailingAddress LineItemFields LineItem Money MoneyBag",
    );
    let asked = names(ORDERS);
    for name in page.iter().flat_map(|document| names(document)) {
        assert!(
            asked.contains(name) || refused.contains(name),
            "bulk_orders.graphql does not ask for {name}"
        );
    }
}

#[test]
fn the_query_is_sent_without_a_name_and_with_its_search() {
    let run = BulkRun {
        search: "created_at:>='2026-11-01T00:00:00Z'".to_owned(),
    };
    let inner = run.inner();
    assert!(inner.starts_with("{\n  orders(query: \"created_at:>='2026-"));
    assert!(!inner.contains('<'), "{inner}");
}

fn operation(status: &str, rest: &str) -> BulkState {
    let text = format!(
        r#"{{"status":"{status}","errorCode":null,"objectCount":"12","rootObjectCount":"5","fileSize":"99","url":null,"partialDataUrl":null{rest}}}"#
    );
    // Of two fields of one name the later one counts.
    let text: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value::<BulkOperation>(text)
        .unwrap()
        .state()
}

#[test]
fn states_of_the_future_are_waited_out() {
    for open in ["CREATED", "RUNNING", "CANCELING", "PONDERING"] {
        assert_eq!(operation(open, ""), BulkState::Open, "{open}");
    }
    for gone in ["CANCELED", "EXPIRED"] {
        assert_eq!(operation(gone, ""), BulkState::Gone, "{gone}");
    }
    let file = BulkFile {
        url: "https://x/".to_owned(),
        objects: Some(12),
        bytes: Some(99),
    };
    assert_eq!(
        operation("COMPLETED", r#","url":"https://x/""#),
        BulkState::Completed(Some(file.clone()))
    );
    assert_eq!(
        operation(
            "FAILED",
            r#","errorCode":"TIMEOUT","partialDataUrl":"https://x/""#
        ),
        BulkState::Failed {
            code: "TIMEOUT".to_owned(),
            partial: Some(file)
        }
    );
}

#[test]
fn a_full_house_is_waited_for_and_a_refusal_is_final() {
    let data = |errors: &str| {
        let text = format!(
            r#"{{"bulkOperationRunQuery":{{"bulkOperation":null,"userErrors":[{errors}]}}}}"#
        );
        serde_json::from_str::<BulkRunData>(&text)
            .unwrap()
            .begun()
            .unwrap_err()
    };
    for code in ["OPERATION_IN_PROGRESS", "LIMIT_REACHED"] {
        let error = format!(r#"{{"code":"{code}","message":"…"}}"#);
        assert_eq!(data(&error), NotBegun::Busy);
    }
    assert_eq!(
        data(r#"{"code":"INVALID","message":"no"}"#),
        NotBegun::Refused("no".to_owned())
    );
}

const LINE: &str = r#"{"id":"gid://shopify/LineItem/7","title":"Mug","variantTitle":null,"sku":"M","quantity":2,"currentQuantity":2,"requiresShipping":true,"originalUnitPriceSet":{"shopMoney":{"amount":"9.00"}},"__parentId":"gid://shopify/Order/5"}"#;

fn order(parcel: &str) -> String {
    format!(
        r##"{{"id":"gid://shopify/Order/5","name":"#UK5","email":null,"note":null,"tags":[],"test":false,"createdAt":"2026-11-20T10:00:00Z","updatedAt":"2026-11-20T11:00:00Z","cancelledAt":null,"displayFinancialStatus":"PAID","displayFulfillmentStatus":"FULFILLED","currencyCode":"GBP","discountCodes":[],"subtotalLineItemsQuantity":4,"totalPriceSet":{{"shopMoney":{{"amount":"18.00"}}}},"subtotalPriceSet":null,"totalShippingPriceSet":{{"shopMoney":{{"amount":"0.00"}}}},"totalDiscountsSet":null,"totalTaxSet":null,"shippingAddress":null,"billingAddress":null,"fulfillments":[{{"id":"gid://shopify/Fulfillment/9","status":"SUCCESS","createdAt":"2026-11-20T11:00:00Z","updatedAt":"2026-11-20T11:00:00Z","deliveredAt":null,"estimatedDeliveryAt":null,"trackingInfo":[],{parcel}}}]}}"##
    )
}

fn assembled(parcel: &str, lines: &[&str]) -> BulkOrder {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    assemble(order(parcel).as_bytes(), &lines, now).unwrap()
}

#[test]
fn what_is_in_a_parcel_is_said_only_where_its_total_proves_it() {
    let other = LINE.replace("LineItem/7", "LineItem/8");
    let two = [LINE, other.as_str()];
    let delivered = |total: u32| format!(r#""displayStatus":"DELIVERED","totalQuantity":{total}"#);
    let items = |order: &BulkOrder| {
        order
            .order
            .fulfillments
            .values()
            .next()
            .unwrap()
            .value
            .items
            .len()
    };
    let all = assembled(&delivered(4), &two);
    assert_eq!(
        (items(&all), all.needs_read, all.has_its_lines),
        (2, false, true)
    );
    let some = assembled(&delivered(3), &two);
    assert_eq!((items(&some), some.needs_read), (0, true), "which three?");
    let only = assembled(&delivered(1), &[LINE]);
    assert_eq!((items(&only), only.needs_read), (1, false));
    assert!(!only.has_its_lines, "two of four are missing");
    let on_its_way = assembled(r#""displayStatus":"IN_TRANSIT","totalQuantity":4"#, &two);
    assert!(on_its_way.needs_read, "it has events");
}

#[test]
fn a_parcel_without_events_never_displaces_one_with_them() {
    let told = assembled(r#""displayStatus":"DELIVERED","totalQuantity":2"#, &[LINE]).order;
    let version = told.carrier.values().next().unwrap().version;
    assert_eq!(version.observed_at, chrono::DateTime::UNIX_EPOCH);
    assert!(!told.carrier.values().next().unwrap().value.listing.complete);
    let head = told.head.unwrap().version.observed_at;
    assert_eq!(
        head,
        "2026-11-22T10:00:00Z"
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap()
    );
}

#[test]
fn lines_say_whose_they_are() {
    let of = |line: &str| owner(line.as_bytes());
    let id = crate::order::OrderId::new(5).unwrap();
    assert_eq!(
        of(LINE).unwrap(),
        Owned {
            order: id,
            role: Role::Child
        }
    );
    assert!(matches!(
        of(&order(r#""totalQuantity":1"#)).unwrap().role,
        Role::Itself(_)
    ));
    for stranger in [
        "",
        "{}",
        r#"{"id":"gid://shopify/Product/1"}"#,
        "<html>",
        r#"{"id":"gid://sh"#,
    ] {
        assert_eq!(of(stranger), None, "{stranger}");
    }
}
