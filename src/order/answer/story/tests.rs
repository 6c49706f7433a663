//! Each case as a customer reads it.

use proptest::prelude::*;

use crate::order::{
    Facet, FulfillmentId, Order, Standing, TrackingAnswer,
    answer::tests::{at, order, report, ship, version},
};

fn told(order: &Order) -> (String, String) {
    let answer = TrackingAnswer::of(order).unwrap();
    (answer.message_template_zh, answer.message_template_en)
}

#[track_caller]
fn tells(order: &Order, zh: &str, en: &str) {
    assert_eq!(told(order), (zh.to_owned(), en.to_owned()));
}

fn stands(order: &mut Order, waiting: Option<&str>, returns: Option<&str>) {
    order.standing = Some(Facet {
        version: version(0),
        value: Standing {
            waiting: waiting.map(str::to_owned),
            returns: returns.map(str::to_owned),
        },
    });
}

fn pays(order: &mut Order, status: &str) {
    order.head.as_mut().unwrap().value.financial_status = Some(status.to_owned());
}

/// One parcel with all that was ordered.
fn shipped() -> Order {
    let mut order = order();
    ship(&mut order, 7, 60, &[(1, 2), (2, 1)]);
    order
}

#[test]
fn not_shipped() {
    tells(
        &order(),
        "您的订单 UK1 尚未发货。",
        "Your order UK1 has not been shipped yet.",
    );
    let mut held = order();
    stands(&mut held, Some("on_hold"), None);
    tells(
        &held,
        "您的订单 UK1 暂缓发货，如有疑问请联系客服。",
        "Your order UK1 is on hold and has not been shipped yet. Please contact us if you have any questions.",
    );
    let mut scheduled = order();
    stands(&mut scheduled, Some("scheduled"), None);
    tells(
        &scheduled,
        "您的订单 UK1 已排期，将在之后发货。",
        "Your order UK1 is scheduled and will be shipped later.",
    );
    // The order changed after the API told that it is held: it may be so no more.
    held.head.as_mut().unwrap().version = version(9);
    assert_eq!(told(&held).1, "Your order UK1 has not been shipped yet.");
}

#[test]
fn on_its_way() {
    let mut order = shipped();
    tells(
        &order,
        "您的订单 UK1 已发货。包裹已发出（2026-11-20 发货）。承运商：Royal Mail，运单号：RM1000007GB，查询链接：https://www.royalmail.com/track-your-item#/tracking-results/RM1000007GB 。",
        "Your order UK1 has been shipped. The parcel has been sent (shipped on 2026-11-20). Carrier: Royal Mail, tracking number: RM1000007GB, follow it at https://www.royalmail.com/track-your-item#/tracking-results/RM1000007GB.",
    );
    report(&mut order, 1, 7, 70, "out_for_delivery");
    let (zh, en) = told(&order);
    assert!(zh.contains("包裹正在派送（2026-11-20 发货）。"), "{zh}");
    assert!(
        en.contains("The parcel is out for delivery (shipped on 2026-11-20)."),
        "{en}"
    );
}

#[test]
fn delivered() {
    let mut order = shipped();
    report(&mut order, 1, 7, 70, "delivered");
    let (zh, en) = told(&order);
    assert!(zh.contains("包裹已送达（2026-11-20）。"), "{zh}");
    assert!(
        en.contains("The parcel has been delivered on 2026-11-20."),
        "{en}"
    );
}

#[test]
fn attempted_failed_and_to_be_collected() {
    for (status, zh, en) in [
        (
            "attempted_delivery",
            "已尝试派送但未成功",
            "could not be handed over at the first attempt",
        ),
        (
            "failure",
            "派送未成功，请联系客服",
            "could not be handed over; please contact us",
        ),
        (
            "ready_for_pickup",
            "已到自提点",
            "is ready for you to collect",
        ),
        (
            "handed_to_drone",
            "的最新状态：未知状态（handed to drone）",
            "has a new status: Handed to drone",
        ),
    ] {
        let mut order = shipped();
        report(&mut order, 1, 7, 70, status);
        let told = told(&order);
        assert!(told.0.contains(zh) && told.1.contains(en), "{told:?}");
    }
}

#[test]
fn no_number_yet() {
    let mut order = shipped();
    let parcel = order.fulfillments.values_mut().next().unwrap();
    parcel.value.tracking_numbers.clear();
    parcel.value.tracking_company = None;
    tells(
        &order,
        "您的订单 UK1 已发货。包裹已发出（2026-11-20 发货）。暂无运单号。",
        "Your order UK1 has been shipped. The parcel has been sent (shipped on 2026-11-20). There is no tracking number yet.",
    );
    let parcel = order.fulfillments.values_mut().next().unwrap();
    parcel.value.tracking_numbers = vec!["X1".to_owned()];
    let (zh, en) = told(&order);
    assert!(zh.ends_with("。运单号：X1。"), "{zh}");
    assert!(en.ends_with(". Tracking number: X1."), "{en}");
}

#[test]
fn several_parcels_and_a_part() {
    let mut order = order();
    ship(&mut order, 7, 60, &[(1, 1)]);
    ship(&mut order, 8, 61, &[(1, 1)]);
    report(&mut order, 1, 7, 70, "delivered");
    for parcel in order.fulfillments.values_mut() {
        parcel.value.tracking_company = Some("Bob's Bikes".to_owned());
    }
    tells(
        &order,
        "您的订单 UK1 已部分发货。共 2 个包裹：包裹 1 已送达（2026-11-20）（承运商：Bob's Bikes，运单号：RM1000007GB）。包裹 2 已发出（2026-11-20 发货）（承运商：Bob's Bikes，运单号：RM1000008GB）。",
        "Part of your order UK1 has been shipped. It comes in 2 parcels. Parcel 1 has been delivered on 2026-11-20 (Carrier: Bob's Bikes, tracking number: RM1000007GB). Parcel 2 has been sent (shipped on 2026-11-20) (Carrier: Bob's Bikes, tracking number: RM1000008GB).",
    );
    for id in 9..14 {
        ship(&mut order, id, 62, &[(2, 1)]);
    }
    let (zh, en) = told(&order);
    assert!(en.contains("It comes in 7 parcels. Parcel 3 "), "{en}");
    assert!(en.ends_with("There are 2 older ones."), "{en}");
    assert!(zh.ends_with("另有 2 个较早的包裹。"), "{zh}");
}

#[test]
fn returned_refunded_cancelled() {
    let mut order = shipped();
    report(&mut order, 1, 7, 70, "delivered");
    stands(&mut order, None, Some("return_requested"));
    pays(&mut order, "partially_refunded");
    let (zh, en) = told(&order);
    assert!(
        zh.ends_with("退货状态：已申请退货。已退还部分款项。"),
        "{zh}"
    );
    assert!(
        en.ends_with("Return: return requested. Part of the payment has been refunded."),
        "{en}"
    );
    let mut cancelled = super::super::tests::order();
    cancelled.head.as_mut().unwrap().value.cancelled_at = Some(at(5));
    pays(&mut cancelled, "refunded");
    tells(
        &cancelled,
        "您的订单 UK1 已取消。款项已全额退还。",
        "Your order UK1 has been cancelled. The payment has been refunded in full.",
    );
    ship(&mut cancelled, 7, 60, &[(1, 2)]);
    assert!(
        told(&cancelled)
            .1
            .starts_with("Your order UK1 was cancelled after it had been shipped. The parcel ")
    );
}

#[test]
fn the_state_alone_names_no_number_and_no_link() {
    let mut order = shipped();
    report(&mut order, 1, 7, 70, "in_transit");
    let state = TrackingAnswer::state_alone(&order).unwrap();
    assert_eq!(
        state.message_template_en,
        "Your order UK1 has been shipped. The parcel is on its way (shipped on 2026-11-20)."
    );
    let json = serde_json::to_string(&state).unwrap();
    assert!(
        !json.contains("RM1000007GB") && !json.contains("http"),
        "{json}"
    );
    assert!(json.contains("in_transit"));
}

proptest! {
    #[test]
    fn whatever_happens_the_stories_are_whole_and_true(
        statuses in prop::collection::vec(prop::sample::select(vec![
            "", "label_printed", "confirmed", "in_transit", "delayed", "out_for_delivery", "attempted_delivery",
            "ready_for_pickup", "picked_up", "delivered", "not_delivered", "failure", "beamed_up",
        ]), 0..8),
        dead in prop::collection::vec(any::<bool>(), 8),
        waiting in prop::option::of(prop::sample::select(vec!["on_hold", "scheduled", "beaming"])),
        returns in prop::option::of(prop::sample::select(vec!["returned", "return_failed", "unreturned"])),
        payment in prop::sample::select(vec!["paid", "refunded", "voided", "minted"]),
        cancelled in any::<bool>(),
    ) {
        let mut order = order();
        stands(&mut order, waiting, returns);
        pays(&mut order, payment);
        let head = &mut order.head.as_mut().unwrap().value;
        head.cancelled_at = cancelled.then(|| at(5));
        head.email = Some("planted@example.com".to_owned());
        head.customer_name = Some("Planted Name".to_owned());
        head.note = Some("planted note".to_owned());
        let mut arrived = false;
        for (at, status) in statuses.iter().enumerate() {
            let (id, minute) = (7 + u64::try_from(at).unwrap(), 60 + i64::try_from(at).unwrap());
            ship(&mut order, id, minute, &[(1, 1)]);
            if !status.is_empty() {
                report(&mut order, id, id, minute + 10, status);
            }
            if dead[at] {
                let parcel = order.fulfillments.get_mut(&FulfillmentId::new(id).unwrap()).unwrap();
                parcel.value.status = Some("cancelled".to_owned());
            } else {
                arrived |= *status == "delivered";
            }
        }
        let (zh, en) = told(&order);
        prop_assert!(zh.starts_with("您的订单 UK1") && zh.ends_with('。'), "{}", zh);
        prop_assert!(en.contains("rder UK1 ") && en.ends_with('.'), "{}", en);
        let patched = en.contains("  ") || en.contains('{') || zh.contains('{');
        prop_assert!(!patched, "{} {}", zh, en);
        // Older parcels beyond the list are counted, not described.
        let says_so = zh.contains("已送达");
        prop_assert_eq!(says_so, en.contains("has been delivered"));
        prop_assert!(arrived || !says_so, "{}", zh);
        for told in [&zh, &en] {
            prop_assert!(!told.to_lowercase().contains("planted"), "{}", told);
        }
    }
}
