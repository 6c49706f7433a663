//! An order changes otherwise: it is cancelled, refunded, edited, noted, deleted.

use std::sync::Arc;

use super::{Shop, ShopError, goods};
use crate::locked::lock;
use crate::model::{Address, CancelReason, FinancialStatus, Order, Refund, RefundLine};
use crate::rest;

impl Shop {
    /// Cancels an order and, if it was paid, refunds it: `orders/cancelled`, `orders/updated`, and `refunds/create`.
    pub fn cancel_order(&self, order: u64) -> Result<(), ShopError> {
        let (order, paid) = self.change(order, |order, now| {
            let paid = order.financial_status == FinancialStatus::Paid;
            if paid {
                let lines: Vec<(u64, u32)> = order
                    .lines
                    .iter()
                    .map(|line| (line.id, line.current_quantity))
                    .collect();
                let amount = order.total();
                self.pay_back(order, lines, amount);
            } else {
                order.financial_status = FinancialStatus::Voided;
            }
            order.cancelled_at = Some(now);
            order.cancel_reason = Some(CancelReason::Customer);
            order.closed_at = Some(now);
            order.updated_at = now;
            Ok(paid)
        })?;
        let mut news = vec![
            self.full("orders/cancelled", &order),
            self.full("orders/updated", &order),
        ];
        if let Some(refund) = order.refunds.last().filter(|_| paid) {
            news.push((
                "refunds/create",
                rest::refund(self.renderer(), &order, refund),
            ));
        }
        self.send(order.id, news);
        Ok(())
    }

    /// Takes one of the first line back and pays it: `refunds/create` and `orders/updated`. Returns the refund's id.
    pub fn refund(&self, order: u64) -> Result<u64, ShopError> {
        let (order, ()) = self.change(order, |order, now| {
            let taken = order.lines.iter().find(|line| line.current_quantity > 0);
            let taken = taken.ok_or(ShopError::UnknownLine(order.id))?;
            let (line, amount) = (taken.id, taken.price);
            order.updated_at = now;
            self.pay_back(order, vec![(line, 1)], amount);
            Ok(())
        })?;
        let refund = order.refunds.last();
        let refund = refund.ok_or(ShopError::UnknownLine(order.id))?;
        let body = rest::refund(self.renderer(), &order, refund);
        let news = vec![
            ("refunds/create", body),
            self.full("orders/updated", &order),
        ];
        self.send(order.id, news);
        Ok(refund.id)
    }

    /// Adds a line and takes one of the first away: `orders/edited` and `orders/updated`.
    pub fn edit_order(&self, order: u64) -> Result<(), ShopError> {
        let (order, (added, removed)) = self.change(order, |order, now| {
            let added = {
                let mut rng = lock(&self.world.rng);
                goods::lines(&mut rng, &self.world.ids, &order.currency, 1, Some(1))
            };
            let mut removed = Vec::new();
            if let Some(first) = order
                .lines
                .iter_mut()
                .find(|line| line.current_quantity > 0)
            {
                first.current_quantity -= 1;
                removed.push((first.id, 1));
            }
            let ids: Vec<(u64, u32)> = added.iter().map(|line| (line.id, 1)).collect();
            order.lines.extend(added);
            order.updated_at = now;
            Ok((ids, removed))
        })?;
        let edit = self.world.ids.next();
        let body = rest::order_edit(self.renderer(), &order, edit, &added, &removed);
        let news = vec![("orders/edited", body), self.full("orders/updated", &order)];
        self.send(order.id, news);
        Ok(())
    }

    /// Deletes an order: `orders/delete`, which says nothing but the id.
    pub fn delete_order(&self, order: u64) -> Result<(), ShopError> {
        self.order(order)?;
        let now = self.world.clock.now();
        lock(&self.world.book).remove(now, order);
        let body = serde_json::json!({ "id": order });
        self.send(order, vec![("orders/delete", body)]);
        Ok(())
    }

    /// An unpaid order is paid: `orders/paid` and `orders/updated`.
    pub fn mark_paid(&self, order: u64) -> Result<(), ShopError> {
        let paid = |order: &mut Order| order.financial_status = FinancialStatus::Paid;
        let order = self.amend(order, paid)?;
        let news = vec![
            self.full("orders/paid", &order),
            self.full("orders/updated", &order),
        ];
        self.send(order.id, news);
        Ok(())
    }

    /// Writes the order's note: `orders/updated`.
    pub fn set_note(&self, order: u64, note: Option<&str>) -> Result<(), ShopError> {
        let order = self.amend(order, |order| order.note = note.map(str::to_owned))?;
        self.updated(&order);
        Ok(())
    }

    /// Replaces the order's tags: `orders/updated`.
    pub fn set_tags(&self, order: u64, tags: &[&str]) -> Result<(), ShopError> {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let order = self.amend(order, |order| order.tags = tags)?;
        self.updated(&order);
        Ok(())
    }

    /// Holds it back, or lets it go: the API says so (`ON_HOLD`, `SCHEDULED` …), no payload does, and `updated_at` stays.
    pub fn set_waiting(&self, order: u64, status: Option<&str>) -> Result<(), ShopError> {
        let waiting = status.map(str::to_owned);
        self.change(order, |order, _now| {
            order.waiting = waiting;
            Ok(())
        })?;
        Ok(())
    }

    /// Moves its return on, in the API's words (`RETURN_REQUESTED`, `RETURNED` …): `orders/updated`, which does not say how far it is.
    pub fn set_return_status(&self, order: u64, status: &str) -> Result<(), ShopError> {
        let status = Some(status.to_owned());
        let order = self.amend(order, |order| order.return_status = status)?;
        self.updated(&order);
        Ok(())
    }

    /// Sends it elsewhere: `orders/updated`.
    pub fn set_shipping_address(&self, order: u64, address: Address) -> Result<(), ShopError> {
        let order = self.amend(order, |order| order.shipping_address = Some(address))?;
        self.updated(&order);
        Ok(())
    }

    fn amend(&self, order: u64, deed: impl FnOnce(&mut Order)) -> Result<Arc<Order>, ShopError> {
        let (order, ()) = self.change(order, |order, now| {
            deed(order);
            order.updated_at = now;
            Ok(())
        })?;
        Ok(order)
    }

    fn updated(&self, order: &Order) {
        self.send(order.id, vec![self.full("orders/updated", order)]);
    }

    /// Books a refund of some lines.
    fn pay_back(&self, order: &mut Order, lines: Vec<(u64, u32)>, amount: i64) {
        let ids = &self.world.ids;
        let mut taken = Vec::new();
        for (line_item, quantity) in lines {
            let line = order.lines.iter_mut().find(|line| line.id == line_item);
            if let Some(line) = line {
                line.current_quantity = line.current_quantity.saturating_sub(quantity);
            }
            taken.push(RefundLine {
                id: ids.next(),
                line_item,
                quantity,
            });
        }
        order.refunds.push(Refund {
            id: ids.next(),
            created_at: chrono::SubsecRound::trunc_subsecs(self.world.clock.now(), 0),
            note: None,
            amount,
            lines: taken,
        });
        order.financial_status = if order.refunded() >= order.total() {
            FinancialStatus::Refunded
        } else {
            FinancialStatus::PartiallyRefunded
        };
    }
}
