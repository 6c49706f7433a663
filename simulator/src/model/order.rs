//! An order and what is computed from it.

use chrono::{DateTime, Utc};

use super::fulfillment::Fulfillment;
use super::money::Currency;
use super::people::{Address, Customer};
use super::status::{CancelReason, FinancialStatus};

/// One order. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) test: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) processed_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) cancelled_at: Option<DateTime<Utc>>,
    pub(crate) cancel_reason: Option<CancelReason>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) financial_status: FinancialStatus,
    pub(crate) currency: Currency,
    pub(crate) discount_codes: Vec<DiscountCode>,
    pub(crate) customer: Option<Customer>,
    pub(crate) shipping_address: Option<Address>,
    pub(crate) billing_address: Option<Address>,
    pub(crate) shipping_price: i64,
    pub(crate) lines: Vec<LineItem>,
    pub(crate) fulfillments: Vec<Fulfillment>,
    pub(crate) refunds: Vec<Refund>,
    /// What `displayFulfillmentStatus` says instead of nothing shipped: `ON_HOLD`, `SCHEDULED` …
    pub(crate) waiting: Option<String>,
    /// `returnStatus`, where there is a return.
    pub(crate) return_status: Option<String>,
}

/// A code that took something off the price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiscountCode {
    pub(crate) code: String,
    pub(crate) amount: i64,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineItem {
    pub(crate) id: u64,
    pub(crate) product_id: u64,
    pub(crate) variant_id: u64,
    pub(crate) title: String,
    pub(crate) variant_title: Option<String>,
    pub(crate) sku: Option<String>,
    pub(crate) vendor: Option<String>,
    pub(crate) quantity: u32,
    /// What is left after edits and refunds.
    pub(crate) current_quantity: u32,
    pub(crate) price: i64,
    pub(crate) grams: u32,
    pub(crate) requires_shipping: bool,
}

/// Money back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refund {
    pub(crate) id: u64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) note: Option<String>,
    pub(crate) amount: i64,
    pub(crate) lines: Vec<RefundLine>,
}

/// A line that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefundLine {
    pub(crate) id: u64,
    pub(crate) line_item: u64,
    pub(crate) quantity: u32,
}

impl Order {
    pub(crate) fn line(&self, id: u64) -> Option<&LineItem> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// The lines at their prices, before discounts.
    pub(crate) fn line_items_price(&self) -> i64 {
        let amounts = self.lines.iter();
        amounts
            .map(|line| line.price * i64::from(line.quantity))
            .sum()
    }

    /// How many things the subtotal is made of, gift cards not counted.
    pub(crate) fn subtotal_quantity(&self) -> u32 {
        let lines = self.lines.iter().filter(|line| line.requires_shipping);
        lines.map(|line| line.quantity).sum()
    }

    /// The same for what is still in the order.
    fn current_line_items_price(&self) -> i64 {
        let amounts = self.lines.iter();
        amounts
            .map(|line| line.price * i64::from(line.current_quantity))
            .sum()
    }

    pub(crate) fn discounts(&self) -> i64 {
        let total: i64 = self.discount_codes.iter().map(|code| code.amount).sum();
        total.min(self.line_items_price())
    }

    pub(crate) fn subtotal(&self) -> i64 {
        self.line_items_price() - self.discounts()
    }

    pub(crate) fn current_subtotal(&self) -> i64 {
        (self.current_line_items_price() - self.discounts()).max(0)
    }

    /// Prices include a tax of 20 per cent, as in a British shop.
    pub(crate) fn tax(&self) -> i64 {
        self.subtotal() / 6
    }

    pub(crate) fn current_tax(&self) -> i64 {
        self.current_subtotal() / 6
    }

    pub(crate) fn total(&self) -> i64 {
        self.subtotal() + self.shipping_price
    }

    pub(crate) fn current_total(&self) -> i64 {
        if self.cancelled_at.is_some() {
            return 0;
        }
        self.current_subtotal() + self.shipping_price
    }

    pub(crate) fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    /// What the customer still owes.
    pub(crate) fn outstanding(&self) -> i64 {
        match self.financial_status {
            FinancialStatus::Pending | FinancialStatus::Authorized => self.current_total(),
            FinancialStatus::Paid
            | FinancialStatus::PartiallyRefunded
            | FinancialStatus::Refunded
            | FinancialStatus::Voided => 0,
        }
    }

    /// The number on the thank-you page: letters and digits that stand for the id.
    pub(crate) fn confirmation_number(&self) -> String {
        let alphabet: Vec<char> = ('A'..='Z').chain('0'..='9').collect();
        let mut rest = self.id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut number = String::with_capacity(9);
        for _ in 0..9 {
            let place = usize::try_from(rest % 36).unwrap_or_default();
            number.extend(alphabet.get(place));
            rest /= 36;
        }
        number
    }

    pub(crate) fn token(&self) -> String {
        format!(
            "{:032x}",
            u128::from(self.id).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C)
        )
    }

    pub(crate) fn status_url(&self, domain: &str) -> String {
        let token = self.token();
        format!("https://{domain}/548380009/orders/{token}/authenticate?key=simulated")
    }

    /// How many of a line are in fulfilments that stand.
    pub(crate) fn fulfilled_quantity(&self, line_item: u64) -> u32 {
        let standing = self.fulfillments.iter().filter(|f| f.stands());
        let lines = standing.flat_map(|fulfillment| &fulfillment.lines);
        lines
            .filter(|line| line.line_item == line_item)
            .map(|line| line.quantity)
            .sum()
    }

    pub(crate) fn unfulfilled_quantity(&self, line: &LineItem) -> u32 {
        line.current_quantity
            .saturating_sub(self.fulfilled_quantity(line.id))
    }

    pub(crate) fn shipping_state(&self) -> ShippingState {
        let fulfilled: u32 = self
            .fulfillments
            .iter()
            .filter(|fulfillment| fulfillment.stands())
            .map(Fulfillment::total_quantity)
            .sum();
        if fulfilled == 0 {
            return ShippingState::None;
        }
        let open = |line: &LineItem| self.unfulfilled_quantity(line) > 0;
        if self.lines.iter().any(open) {
            ShippingState::Partial
        } else {
            ShippingState::All
        }
    }
}

/// How much of an order is in fulfilments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShippingState {
    None,
    Partial,
    All,
}

impl ShippingState {
    pub(crate) fn rest(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Partial => Some("partial"),
            Self::All => Some("fulfilled"),
        }
    }

    pub(crate) fn graphql(self) -> &'static str {
        match self {
            Self::None => "UNFULFILLED",
            Self::Partial => "PARTIALLY_FULFILLED",
            Self::All => "FULFILLED",
        }
    }
}
