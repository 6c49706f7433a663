//! What a new order, fulfilment or event is to be like. Whatever is not said is made up.

use chrono::{DateTime, Utc};

use crate::model::{Address, FinancialStatus, ShipmentStatus};

/// An order to be placed: one paid line by a customer with an address, unless said otherwise.
#[must_use = "a builder does nothing until it is used"]
#[derive(Debug, Clone, Default)]
pub struct NewOrder {
    pub(super) lines: Option<usize>,
    pub(super) quantity: Option<u32>,
    pub(super) currency: Option<String>,
    pub(super) guest: Guest,
    pub(super) email: Option<String>,
    pub(super) note: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) discount_code: Option<String>,
    pub(super) name: Option<String>,
    pub(super) number: Option<u64>,
    pub(super) financial_status: Option<FinancialStatus>,
    pub(super) test: Trial,
    pub(super) placed_at: Option<DateTime<Utc>>,
    pub(super) address: Option<Address>,
}

/// Who orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Guest {
    #[default]
    Customer,
    /// Nobody Shopify knows: no customer, no email.
    Nobody,
}

/// Whether the order was paid with play money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Trial {
    #[default]
    Real,
    Test,
}

impl NewOrder {
    /// With `count` lines.
    pub fn line_items(mut self, count: usize) -> Self {
        self.lines = Some(count);
        self
    }

    /// With `quantity` of each line.
    pub fn quantity(mut self, quantity: u32) -> Self {
        self.quantity = Some(quantity);
        self
    }

    /// In another currency than the shop's: `JPY` has no decimals.
    pub fn currency(mut self, code: &str) -> Self {
        self.currency = Some(code.to_owned());
        self
    }

    /// Without a customer and email.
    pub fn no_customer(mut self) -> Self {
        self.guest = Guest::Nobody;
        self
    }

    /// With this email address.
    pub fn email(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    /// With a note from the buyer.
    pub fn note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }

    /// With one more tag.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_owned());
        self
    }

    /// With these tags.
    pub fn tags<'a>(mut self, tags: impl IntoIterator<Item = &'a str>) -> Self {
        self.tags = tags.into_iter().map(str::to_owned).collect();
        self
    }

    /// With a discount code, for a tenth off.
    pub fn discount_code(mut self, code: &str) -> Self {
        self.discount_code = Some(code.to_owned());
        self
    }

    /// Called this, prefix and suffix included, instead of by the next number.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// With this number; the next order has the next.
    pub fn number(mut self, number: u64) -> Self {
        self.number = Some(number);
        self
    }

    /// Paid or not. `orders/paid` is sent only for `Paid`, which is the default.
    pub fn financial_status(mut self, status: FinancialStatus) -> Self {
        self.financial_status = Some(status);
        self
    }

    /// A test order.
    pub fn test(mut self) -> Self {
        self.test = Trial::Test;
        self
    }

    /// Placed at another time than now, as imported orders are.
    pub fn placed_at(mut self, at: DateTime<Utc>) -> Self {
        self.placed_at = Some(at);
        self
    }

    /// Shipped and billed to this address.
    pub fn address(mut self, address: Address) -> Self {
        self.address = Some(address);
        self
    }
}

/// A fulfilment: of everything that is left, without tracking, unless said otherwise.
#[must_use = "a builder does nothing until it is used"]
#[derive(Debug, Clone, Default)]
pub struct NewFulfillment {
    /// Place in the order's lines, and quantity.
    pub(super) items: Vec<(usize, u32)>,
    pub(super) company: Option<String>,
    pub(super) numbers: Vec<String>,
    pub(super) urls: Vec<String>,
}

impl NewFulfillment {
    /// Only `quantity` of the order's line at `index`; more calls add more lines. More than is left is cut to what is left.
    pub fn item(mut self, index: usize, quantity: u32) -> Self {
        self.items.push((index, quantity));
        self
    }

    /// Carried by this company.
    pub fn company(mut self, company: &str) -> Self {
        self.company = Some(company.to_owned());
        self
    }

    /// With one more tracking number.
    pub fn number(mut self, number: &str) -> Self {
        self.numbers.push(number.to_owned());
        self
    }

    /// With one more tracking URL, for the number in the same place.
    pub fn url(mut self, url: &str) -> Self {
        self.urls.push(url.to_owned());
        self
    }
}

/// A carrier's report.
#[must_use = "a builder does nothing until it is used"]
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub(super) status: ShipmentStatus,
    pub(super) message: Option<String>,
    pub(super) happened_at: Option<DateTime<Utc>>,
    pub(super) estimated_delivery_at: Option<DateTime<Utc>>,
    pub(super) city: Option<String>,
    pub(super) country: Option<String>,
}

impl NewEvent {
    /// That the shipment is at `status`, now.
    pub fn new(status: ShipmentStatus) -> Self {
        Self {
            status,
            message: None,
            happened_at: None,
            estimated_delivery_at: None,
            city: None,
            country: None,
        }
    }

    /// In the carrier's words.
    pub fn message(mut self, message: &str) -> Self {
        self.message = Some(message.to_owned());
        self
    }

    /// Some time ago.
    pub fn happened_at(mut self, at: DateTime<Utc>) -> Self {
        self.happened_at = Some(at);
        self
    }

    /// With an estimate.
    pub fn estimated_delivery_at(mut self, at: DateTime<Utc>) -> Self {
        self.estimated_delivery_at = Some(at);
        self
    }

    /// Somewhere.
    pub fn place(mut self, city: &str, country: &str) -> Self {
        self.city = Some(city.to_owned());
        self.country = Some(country.to_owned());
        self
    }
}
