//! Order numbers as people type them and as Shopify names them, in one spelling.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// No shop's numbers come near this; a longer text is an attack or a mistake.
const LONGEST: usize = 64;

/// An order number in the one spelling used for keys and comparison: upper case, without `#` and white space.
///
/// ```
/// # use shopify_warmer::order::OrderNumber;
/// let typed: OrderNumber = OrderNumber::parse(" #uk 22080 ").unwrap();
/// assert_eq!(typed.as_str(), "UK22080");
/// assert_eq!(typed, OrderNumber::parse("ＵＫ２２０８０").unwrap()); // full-width, as Chinese keyboards type it
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderNumber(String);

/// Why a text cannot be an order number.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum BadOrderNumber {
    /// Nothing but white space and `#`.
    #[error("the order number is empty: send one such as UK22080")]
    Empty,
    /// Longer than any shop's numbers.
    #[error("the order number is longer than {LONGEST} characters: send one such as UK22080")]
    TooLong,
    /// A character that no order number holds (and that a search could take for an operator).
    #[error("an order number holds only letters, digits and - _ . /: send one such as UK22080")]
    ForbiddenCharacter,
}

impl OrderNumber {
    /// Normalises what a person typed, or what Shopify says in `name`.
    pub fn parse(text: &str) -> Result<Self, BadOrderNumber> {
        if text.chars().nth(LONGEST * 2).is_some() {
            return Err(BadOrderNumber::TooLong);
        }
        let number: String = text
            .chars()
            .map(half_width)
            .filter(|c| !c.is_whitespace() && *c != '#')
            .flat_map(char::to_uppercase)
            .collect();
        if number.is_empty() {
            return Err(BadOrderNumber::Empty);
        }
        if number.chars().count() > LONGEST {
            return Err(BadOrderNumber::TooLong);
        }
        if !number.chars().all(belongs_in_a_number) {
            return Err(BadOrderNumber::ForbiddenCharacter);
        }
        Ok(Self(number))
    }

    /// The number as it stands in keys: `UK22080`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a shop forms its numbers (`orderNumberFormatPrefix`, `orderNumberFormatSuffix`), in the spelling of [`OrderNumber`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberFormat {
    prefix: String,
    suffix: String,
}

impl NumberFormat {
    /// From the shop's settings, where the prefix usually reads `#UK` or just `#`.
    pub fn new(prefix: &str, suffix: &str) -> Self {
        let spelled = |text: &str| {
            OrderNumber::parse(text).map_or_else(|_empty| String::new(), |number| number.0)
        };
        Self {
            prefix: spelled(prefix),
            suffix: spelled(suffix),
        }
    }

    /// The full number for what was asked: digits get the shop's prefix and suffix where they lack them, all else stays as it is.
    pub fn complete(&self, asked: &OrderNumber) -> OrderNumber {
        self.digits(asked).map_or_else(
            || asked.clone(),
            |digits| OrderNumber(format!("{}{digits}{}", self.prefix, self.suffix)),
        )
    }

    /// Whether a number is of this shop by its look: it has the prefix before digits. The suffix may be missing, as people leave it out.
    ///
    /// A shop without a prefix claims nothing, since every shop's bare digits would look like its own.
    pub fn claims(&self, number: &OrderNumber) -> bool {
        !self.prefix.is_empty()
            && number.0.starts_with(&self.prefix)
            && self.digits(number).is_some()
    }

    /// The digits of a number of this shop, with or without what stands around them.
    fn digits<'a>(&self, number: &'a OrderNumber) -> Option<&'a str> {
        let rest = number.0.strip_prefix(&self.prefix).unwrap_or(&number.0);
        let digits = rest.strip_suffix(&self.suffix).unwrap_or(rest);
        let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then_some(digits)
    }

    /// The prefix, without `#`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The suffix.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }
}

/// Full-width forms (U+FF01 to U+FF5E) stand at a fixed distance from ASCII.
fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => u32::from(c)
            .checked_sub(0xFEE0)
            .and_then(char::from_u32)
            .unwrap_or(c),
        other => other,
    }
}

fn belongs_in_a_number(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '_' | '.' | '/')
        || (!c.is_ascii() && c.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_operators_never_pass() {
        for text in [
            "UK1 OR status:any",
            "UK\"1",
            "UK'1",
            "name:UK1",
            "(UK1)",
            "UK*",
            "UK1\\",
            "UK<1",
            "٢٢٠٨٠",
        ] {
            assert_eq!(
                OrderNumber::parse(text),
                Err(BadOrderNumber::ForbiddenCharacter),
                "{text:?}"
            );
        }
        assert_eq!(OrderNumber::parse("# \u{3000}"), Err(BadOrderNumber::Empty));
        assert_eq!(
            OrderNumber::parse(&"9".repeat(10_000)),
            Err(BadOrderNumber::TooLong)
        );
        assert_eq!(
            OrderNumber::parse(&"9".repeat(65)),
            Err(BadOrderNumber::TooLong)
        );
    }

    #[test]
    fn bare_digits_are_completed_and_prefixes_claimed() {
        let uk = NumberFormat::new("#UK", "");
        let asked = OrderNumber::parse("22080").unwrap();
        assert_eq!(uk.complete(&asked).as_str(), "UK22080");
        assert!(uk.claims(&OrderNumber::parse("uk22080").unwrap()));
        assert!(!uk.claims(&OrderNumber::parse("UKX22080").unwrap()));
        assert!(!uk.claims(&asked));
        assert!(!NumberFormat::new("#", "").claims(&asked));
        assert_eq!(
            NumberFormat::new("#", "-B").complete(&asked).as_str(),
            "22080-B"
        );
        let both = NumberFormat::new("#UK", "-B");
        for typed in ["22080", "UK22080", "22080-b", "uk22080-B"] {
            let typed = OrderNumber::parse(typed).unwrap();
            assert_eq!(both.complete(&typed).as_str(), "UK22080-B", "{typed}");
            assert_eq!(
                both.claims(&typed),
                typed.as_str().starts_with("UK"),
                "{typed}"
            );
        }
        let other = OrderNumber::parse("UK22080-C").unwrap();
        assert_eq!(both.complete(&other), other);
        assert!(!both.claims(&other));
    }
}
