//! Whether whoever asks knows something that the order's customer knows.

use thiserror::Error;

use super::Order;

/// Longest e-mail address that can exist (RFC 5321).
const LONGEST_EMAIL: usize = 254;
/// Longest postal code; the longest real one has ten letters.
const LONGEST_ZIP: usize = 16;

/// What a caller says of the customer, to be held against the order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contact {
    email: Option<String>,
    zip: Option<String>,
}

/// A contact that cannot be any order's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadContact {
    /// No e-mail address.
    #[error(
        "email is no e-mail address: send the one the order was placed with, as in email=customer@example.com"
    )]
    Email,
    /// No postal code.
    #[error("zip is no postal code: send the one of the shipping address, as in zip=SW1A%201AA")]
    Zip,
}

impl Contact {
    /// Reads what was typed; empty texts count as not sent.
    pub fn parse(email: Option<&str>, zip: Option<&str>) -> Result<Self, BadContact> {
        let sent = |text: Option<&str>| {
            let text = text.map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let email = sent(email).map(|email| email.to_lowercase());
        if email.as_deref().is_some_and(|email| !is_address(email)) {
            return Err(BadContact::Email);
        }
        let zip = sent(zip);
        if zip.as_ref().is_some_and(|zip| zip.len() > LONGEST_ZIP) {
            return Err(BadContact::Zip);
        }
        let zip = zip.map(|zip| plain_zip(&zip));
        if zip.as_deref() == Some("") {
            return Err(BadContact::Zip);
        }
        Ok(Self { email, zip })
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.email.is_none() && self.zip.is_none()
    }

    /// Whether one of them is the order's own. An order without e-mail and address matches nobody.
    pub fn matches(&self, order: &Order) -> bool {
        let Some(head) = &order.head else {
            return false;
        };
        let email = head.value.email.as_deref();
        let own_email = email.map(|email| email.trim().to_lowercase());
        let address = head.value.shipping_address.as_ref();
        let own_zip = address
            .and_then(|address| address.zip.as_deref())
            .map(plain_zip)
            .filter(|zip| !zip.is_empty());
        (self.email.is_some() && self.email == own_email)
            || (self.zip.is_some() && self.zip == own_zip)
    }
}

/// Shows no part of it: it is a customer's.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").finish_non_exhaustive()
    }
}

fn is_address(email: &str) -> bool {
    let parts = email.rsplit_once('@');
    let has_parts = parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    has_parts && email.len() <= LONGEST_EMAIL && !email.contains(char::is_whitespace)
}

/// Without case, blanks and hyphens: `sw1a 1aa`, `SW1A1AA`.
fn plain_zip(zip: &str) -> String {
    zip.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{Address, answer::tests::order};

    fn known() -> Order {
        let mut order = order();
        let head = &mut order.head.as_mut().unwrap().value;
        head.email = Some("Alex.Smith@Example.com ".to_owned());
        head.shipping_address = Some(Address {
            zip: Some("SW1A 1AA".to_owned()),
            ..Address::default()
        });
        order
    }

    fn matches(email: Option<&str>, zip: Option<&str>, order: &Order) -> bool {
        Contact::parse(email, zip).unwrap().matches(order)
    }

    #[test]
    fn one_of_them_is_enough_however_it_is_typed() {
        let order = known();
        assert!(matches(Some(" alex.smith@EXAMPLE.com"), None, &order));
        assert!(matches(None, Some("sw1a1aa"), &order));
        assert!(matches(None, Some("SW1A-1AA"), &order));
        assert!(matches(
            Some("alex.smith@example.com"),
            Some("99999"),
            &order
        ));
    }

    #[test]
    fn nothing_less_will_do() {
        let order = known();
        assert!(!matches(None, None, &order));
        assert!(!matches(Some(""), Some(" "), &order));
        assert!(!matches(Some("alex.smith@example.co"), None, &order));
        assert!(!matches(None, Some("SW1A"), &order));
        let mut bare = order;
        let head = &mut bare.head.as_mut().unwrap().value;
        (head.email, head.shipping_address) = (None, Some(Address::default()));
        assert!(!matches(Some("a@b"), None, &bare));
        assert!(!matches(None, Some("1"), &bare));
    }

    #[test]
    fn what_can_be_nobodys_is_refused_and_nothing_is_shown() {
        for email in ["alex", "@example.com", "a b@example.com", "alex@"] {
            assert_eq!(Contact::parse(Some(email), None), Err(BadContact::Email));
        }
        for zip in ["--", "12345678901234567"] {
            assert_eq!(Contact::parse(None, Some(zip)), Err(BadContact::Zip));
        }
        let contact = Contact::parse(Some("planted@example.com"), Some("PLANTED")).unwrap();
        assert!(!format!("{contact:?}").to_lowercase().contains("planted"));
    }
}
