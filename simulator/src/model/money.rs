//! Money in minor units, in the two spellings Shopify has.

use std::sync::Arc;

/// A currency and how many digits follow its point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Currency {
    code: Arc<str>,
    digits: usize,
}

impl Currency {
    pub(crate) fn new(code: &str) -> Self {
        let digits = match code {
            "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "PYG" | "UGX" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
            _ => 2,
        };
        Self {
            code: Arc::from(code),
            digits,
        }
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// One whole unit, in minor units.
    pub(crate) fn unit(&self) -> i64 {
        std::iter::repeat_n(10, self.digits).product()
    }

    /// As REST and webhooks write it: every digit the currency has, so "100.00" and "1000".
    pub(crate) fn rest(&self, minor: i64) -> String {
        let (sign, whole, rest) = self.parts(minor);
        if self.digits == 0 {
            return format!("{sign}{whole}");
        }
        format!("{sign}{whole}.{rest:0width$}", width = self.digits)
    }

    /// As GraphQL's Decimal: no trailing zeros but always one digit, so "100.0", "1000.0", "99.95".
    pub(crate) fn graphql(&self, minor: i64) -> String {
        let (sign, whole, rest) = self.parts(minor);
        let digits = format!("{rest:0width$}", width = self.digits);
        let digits = digits.trim_end_matches('0');
        format!(
            "{sign}{whole}.{}",
            if digits.is_empty() { "0" } else { digits }
        )
    }

    fn parts(&self, minor: i64) -> (&'static str, u64, u64) {
        let unit = self.unit().unsigned_abs();
        let amount = minor.unsigned_abs();
        let sign = if minor < 0 { "-" } else { "" };
        (sign, amount / unit, amount % unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mouth_spells_money_its_own_way() {
        let cases = [
            ("GBP", 10_000, "100.00", "100.0"),
            ("GBP", 9_995, "99.95", "99.95"),
            ("GBP", 5, "0.05", "0.05"),
            ("GBP", -250, "-2.50", "-2.5"),
            ("JPY", 1_000, "1000", "1000.0"),
            ("KWD", 1_250, "1.250", "1.25"),
        ];
        for (code, minor, rest, graphql) in cases {
            let currency = Currency::new(code);
            assert_eq!(currency.rest(minor), rest);
            assert_eq!(currency.graphql(minor), graphql);
        }
    }
}
