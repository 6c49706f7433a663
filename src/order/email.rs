//! An e-mail address in one spelling, so that what a customer types finds what a shop wrote down.

use std::fmt;

use thiserror::Error;

/// RFC 5321's limit of a path, which no mailbox exceeds.
const LONGEST: usize = 254;

/// An e-mail address: trimmed and in lower case. Its `Debug` shows nothing, and it has no `Display`: it belongs in no log, key or error.
///
/// ```
/// # use shopify_warmer::order::Email;
/// let typed = Email::parse("  Jane.Doe@Example.COM ").unwrap();
/// assert_eq!(typed.as_str(), "jane.doe@example.com");
/// assert_eq!(format!("{typed:?}"), "Email(…)");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// Why a text cannot be an e-mail address. Never repeats the text.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
pub enum BadEmail {
    /// Nothing but white space.
    #[error("the e-mail address is empty: send one such as jane@example.com")]
    Empty,
    /// Longer than an address may be.
    #[error("the e-mail address is longer than {LONGEST} bytes: send one such as jane@example.com")]
    TooLong,
    /// No name, `@` and domain, or a character that no address of a shop holds.
    #[error("this is no e-mail address: send one such as jane@example.com, with + written as %2B")]
    Malformed,
}

impl Email {
    /// Normalises what a person typed, or what Shopify says in `email`.
    pub fn parse(text: &str) -> Result<Self, BadEmail> {
        // Lower case can be longer than upper, and an attack longer than either.
        if text.len() > LONGEST * 4 {
            return Err(BadEmail::TooLong);
        }
        let email = text.trim().to_lowercase();
        if email.is_empty() {
            return Err(BadEmail::Empty);
        }
        if email.len() > LONGEST {
            return Err(BadEmail::TooLong);
        }
        let (name, domain) = email.rsplit_once('@').ok_or(BadEmail::Malformed)?;
        let is_whole = !name.is_empty() && !domain.is_empty() && !name.contains('@');
        if !is_whole || email.chars().any(is_forbidden) {
            return Err(BadEmail::Malformed);
        }
        Ok(Self(email))
    }

    /// The address in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// Characters that a search could take for its own syntax, or that no mailbox of a customer has.
fn is_forbidden(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '"' | '\\' | '(' | ')' | '<' | '>' | ',' | ';' | ':' | '[' | ']' | '*'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_spelling() {
        let spelled = |text: &str| Email::parse(text).unwrap().0;
        for text in [
            "Jane@Example.com",
            "\tjane@EXAMPLE.com\n",
            "JANE@example.COM",
        ] {
            assert_eq!(spelled(text), "jane@example.com", "{text:?}");
        }
        assert_eq!(spelled("JÜRGEN@MÜLLER.DE"), "jürgen@müller.de");
        assert_eq!(
            spelled("o'neil+shop@example.co.uk"),
            "o'neil+shop@example.co.uk"
        );
    }

    #[test]
    fn search_operators_and_what_is_no_address_never_pass() {
        for text in [
            "jane",
            "@example.com",
            "jane@",
            "a@b@example.com",
            "jane@example.com OR status:any",
            "\"jane\"@example.com",
            "jane@exam\\ple.com",
            "*@example.com",
            "(jane@example.com)",
            "email:jane@example.com",
            "jane@example.com\u{0}",
        ] {
            assert_eq!(Email::parse(text), Err(BadEmail::Malformed), "{text:?}");
        }
        assert_eq!(Email::parse(" \u{3000}"), Err(BadEmail::Empty));
        let long = format!("{}@example.com", "a".repeat(250));
        assert_eq!(Email::parse(&long), Err(BadEmail::TooLong));
        assert_eq!(Email::parse(&"a".repeat(100_000)), Err(BadEmail::TooLong));
    }
}
