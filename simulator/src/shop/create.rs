//! An order is placed.

use chrono::{DateTime, SubsecRound as _, Utc};
use fastrand::Rng;

use super::new::{Guest, Trial};
use super::{NewOrder, Shop, goods};
use crate::locked::lock;
use crate::model::{Currency, DiscountCode, FinancialStatus, Order};
use crate::world::World;

impl Shop {
    /// Places an order: `orders/create`, and `orders/paid` if it is paid. Returns its id.
    pub fn place_order(&self, new: NewOrder) -> u64 {
        let now = self.world.clock.now();
        let order = {
            let mut rng = lock(&self.world.rng);
            build(&self.world, &mut rng, new, now)
        };
        let order = lock(&self.world.book).put(now, order);
        let mut news = vec![self.full("orders/create", &order)];
        if order.financial_status == FinancialStatus::Paid {
            news.push(self.full("orders/paid", &order));
        }
        self.send(order.id, news);
        order.id
    }
}

/// Makes up what `new` does not say.
pub(super) fn build(world: &World, rng: &mut Rng, new: NewOrder, now: DateTime<Utc>) -> Order {
    let currency = match &new.currency {
        Some(code) => Currency::new(code),
        None => world.facts.currency.clone(),
    };
    let number = world.numbers.take(new.number);
    let customer = (new.guest == Guest::Customer).then(|| goods::customer(rng, &world.ids));
    let address = new
        .address
        .unwrap_or_else(|| goods::address(rng, customer.as_ref()));
    let known = customer.as_ref().and_then(|one| one.email.clone());
    let count = new.lines.unwrap_or_else(|| rng.usize(1..=3));
    let lines = goods::lines(rng, &world.ids, &currency, count, new.quantity);
    let at = new.placed_at.unwrap_or(now).trunc_subsecs(0);
    let mut order = Order {
        id: world.ids.next(),
        number,
        name: new.name.unwrap_or_else(|| world.facts.order_name(number)),
        email: new.email.or(known),
        phone: None,
        note: new.note,
        tags: new.tags,
        test: new.test == Trial::Test,
        created_at: at,
        processed_at: at,
        updated_at: at,
        cancelled_at: None,
        cancel_reason: None,
        closed_at: None,
        financial_status: new.financial_status.unwrap_or(FinancialStatus::Paid),
        shipping_price: 5 * currency.unit(),
        currency,
        discount_codes: Vec::new(),
        customer,
        shipping_address: Some(address.clone()),
        billing_address: Some(address),
        lines,
        fulfillments: Vec::new(),
        refunds: Vec::new(),
        waiting: None,
        return_status: None,
    };
    if let Some(code) = new.discount_code {
        let amount = order.line_items_price() / 10;
        order.discount_codes.push(DiscountCode { code, amount });
    }
    order
}
