//! Money in both currencies, which are one here.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};

use super::Resolved;
use crate::model::Currency;

/// `MoneyBag`.
#[derive(Clone, Copy)]
pub(super) struct Bag<'a> {
    pub(super) currency: &'a Currency,
    pub(super) amount: i64,
}

/// `MoneyV2`.
struct Money<'a>(Bag<'a>);

impl ObjectValue for Bag<'_> {
    fn type_name(&self) -> &'static str {
        "MoneyBag"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "shopMoney" | "presentmentMoney" => Ok(ResolvedValue::object(Money(*self))),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

impl ObjectValue for Money<'_> {
    fn type_name(&self) -> &'static str {
        "MoneyV2"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        match info.field_name() {
            "amount" => Ok(ResolvedValue::leaf(self.0.currency.graphql(self.0.amount))),
            "currencyCode" => Ok(ResolvedValue::leaf(self.0.currency.code())),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
