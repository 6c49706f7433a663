//! What the law and the merchant may ask for: that a customer is told of, or forgotten.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Shop, ShopError};
use crate::model::Order;

impl Shop {
    /// The id of an order's customer, if it has one.
    pub fn customer_id(&self, order: u64) -> Result<Option<u64>, ShopError> {
        Ok(self.order(order)?.customer.as_ref().map(|one| one.id))
    }

    /// A customer asks what is held about them: `customers/data_request`, with this order named.
    pub fn request_data(&self, order: u64) -> Result<(), ShopError> {
        let order = self.order(order)?;
        let request = json!({ "id": self.world.ids.next() });
        let own = [
            ("orders_requested", json!([order.id])),
            ("data_request", request),
        ];
        let body = self.about_customer(&order, own);
        self.demand("customers/data_request", &body);
        Ok(())
    }

    /// A customer is to be forgotten: Shopify erases them from their orders, and sends `customers/redact` with `named` of them.
    pub fn redact_customer(&self, order: u64, named: &[u64]) -> Result<(), ShopError> {
        let order = self.order(order)?;
        let body = self.about_customer(&order, [("orders_to_redact", json!(named))]);
        let customer = order.customer.as_ref().map(|one| one.id);
        // A customer is known by an id, and by the address they order with.
        for id in self.order_ids() {
            let other = self.order(id)?;
            let theirs = other.customer.as_ref().map(|one| one.id);
            let is_theirs = (customer.is_some() && theirs == customer)
                || (order.email.is_some() && other.email == order.email);
            if is_theirs {
                self.change(id, |order, now| {
                    order.customer = None;
                    order.email = None;
                    order.phone = None;
                    order.shipping_address = None;
                    order.billing_address = None;
                    order.note = None;
                    order.updated_at = now;
                    Ok(())
                })?;
            }
        }
        self.demand("customers/redact", &body);
        Ok(())
    }

    fn about_customer<const N: usize>(&self, order: &Order, own: [(&str, Value); N]) -> Value {
        let customer = order.customer.as_ref();
        let email = order
            .email
            .clone()
            .or_else(|| customer.and_then(|one| one.email.clone()));
        let subject = json!({
            "id": customer.map(|one| one.id),
            "email": email,
            "phone": customer.and_then(|one| one.phone.clone()),
        });
        let shared = [
            ("shop_id", json!(self.world.facts.id)),
            ("shop_domain", json!(self.world.facts.domain)),
            ("customer", subject),
        ];
        let all = shared.into_iter().chain(own);
        Value::Object(all.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Compliance topics go to the app's own endpoint, whatever else it is subscribed to.
    fn demand(&self, topic: &str, body: &Value) {
        let body = Bytes::from(body.to_string());
        self.world.announce(None, vec![(topic.to_owned(), body)]);
    }

    pub(crate) fn app_uninstalled(&self) {
        let facts = &self.world.facts;
        let body = json!({
            "id": facts.id, "name": facts.name, "domain": facts.domain, "myshopify_domain": null,
            "email": "owner@example.com", "plan_name": "basic", "created_at": null,
        });
        self.demand("app/uninstalled", &body);
    }

    pub(crate) fn shop_redacted(&self) {
        let facts = &self.world.facts;
        let body = json!({ "shop_id": facts.id, "shop_domain": facts.domain });
        self.demand("shop/redact", &body);
    }
}
