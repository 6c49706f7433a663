//! Properties of the merge over random news: promise 1 rests on them.

use std::collections::BTreeSet;

use chrono::TimeZone as _;
use proptest::prelude::*;

use super::*;
use crate::order::{EventListing, LineItem, LineItemId, Money, ShippedItem, Source};

fn at(second: u8) -> DateTime<Utc> {
    Utc.timestamp_opt(1_790_000_000 + i64::from(second), 0)
        .unwrap()
}

/// Few distinct times, so that ties within a second are common.
fn version() -> impl Strategy<Value = Version> {
    (0..4u8, 0..6u8).prop_map(|(updated, observed)| Version {
        updated_at: at(updated),
        observed_at: at(observed),
    })
}

fn head() -> impl Strategy<Value = Facet<Head>> {
    let line = |id: u64| LineItem {
        id: LineItemId::new(id).unwrap(),
        title: "Hemd".to_owned(),
        variant_title: None,
        sku: None,
        quantity: 2,
        current_quantity: 2,
        price: Money::new("10.00", "EUR"),
        requires_shipping: true,
    };
    (version(), "[ab]", proptest::option::of(0..4u8)).prop_map(move |(version, note, cancelled)| {
        Facet {
            version,
            value: Head {
                name: "#UK1".to_owned(),
                created_at: at(0),
                cancelled_at: cancelled.map(at),
                closed_at: None,
                financial_status: Some("paid".to_owned()),
                fulfillment_status: None,
                currency: "EUR".to_owned(),
                total_price: Money::new("20.00", "EUR"),
                subtotal_price: None,
                total_shipping: None,
                total_discounts: None,
                total_tax: None,
                email: None,
                customer_name: None,
                shipping_address: None,
                note: Some(note),
                tags: vec![],
                discount_codes: vec![],
                line_items: vec![line(1), line(2)],
                test: false,
            },
        }
    })
}

fn fulfillment() -> impl Strategy<Value = Facet<Fulfillment>> {
    (
        version(),
        prop_oneof!["success", "cancelled"],
        proptest::option::of("[xy]"),
    )
        .prop_map(|(version, status, number)| Facet {
            version,
            value: Fulfillment {
                created_at: at(0),
                status: Some(status),
                shipment_status: None,
                tracking_company: None,
                tracking_numbers: number.into_iter().collect(),
                tracking_urls: vec![],
                items: vec![ShippedItem {
                    line_item: LineItemId::new(1).unwrap(),
                    quantity: 1,
                }],
            },
        })
}

fn event() -> impl Strategy<Value = EventFacet> {
    let happened =
        (version(), prop_oneof!["in_transit", "delivered"]).prop_map(|(version, status)| {
            EventFacet::Happened(Facet {
                version,
                value: Event {
                    happened_at: version.updated_at,
                    fulfillment: FulfillmentId::new(1).unwrap(),
                    status,
                    message: None,
                    estimated_delivery_at: None,
                    city: None,
                    province: None,
                    country: None,
                    zip: None,
                },
            })
        });
    prop_oneof![4 => happened, 1 => Just(EventFacet::Deleted)]
}

fn carrier() -> impl Strategy<Value = Facet<CarrierFacts>> {
    (
        version(),
        proptest::collection::btree_set(1..4u64, 0..3),
        any::<bool>(),
    )
        .prop_map(|(version, ids, complete)| Facet {
            version,
            value: CarrierFacts {
                delivered_at: None,
                estimated_delivery_at: None,
                listing: EventListing {
                    ids: ids
                        .into_iter()
                        .filter_map(EventId::new)
                        .collect::<BTreeSet<_>>(),
                    complete,
                },
            },
        })
}

fn standing() -> impl Strategy<Value = Facet<Standing>> {
    let word = || proptest::option::of(prop_oneof![Just("on_hold"), Just("returned")]);
    (version(), word(), word()).prop_map(|(version, waiting, returns)| Facet {
        version,
        value: Standing {
            waiting: waiting.map(str::to_owned),
            returns: returns.map(str::to_owned),
        },
    })
}

prop_compose! {
    fn news()(
        customer in proptest::option::of(1..3u64),
        as_of in proptest::option::of((0..6u8, prop_oneof![Just(Source::Webhook), Just(Source::Sweep)])),
        head in proptest::option::of(head()),
        standing in proptest::option::of(standing()),
        fulfillments in proptest::collection::btree_map(1..3u64, fulfillment(), 0..3),
        carrier in proptest::collection::btree_map(1..3u64, carrier(), 0..2),
        events in proptest::collection::btree_map(1..4u64, event(), 0..3),
    ) -> Order {
        Order {
            id: OrderId::new(1).unwrap(),
            customer,
            as_of: as_of.map(|(second, source)| Observation { at: at(second), source }),
            head,
            standing,
            fulfillments: fulfillments.into_iter().filter_map(|(id, facet)| Some((FulfillmentId::new(id)?, facet))).collect(),
            carrier: carrier.into_iter().filter_map(|(id, facet)| Some((FulfillmentId::new(id)?, facet))).collect(),
            events: events.into_iter().filter_map(|(id, facet)| Some((EventId::new(id)?, facet))).collect(),
        }
    }
}

fn state() -> impl Strategy<Value = OrderState> {
    let gone = (0..6u8).prop_map(|second| {
        OrderState::Gone(Tombstone {
            id: OrderId::new(1).unwrap(),
            at: at(second),
        })
    });
    prop_oneof![15 => news().prop_map(|order| OrderState::Present(Box::new(order))), 1 => gone]
}

fn merged(states: impl IntoIterator<Item = OrderState>) -> OrderState {
    let unknown = OrderState::Present(Box::new(Order::unknown(OrderId::new(1).unwrap())));
    states.into_iter().fold(unknown, OrderState::merge)
}

/// Splits one piece of news into several that say a facet each.
fn split(order: &Order) -> Vec<OrderState> {
    let empty = || Order::unknown(order.id);
    let mut parts = vec![
        Order {
            customer: order.customer,
            ..empty()
        },
        Order {
            as_of: order.as_of,
            ..empty()
        },
        Order {
            head: order.head.clone(),
            ..empty()
        },
        Order {
            standing: order.standing.clone(),
            ..empty()
        },
    ];
    parts.extend(order.fulfillments.iter().map(|(id, facet)| Order {
        fulfillments: [(*id, facet.clone())].into(),
        ..empty()
    }));
    parts.extend(order.carrier.iter().map(|(id, facet)| Order {
        carrier: [(*id, facet.clone())].into(),
        ..empty()
    }));
    parts.extend(order.events.iter().map(|(id, facet)| Order {
        events: [(*id, facet.clone())].into(),
        ..empty()
    }));
    parts
        .into_iter()
        .map(|part| OrderState::Present(Box::new(part)))
        .collect()
}

proptest! {
    #[test]
    fn merge_is_commutative_and_associative(a in state(), b in state(), c in state()) {
        prop_assert_eq!(a.clone().merge(b.clone()), b.clone().merge(a.clone()));
        prop_assert_eq!(a.clone().merge(b.clone()).merge(c.clone()), a.merge(b.merge(c)));
    }

    #[test]
    fn merge_is_idempotent(a in state(), b in state()) {
        let twice = a.clone().merge(a.clone());
        prop_assert_eq!(&twice, &a);
        let both = a.clone().merge(b.clone());
        prop_assert_eq!(both.clone().merge(b).merge(a), both);
    }

    #[test]
    fn order_repetition_and_splitting_do_not_matter(
        (all, shuffled) in proptest::collection::vec(state(), 1..8).prop_flat_map(|all| {
            let pieces: Vec<_> = all.iter().flat_map(|state| match state {
                OrderState::Present(order) => split(order),
                OrderState::Gone(_) => vec![state.clone()],
            }).collect();
            let doubled: Vec<_> = pieces.iter().chain(&all).cloned().collect();
            (Just(all), Just(doubled).prop_shuffle())
        })
    ) {
        prop_assert_eq!(merged(shuffled), merged(all));
    }

    #[test]
    fn no_facet_goes_back(states in proptest::collection::vec(news(), 1..8)) {
        let mut known = Order::unknown(OrderId::new(1).unwrap());
        for news in states {
            let before = known.clone();
            known.merge(news);
            prop_assert!(known.as_of >= before.as_of);
            prop_assert!(known.head >= before.head);
            for (id, facet) in &before.fulfillments { prop_assert!(&known.fulfillments[id] >= facet); }
            for (id, facet) in &before.carrier { prop_assert!(&known.carrier[id] >= facet); }
            for (id, facet) in &before.events { prop_assert!(&known.events[id] >= facet); }
        }
    }

    #[test]
    fn the_stored_form_reads_back(state in state()) {
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<OrderState>(&text).unwrap(), state);
    }
}
