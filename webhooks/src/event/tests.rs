use super::*;

const ORDER_ID: u64 = 820_982_911_946_154_508;

/// An order with a parcel, a refund and an address, as `orders/updated` brings it; cut to what is read, and some more.
const ORDER: &str = r##"{"id":820982911946154508,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508","app_id":null,
"cancel_reason":null,"cancelled_at":null,"closed_at":null,"created_at":"2026-03-30T10:30:00-04:00","currency":"GBP",
"discount_codes":[{"code":"TEN","amount":"10.0","type":"percentage"}],"email":"jane@example.com","financial_status":"paid",
"fulfillment_status":"partial","name":"#UK22080","note":null,"note_attributes":[{"name":"gift","value":"yes"}],
"order_status_url":"https://example.com/1","phone":null,"presentment_currency":"EUR","processed_at":"2026-03-30T10:29:59-04:00",
"subtotal_price":"404.95","tags":"vip,  gift ,,","test":false,"total_discounts":"20.00","total_price":"404.95","total_tax":"0.00",
"total_shipping_price_set":{"shop_money":{"amount":"10.00","currency_code":"GBP"},"presentment_money":{"amount":"12.00","currency_code":"EUR"}},
"updated_at":"2026-03-31T00:00:00+02:00","billing_address":null,
"shipping_address":{"name":"Jane Doe","first_name":"Jane","last_name":"Doe","address1":"1 High St","address2":null,"city":"Leeds",
"province":null,"province_code":null,"zip":"LS1","country":"United Kingdom","country_code":"GB","company":null,"phone":"1","latitude":1.5},
"customer":{"id":115310627314723954,"email":"jane@example.com","first_name":"Jane","last_name":"Doe","default_address":{"id":7}},
"fulfillments":[{"id":255858046,"order_id":820982911946154508,"status":"success","shipment_status":"in_transit","name":"#UK22080.1",
"tracking_company":"UPS","tracking_number":"1Z1","tracking_numbers":["1Z1","1Z2"],"tracking_url":"https://t/1Z1","tracking_urls":["https://t/1Z1"],
"created_at":"2026-03-30T10:30:00-04:00","updated_at":"2026-03-30T10:30:00-04:00","line_items":[{"id":487817672276298554,"quantity":1,"price":"89.99"}]}],
"line_items":[{"id":487817672276298554,"title":"Sunglasses","variant_title":null,"name":"Sunglasses","sku":"S-1","quantity":2,
"current_quantity":1,"fulfillable_quantity":0,"price":"89.99","requires_shipping":true,"fulfillment_status":"fulfilled",
"product_id":788032119674292922,"variant_id":null,"vendor":null,"properties":[]}],
"refunds":[{"id":890088186047892319,"order_id":820982911946154508,"created_at":"2026-03-30T10:30:00-04:00","processed_at":null,
"refund_line_items":[{"id":1,"line_item_id":487817672276298554,"quantity":1,"subtotal":89.99}]}],"returns":[],"total_weight":0}"##;

fn order() -> Order {
    match Event::decode(&Topic::OrdersUpdated, ORDER.as_bytes()) {
        Ok(Event::Order(order)) => *order,
        other => panic!("{other:?}"),
    }
}

fn fault(topic: &Topic, body: &str) -> Fault {
    let error = Event::decode(topic, body.as_bytes()).unwrap_err();
    error.fault().clone()
}

/// The order with one field replaced or added.
fn order_with(field: &str, value: &str) -> String {
    let mut order: serde_json::Map<_, _> = serde_json::from_str(ORDER).unwrap();
    order.insert(field.to_owned(), serde_json::from_str(value).unwrap());
    serde_json::to_string(&order).unwrap()
}

#[test]
fn an_order_is_read_whole() {
    let order = order();
    assert_eq!(order.id, ORDER_ID);
    assert_eq!(order.name, "#UK22080");
    assert_eq!(order.updated_at.to_rfc3339(), "2026-03-30T22:00:00+00:00");
    assert_eq!(order.tags().collect::<Vec<_>>(), ["vip", "gift"]);
    assert_eq!(order.discount_codes[0].code, "TEN");
    let shipping = order.total_shipping_price_set.unwrap();
    assert_eq!(shipping.presentment_money.unwrap().amount, "12.00");
    let address = order.shipping_address.unwrap();
    assert_eq!(address.zip.as_deref(), Some("LS1"));
    assert_eq!(order.customer.unwrap().id, 115_310_627_314_723_954);
    let line = &order.line_items[0];
    assert_eq!((line.quantity, line.current_quantity), (2, Some(1)));
    assert_eq!(line.product_id, Some(788_032_119_674_292_922));
    let parcel = &order.fulfillments[0];
    assert_eq!(parcel.tracking_numbers, ["1Z1", "1Z2"]);
    assert_eq!(parcel.line_items[0].id, 487_817_672_276_298_554);
    assert_eq!(order.refunds[0].id, 890_088_186_047_892_319);
}

#[test]
fn nulls_and_absences_do_not_spoil_an_order() {
    let optional = [
        "admin_graphql_api_id",
        "email",
        "phone",
        "processed_at",
        "financial_status",
        "presentment_currency",
        "subtotal_price",
        "total_discounts",
        "total_tax",
        "total_shipping_price_set",
        "tags",
        "discount_codes",
        "test",
        "order_status_url",
        "line_items",
        "fulfillments",
        "refunds",
        "shipping_address",
        "customer",
    ];
    let mut order: serde_json::Map<_, _> = serde_json::from_str(ORDER).unwrap();
    for field in optional {
        let nulled = order_with(field, "null");
        Event::decode(&Topic::OrdersUpdated, nulled.as_bytes()).unwrap();
        order.remove(field);
    }
    let least = serde_json::to_vec(&order).unwrap();
    Event::decode(&Topic::OrdersUpdated, &least).unwrap();
}

#[test]
fn an_order_without_its_core_is_refused() {
    for field in [
        "id",
        "name",
        "created_at",
        "updated_at",
        "currency",
        "total_price",
    ] {
        let body = order_with(field, "null");
        let error = Event::decode(&Topic::OrdersUpdated, body.as_bytes()).unwrap_err();
        assert_eq!(error.path(), field);
    }
    let odd = order_with("updated_at", "\"jane\"");
    assert_eq!(fault(&Topic::OrdersUpdated, &odd), Fault::Unreadable);
}

#[test]
fn debug_tells_nothing_personal() {
    let event = Event::Order(Box::new(order()));
    let shown = format!("{event:?}");
    assert_eq!(
        shown,
        "Order(Order { id: 820982911946154508, updated_at: 2026-03-30T22:00:00Z, .. })"
    );
    let parcel = format!("{:?}", order().fulfillments);
    assert!(!parcel.contains("1Z1"), "{parcel}");
    let address = format!("{:?}", order().shipping_address);
    assert!(!address.contains("Leeds"), "{address}");
}

#[test]
fn a_replayed_order_destroys_nothing() {
    let parcel = serde_json::from_str::<serde_json::Value>(ORDER).unwrap();
    let parcel = parcel["fulfillments"][0].to_string();
    for topic in [
        Topic::OrdersDelete,
        Topic::CustomersRedact,
        Topic::ShopRedact,
        Topic::AppUninstalled,
    ] {
        assert_eq!(fault(&topic, ORDER), Fault::OtherTopic, "{topic}");
        assert_eq!(fault(&topic, &parcel), Fault::OtherTopic, "{topic}");
    }
}

#[test]
fn an_order_deletion_has_an_id_and_nothing_else() {
    let deleted = |body: &str| Event::decode(&Topic::OrdersDelete, body.as_bytes());
    assert!(deleted("{\"id\":1}").is_ok());
    for body in [
        "{}",
        "[1]",
        "1",
        "{\"id\":1,\"id\":1}",
        "{\"id\":\"1\"}",
        "{\"id\":null}",
    ] {
        assert!(deleted(body).is_err(), "{body}");
    }
    assert_eq!(
        fault(&Topic::OrdersDelete, "{\"id\":1,\"x\":null}"),
        Fault::OtherTopic
    );
}

#[test]
fn a_customer_redaction_does_not_erase_the_shop() {
    let customer = r#"{"shop_id":1,"shop_domain":"a.myshopify.com","customer":{"id":2},"orders_to_redact":[3]}"#;
    let request = r#"{"shop_id":1,"shop_domain":"a.myshopify.com","customer":{"id":2},"orders_requested":[3],"data_request":{"id":4}}"#;
    let shop = r#"{"shop_id":1,"shop_domain":"a.myshopify.com"}"#;
    let later =
        r#"{"shop_id":1,"shop_domain":"a.myshopify.com","requested_at":"2030-01-01T00:00:00Z"}"#;
    for own in [shop, later] {
        assert!(Event::decode(&Topic::ShopRedact, own.as_bytes()).is_ok());
    }
    for body in [customer, request] {
        assert_eq!(fault(&Topic::ShopRedact, body), Fault::OtherTopic);
    }
    assert!(Event::decode(&Topic::CustomersRedact, customer.as_bytes()).is_ok());
    assert_eq!(fault(&Topic::CustomersRedact, request), Fault::OtherTopic);
    assert_eq!(
        fault(&Topic::CustomersRedact, shop),
        Fault::Missing("orders_to_redact".to_owned())
    );
    let nobody =
        r#"{"shop_id":1,"shop_domain":"a.myshopify.com","customer":null,"orders_to_redact":null}"#;
    assert!(Event::decode(&Topic::CustomersRedact, nobody.as_bytes()).is_ok());
    let text_ids = customer.replace("[3]", "[\"3\"]");
    assert!(Event::decode(&Topic::CustomersRedact, text_ids.as_bytes()).is_err());
}

#[test]
fn an_uninstallation_looks_like_a_shop() {
    let decoded = |body: &str| Event::decode(&Topic::AppUninstalled, body.as_bytes());
    assert!(
        decoded(r#"{"id":1,"myshopify_domain":"a.myshopify.com","plan_name":"basic"}"#).is_ok()
    );
    assert!(decoded(r#"{"id":1,"plan_name":"basic"}"#).is_err());
    assert!(decoded(r#"{"id":1,"myshopify_domain":null,"line_items":[]}"#).is_err());
}

#[test]
fn a_global_id_of_another_kind_is_another_topic() {
    let draft = order_with("admin_graphql_api_id", "\"gid://shopify/DraftOrder/1\"");
    assert_eq!(fault(&Topic::OrdersCreate, &draft), Fault::OtherTopic);
    let back = r#"{"id":1,"admin_graphql_api_id":"gid://shopify/Refund/1","order_id":2}"#;
    assert_eq!(fault(&Topic::ReturnsClose, back), Fault::OtherTopic);
}

#[test]
fn a_return_is_read_in_each_of_its_shapes() {
    let bodies = [
        (
            r#"{"id":1,"admin_graphql_api_id":"gid://shopify/Return/1","order_id":2,"status":"open"}"#,
            Some(2),
        ),
        (
            r#"{"id":1,"admin_graphql_api_id":"gid://shopify/Return/1","order":{"id":2},"status":"open"}"#,
            Some(2),
        ),
        (
            r#"{"admin_graphql_api_id":"gid://shopify/Return/1","return_line_items":{}}"#,
            None,
        ),
    ];
    for (body, order_id) in bodies {
        let event = Event::decode(&Topic::ReturnsUpdate, body.as_bytes());
        let Ok(Event::Return(back)) = event else {
            panic!("{event:?}")
        };
        assert_eq!((back.id, back.order_id), (1, order_id));
        assert_eq!(
            order_id_of(&Topic::ReturnsUpdate, body.as_bytes()),
            order_id
        );
    }
}

#[test]
fn a_body_of_an_unknown_topic_is_not_looked_at() {
    let topic = Topic::parse("carts/create");
    for body in [&b""[..], b"\xff", b"{"] {
        assert_eq!(Event::decode(&topic, body), Ok(Event::Other));
        assert_eq!(order_id_of(&topic, body), None);
    }
}

#[test]
fn every_known_topic_refuses_what_is_no_object() {
    for topic in Topic::known() {
        for body in ["", "null", "[]", "\"x\"", "1", "{}", "\u{feff}{}"] {
            assert!(
                Event::decode(topic, body.as_bytes()).is_err(),
                "{topic} {body:?}"
            );
        }
        let not_utf8 = b"{\"id\":1,\"name\":\"\xff\",\"x\xff\":1}";
        assert!(Event::decode(topic, not_utf8).is_err(), "{topic}");
    }
}

#[test]
fn an_order_is_found_in_a_body_that_does_not_decode() {
    let odd = order_with("total_price", "1.5");
    assert!(Event::decode(&Topic::OrdersPaid, odd.as_bytes()).is_err());
    assert_eq!(
        order_id_of(&Topic::OrdersPaid, odd.as_bytes()),
        Some(ORDER_ID)
    );
    for body in [
        "{\"id\":1.0}",
        "{\"id\":-1}",
        "{\"id\":null}",
        "{}",
        "",
        "[1]",
        "{\"id\":1",
    ] {
        assert_eq!(
            order_id_of(&Topic::OrdersPaid, body.as_bytes()),
            None,
            "{body}"
        );
    }
    let odd_id = r#"{"id":{"odd":1},"order_id":7}"#;
    assert_eq!(
        order_id_of(&Topic::FulfillmentsUpdate, odd_id.as_bytes()),
        Some(7)
    );
    assert_eq!(order_id_of(&Topic::ShopRedact, odd_id.as_bytes()), None);
}
