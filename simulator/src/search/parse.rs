//! From tokens to a filter: `OR` binds loosest, then `AND` or nothing at all, then `NOT` and `-`.

use chrono::FixedOffset;
use serde_json::{Value, json};

use super::filter::{Bounds, Filter, Status};
use super::lexer::{Comparator, Text, Token, tokens};
use super::{Search, SortKey, Warning, time, words};
use crate::model::order::ShippingState;
use crate::model::{FinancialStatus, parse_gid};

/// Fields of Shopify's search that mean nothing here.
const UNSUPPORTED: &[&str] = &[
    "cart_token",
    "channel",
    "channel_id",
    "chargeback_status",
    "checkout_token",
    "credit_card_last4",
    "current_total_price",
    "delivery_method",
    "discount_code",
    "earliest_fulfill_by",
    "fraud_protection_level",
    "fulfillment_location_id",
    "gateway",
    "location_id",
    "metafields",
    "payment_id",
    "payment_provider_id",
    "po_number",
    "reference_location_id",
    "return_status",
    "risk_level",
    "sales_channel",
    "shipping_address",
    "source_identifier",
    "subtotal_line_items_quantity",
    "total_weight",
    "user_id",
    "metafield",
];

/// Reads a query as Shopify does: nothing is an error, what it does not know it ignores with a warning.
pub(crate) fn parse(query: &str, zone: FixedOffset) -> Search {
    let mut reader = Reader {
        tokens: tokens(query).into_iter().peekable(),
        zone,
        warnings: Vec::new(),
        unsupported: Vec::new(),
        parsed: Vec::new(),
    };
    let mut parts = Vec::new();
    while reader.tokens.peek().is_some() {
        parts.extend(reader.any());
        // A bracket that closes nothing.
        reader.tokens.next_if_eq(&Token::Close);
    }
    let parsed = match reader.parsed.as_slice() {
        [one] => one.clone(),
        many => json!({ "and": many }),
    };
    Search {
        filter: Filter::All(parts),
        parsed,
        warnings: reader.warnings,
        unsupported: reader.unsupported,
    }
}

struct Reader {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    zone: FixedOffset,
    warnings: Vec<Warning>,
    unsupported: Vec<String>,
    parsed: Vec<Value>,
}

impl Reader {
    fn any(&mut self) -> Option<Filter> {
        let mut parts: Vec<Filter> = self.all().into_iter().collect();
        while self.tokens.next_if_eq(&Token::Or).is_some() {
            parts.extend(self.all());
        }
        gather(parts, Filter::Any)
    }

    fn all(&mut self) -> Option<Filter> {
        let mut parts = Vec::new();
        while let Some(token) = self.tokens.peek() {
            match token {
                Token::Or | Token::Close => break,
                Token::And => {
                    self.tokens.next();
                }
                Token::Not | Token::Open | Token::Term { .. } => parts.extend(self.one()),
            }
        }
        gather(parts, Filter::All)
    }

    fn one(&mut self) -> Option<Filter> {
        match self.tokens.next()? {
            Token::Not => Some(Filter::Not(Box::new(self.one()?))),
            Token::Open => {
                let inside = self.any();
                self.tokens.next_if_eq(&Token::Close);
                inside
            }
            Token::Term {
                field,
                comparator,
                value,
            } => self.term(field.as_deref(), comparator, &value),
            Token::And | Token::Or | Token::Close => None,
        }
    }

    fn term(
        &mut self,
        field: Option<&str>,
        comparator: Comparator,
        value: &Text,
    ) -> Option<Filter> {
        let shown = field.unwrap_or("default");
        self.parsed
            .push(json!({ "field": shown, "match_all": value.text }));
        let Some(field) = field else {
            return Some(Filter::Text(words(&value.text).collect()));
        };
        match field {
            "created_at" => self.time(SortKey::CreatedAt, comparator, value),
            "updated_at" => self.time(SortKey::UpdatedAt, comparator, value),
            "processed_at" => self.time(SortKey::ProcessedAt, comparator, value),
            _ if UNSUPPORTED.contains(&field) => {
                self.unsupported.push(field.to_owned());
                None
            }
            _ => {
                let filter = by_value(field, comparator, &value.text);
                if filter.is_none() {
                    let message = "Invalid search field for this query.";
                    self.warn(field, message, "invalid_field");
                }
                filter
            }
        }
    }

    fn time(&mut self, key: SortKey, comparator: Comparator, value: &Text) -> Option<Filter> {
        let Some(when) = time::read(value, self.zone) else {
            let field = match key {
                SortKey::CreatedAt => "created_at",
                SortKey::ProcessedAt => "processed_at",
                SortKey::UpdatedAt | SortKey::Id | SortKey::Number => "updated_at",
            };
            self.warn(
                field,
                "Input could not be read as a timestamp.",
                "invalid_value",
            );
            return None;
        };
        Some(Filter::Time(key, Bounds::of_times(comparator, when)))
    }

    fn warn(&mut self, field: &str, message: &'static str, code: &'static str) {
        let field = field.to_owned();
        self.warnings.push(Warning {
            field,
            message,
            code,
        });
    }
}

/// The filter of a field that is no time; `None` for a field that Shopify does not know. A value that no order can have
/// finds nothing.
fn by_value(field: &str, comparator: Comparator, value: &str) -> Option<Filter> {
    let number = || {
        let bare = parse_gid(value).map(|(_, id)| id);
        bare.or_else(|| value.parse().ok())
    };
    let filter = match field {
        "id" => number()
            .and_then(|id| i64::try_from(id).ok())
            .map(|id| Filter::Id(Bounds::of(comparator, id))),
        "name" | "order_number" => Some(Filter::Name(words(value).collect())),
        "email" => Some(Filter::Email(value.to_owned())),
        "status" => status(value),
        "financial_status" => FinancialStatus::parse(value).map(Filter::Financial),
        "fulfillment_status" => Some(Filter::Shipping(shipping(value))),
        "tag" => Some(Filter::Tag(value.to_owned())),
        "tag_not" => Some(Filter::Not(Box::new(Filter::Tag(value.to_owned())))),
        "test" => value.parse().ok().map(Filter::Test),
        "customer_id" => number().map(Filter::Customer),
        "confirmation_number" => Some(Filter::Confirmation(value.to_owned())),
        "sku" => Some(Filter::Sku(value.to_owned())),
        "source_name" => Some(Filter::Source(value.to_owned())),
        _ => return None,
    };
    Some(filter.unwrap_or(Filter::Nothing))
}

fn status(value: &str) -> Option<Filter> {
    let status = match value {
        "open" => Status::Open,
        "closed" => Status::Closed,
        "cancelled" => Status::Cancelled,
        "not_closed" => Status::NotClosed,
        _ => return None,
    };
    Some(Filter::Status(status))
}

fn shipping(value: &str) -> Vec<ShippingState> {
    match value {
        "unshipped" => vec![ShippingState::None],
        "unfulfilled" => vec![ShippingState::None, ShippingState::Partial],
        "partial" => vec![ShippingState::Partial],
        "shipped" | "fulfilled" => vec![ShippingState::All],
        _ => Vec::new(),
    }
}

fn gather(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Option<Filter> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(many(parts)),
    }
}
