//! Money as a decimal text in one spelling, whichever mouth told it.

use std::fmt;

use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A decimal amount spelled with exactly the currency's minor digits, unless it is finer than that.
///
/// A payload says `"1000"` or `"100.00"` where GraphQL says `"1000.0"` or `"100.0"`; a bot should not see the difference.
///
/// ```
/// # use shopify_warmer::order::Money;
/// assert_eq!(Money::new("100.0", "GBP").as_str(), "100.00");
/// assert_eq!(Money::new("1000.0", "JPY").as_str(), "1000");
/// assert_eq!(Money::new("0.005", "GBP").as_str(), "0.005");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(
    description = "A decimal amount as a text, with the currency's own number of digits.",
    examples("42.00")
)]
#[serde(transparent)]
pub struct Money(String);

impl Money {
    /// Spells `amount` for `currency` (ISO 4217; two digits where the code is unknown). A text that is no decimal number
    /// is kept as it came: it is Shopify's to say.
    pub fn new(amount: &str, currency: &str) -> Self {
        let amount = amount.trim();
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
        if !is_decimal(whole, fraction) {
            return Self(amount.to_owned());
        }
        let digits = minor_digits(currency);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() && digits == 0 {
            return Self(whole.to_owned());
        }
        Self(format!("{whole}.{fraction:0<digits$}"))
    }

    /// The decimal text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_decimal(whole: &str, fraction: &str) -> bool {
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    !digits.is_empty()
        && digits
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
}

fn minor_digits(currency: &str) -> usize {
    Currency::from_code(currency)
        .and_then(Currency::exponent)
        .map_or(2, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_shopify_become_one() {
        for (rest, graphql, currency) in [
            ("100.00", "100.0", "EUR"),
            ("1000", "1000.0", "JPY"),
            ("-5.50", "-5.5", "USD"),
            ("1.250", "1.25", "KWD"),
        ] {
            assert_eq!(Money::new(rest, currency), Money::new(graphql, currency));
        }
        assert_eq!(Money::new("7", "XYZ?").as_str(), "7.00");
        assert_eq!(Money::new("n/a", "EUR").as_str(), "n/a");
    }
}
