//! What Shopify's states are called to a customer, in Chinese and English.
//!
//! One table over every state of Shopify's schema of 2026-10 (`tests/it/vocabulary.rs` holds it against that schema). Nothing here says
//! "delivered" unless the code is `delivered`, which only a carrier's report sets.

mod table;

use serde::Serialize;

use self::table::TABLE;

/// What a state is said of: the same word can mean different things of different subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The order's shipping: `displayFulfillmentStatus`, and `fulfillment_status` of payloads.
    Shipping,
    /// Its payment: `displayFinancialStatus`.
    Payment,
    /// Its returns: `returnStatus`.
    Return,
    /// A fulfilment by itself: `Fulfillment.status`.
    Fulfillment,
    /// A parcel on its way: `Fulfillment.displayStatus`, `FulfillmentEvent.status`, `shipment_status` of payloads.
    Parcel,
}

/// A state: Shopify's own word, and the same for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// Shopify's word in REST spelling, or one of ours for what it has no word for: `not_shipped`, `shipped`, `removed`.
    pub code: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    /// The words for `code`, said of `subject`. A state we do not know yet is shown as such, with Shopify's spelling.
    pub fn of(subject: Subject, code: &str) -> Self {
        let known = TABLE
            .iter()
            .find(|row| row.subject == subject && row.code == code);
        let (zh, en) = match known {
            Some(row) => (row.zh.to_owned(), row.en.to_owned()),
            None => unknown(code),
        };
        Self {
            code: code.to_owned(),
            zh,
            en,
        }
    }
}

impl Subject {
    /// The codes that have words, Shopify's in REST spelling.
    pub fn codes(self) -> impl Iterator<Item = &'static str> {
        TABLE
            .iter()
            .filter(move |row| row.subject == self)
            .map(|row| row.code)
    }
}

/// A state of the future: `handed_to_drone` → `Handed to drone`, marked as unknown in Chinese, where the word itself tells nothing.
fn unknown(code: &str) -> (String, String) {
    let spelled = code.replace('_', " ");
    let mut letters = spelled.chars();
    let en = letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    });
    (format!("未知状态（{spelled}）"), en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_carriers_delivered_is_delivered() {
        for row in TABLE {
            let says_so = row.zh == "已送达" || row.en == "Delivered";
            let may_say_so = row.subject == Subject::Parcel && row.code == "delivered";
            assert_eq!(says_so, may_say_so, "{row:?}");
        }
        assert_eq!(Words::of(Subject::Shipping, "fulfilled").en, "Shipped");
        assert_eq!(
            Words::of(Subject::Parcel, "marked_as_fulfilled").zh,
            "已发货"
        );
    }

    #[test]
    fn a_state_of_the_future_is_shown_as_such() {
        for subject in [Subject::Parcel, Subject::Payment] {
            let words = Words::of(subject, "handed_to_drone");
            assert_eq!(
                (words.code.as_str(), words.zh.as_str(), words.en.as_str()),
                (
                    "handed_to_drone",
                    "未知状态（handed to drone）",
                    "Handed to drone"
                )
            );
        }
    }

    #[test]
    fn no_state_stands_twice_and_each_has_words() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(!row.zh.is_empty() && !row.en.is_empty(), "{row:?}");
            let again = TABLE
                .iter()
                .skip(at + 1)
                .any(|other| other.subject == row.subject && other.code == row.code);
            assert!(!again, "{row:?}");
        }
    }
}
