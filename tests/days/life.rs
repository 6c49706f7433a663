//! What people do: when they order and ask, and what becomes of an order.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use fastrand::Rng;
use shopify_simulator::{
    FinancialStatus, NewEvent, NewFulfillment, NewOrder, ShipmentStatus, Shop, ShopError,
};

/// At the busiest hour there are this many times as many as on average.
const PEAK: f64 = 1.7;

/// Something that becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Deed {
    Pay,
    Cancel,
    Note,
    Tag,
    Edit,
    Refund,
    /// Of its first line only, or of all that is left.
    ShipFirst,
    ShipRest,
    /// The carrier reports on its nth parcel.
    Track(usize, ShipmentStatus),
    /// Its nth parcel gets another number.
    Renumber(usize),
    /// Shopify says again what it said.
    Touch,
    Delete,
}

/// When the next one comes, of `a_day` spread over the day as people are awake.
pub(crate) fn next_arrival(now: DateTime<Utc>, a_day: u32, rng: &mut Rng) -> DateTime<Utc> {
    let mut at = now;
    loop {
        let gap_s = -(1.0 - rng.f64()).ln() * 86_400.0 / (f64::from(a_day) * PEAK);
        at += seconds(gap_s);
        let hour = f64::from(at.num_seconds_from_midnight()) / 3600.0;
        let awake = 1.0 - (PEAK - 1.0) * ((hour - 3.0) / 24.0 * std::f64::consts::TAU).cos();
        if rng.f64() * PEAK < awake {
            return at;
        }
    }
}

/// An order as somebody places it, and whether it is paid.
pub(crate) fn new_order(rng: &mut Rng) -> (NewOrder, bool) {
    let mut new = NewOrder::default().line_items(rng.usize(1..=3));
    if rng.u8(..10) == 0 {
        new = new.note("Please leave with the neighbour — 谢谢");
    }
    if rng.u8(..8) == 0 {
        new = new.discount_code("WELCOME10");
    }
    let is_paid = rng.u8(..10) > 0;
    if !is_paid {
        new = new.financial_status(FinancialStatus::Pending);
    }
    (new, is_paid)
}

/// What will become of an order that was placed now.
pub(crate) fn fate_of(
    now: DateTime<Utc>,
    is_paid: bool,
    rng: &mut Rng,
) -> Vec<(DateTime<Utc>, Deed)> {
    let mut fate = Vec::new();
    let later = |hours: std::ops::Range<f64>, rng: &mut Rng| now + hours_of(hours, rng);
    let mut chance = |percent: u8, hours: std::ops::Range<f64>, deed, rng: &mut Rng| {
        if rng.u8(..100) < percent {
            fate.push((later(hours, rng), deed));
        }
    };
    if !is_paid {
        chance(90, 0.1..6.0, Deed::Pay, rng);
    }
    chance(8, 0.2..70.0, Deed::Note, rng);
    chance(5, 0.0..100.0, Deed::Tag, rng);
    chance(4, 0.5..11.0, Deed::Edit, rng);
    chance(5, 0.0..160.0, Deed::Touch, rng);
    chance(3, 72.0..160.0, Deed::Refund, rng);
    let end = rng.u16(..1000);
    if end < 40 {
        chance(100, 0.5..12.0, Deed::Cancel, rng);
    } else if end < 60 {
        chance(100, 1.0..60.0, Deed::Delete, rng);
    }
    fate.extend(shipping(now + hours_of(12.0..48.0, rng), rng));
    fate
}

/// One order in eight goes out in two parcels.
pub(crate) fn shipping(at: DateTime<Utc>, rng: &mut Rng) -> Vec<(DateTime<Utc>, Deed)> {
    let mut deeds = Vec::new();
    let splits = rng.u8(..8) == 0;
    let parcels = if splits {
        let second = at + hours_of(6.0..24.0, rng);
        vec![(at, Deed::ShipFirst), (second, Deed::ShipRest)]
    } else {
        vec![(at, Deed::ShipRest)]
    };
    for (nth, (at, deed)) in parcels.into_iter().enumerate() {
        deeds.push((at, deed));
        if rng.u8(..10) == 0 {
            deeds.push((at + hours_of(0.1..5.0, rng), Deed::Renumber(nth)));
        }
        deeds.extend(journey(at, nth, None, rng));
    }
    deeds
}

/// The reports on a parcel that is shipped at `at`, after the one it is at.
pub(crate) fn journey(
    at: DateTime<Utc>,
    nth: usize,
    is_at: Option<ShipmentStatus>,
    rng: &mut Rng,
) -> Vec<(DateTime<Utc>, Deed)> {
    let takes = hours_of(24.0..96.0, rng);
    let legs = [
        (ShipmentStatus::Confirmed, 0.05),
        (ShipmentStatus::InTransit, 0.3),
        (ShipmentStatus::OutForDelivery, 0.9),
        (ShipmentStatus::Delivered, 1.0),
    ];
    let done = legs.iter().position(|(status, _)| Some(*status) == is_at);
    let left = legs.into_iter().skip(done.map_or(0, |done| done + 1));
    left.map(|(status, share)| {
        let share = share * (0.9 + 0.1 * rng.f64());
        (
            at + seconds(takes.as_seconds_f64() * share),
            Deed::Track(nth, status),
        )
    })
    .collect()
}

impl Deed {
    /// Which parcel it is an event of.
    pub(crate) fn reports_on(self) -> Option<usize> {
        if let Self::Track(nth, _) = self {
            Some(nth)
        } else {
            None
        }
    }

    /// Does it. What cannot be done (a cancelled order is not shipped) is not done.
    pub(crate) fn run(self, shop: &Shop, order: u64) -> Result<(), ShopError> {
        let parcel = |nth: usize| {
            let parcels = shop.fulfillment_ids(order)?;
            parcels
                .get(nth)
                .copied()
                .ok_or(ShopError::UnknownFulfillment(order))
        };
        let labelled = |new: NewFulfillment| new.company("DPD UK").number(&format!("1550{order}"));
        match self {
            Self::Pay => shop.mark_paid(order),
            Self::Cancel => shop.cancel_order(order),
            Self::Note => shop.set_note(order, Some("Called: wants it on Friday")),
            Self::Tag => shop.set_tags(order, &["vip"]),
            Self::Edit => shop.edit_order(order),
            Self::Refund => shop.refund(order).map(drop),
            Self::ShipFirst => shop
                .fulfill(order, labelled(NewFulfillment::default().item(0, u32::MAX)))
                .map(drop),
            Self::ShipRest => shop
                .fulfill(order, labelled(NewFulfillment::default()))
                .map(drop),
            Self::Track(nth, status) => shop
                .track_with(
                    parcel(nth)?,
                    NewEvent::new(status).message("By the carrier"),
                )
                .map(drop),
            Self::Renumber(nth) => shop.update_tracking(
                parcel(nth)?,
                NewFulfillment::default()
                    .company("Royal Mail")
                    .number("RM1"),
            ),
            Self::Touch => shop.touch(order),
            Self::Delete => shop.delete_order(order),
        }
    }
}

pub(crate) fn hours_of(hours: std::ops::Range<f64>, rng: &mut Rng) -> TimeDelta {
    seconds((hours.start + (hours.end - hours.start) * rng.f64()) * 3600.0)
}

pub(crate) fn seconds(seconds: f64) -> TimeDelta {
    crate::time::delta(std::time::Duration::from_secs_f64(seconds))
}
