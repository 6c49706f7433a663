//! What happens to a parcel before it is sent: nothing, mostly; or the fault that is set.

use chrono::{DateTime, TimeDelta, Utc};

use super::{COMMON_LANE, Delivery, DeliveryOutcome, Outbox, Parcel, Queued, sign};
use crate::faults::{DeliveryFate, DeliveryFault};
use crate::locked::lock;

impl Outbox {
    /// Takes a parcel to be sent, about an order if it is about one.
    pub(crate) fn post(
        &self,
        parcel: Parcel,
        order: Option<u64>,
        fate: Option<DeliveryFate>,
        now: DateTime<Utc>,
    ) {
        let mut state = lock(&self.state);
        let entry = state.enter(&parcel, order);
        let mut queued = Queued {
            parcel,
            lane: order.unwrap_or(COMMON_LANE),
            attempt: 0,
            entry,
        };
        match fate.map(|fate| fate.fault) {
            None => state.enqueue(now, queued),
            Some(DeliveryFault::Drop) => {
                if let Some(delivery) = state.log.get_mut(&entry) {
                    delivery.outcome = DeliveryOutcome::Dropped;
                }
            }
            Some(DeliveryFault::Duplicate) => {
                state.enqueue(now, queued.clone());
                state.enqueue(now, queued);
            }
            Some(DeliveryFault::Delay(by)) => {
                let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
                let due = now.checked_add_signed(by);
                state.enqueue(due.unwrap_or(DateTime::<Utc>::MAX_UTC), queued);
            }
            Some(DeliveryFault::Reorder) => {
                queued.lane = COMMON_LANE;
                state.held.push(queued);
            }
            Some(DeliveryFault::WrongSecret) => {
                queued.parcel.signature = sign("somebody else's secret", &queued.parcel.body);
                state.enqueue(now, queued);
            }
        }
        if fate.is_some_and(|fate| fate.last && fate.fault == DeliveryFault::Reorder) {
            state.release(now);
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// Sends an old delivery again, byte for byte, headers and all.
    pub(crate) fn redeliver(&self, delivery: &Delivery, now: DateTime<Utc>) {
        self.post(delivery.parcel.clone(), delivery.order, None, now);
    }
}
