//! Cuts a query into terms, operators and brackets.
//!
//! The trap is here: an unquoted value ends at a colon, so `updated_at:>=2026-11-22T10:00:00Z` is the date of `updated_at` and
//! a term of a field `00` that no order has.

use std::iter::Peekable;
use std::str::Chars;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparator {
    Equal,
    GreaterOrEqual,
    Greater,
    LessOrEqual,
    Less,
}

/// A value, and whether quotes held it together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) quoted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Term {
        /// `None` searches the default text.
        field: Option<String>,
        comparator: Comparator,
        value: Text,
    },
    And,
    Or,
    Not,
    Open,
    Close,
}

pub(super) fn tokens(query: &str) -> Vec<Token> {
    let mut chars = query.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(&next) = chars.peek() {
        match next {
            '(' => single(&mut chars, &mut tokens, Token::Open),
            ')' => single(&mut chars, &mut tokens, Token::Close),
            '-' => single(&mut chars, &mut tokens, Token::Not),
            _ if next.is_whitespace() || next == ':' => {
                chars.next();
            }
            _ => tokens.push(term(&mut chars)),
        }
    }
    tokens
}

fn single(chars: &mut Peekable<Chars<'_>>, tokens: &mut Vec<Token>, token: Token) {
    chars.next();
    tokens.push(token);
}

fn term(chars: &mut Peekable<Chars<'_>>) -> Token {
    let first = text(chars);
    if !first.quoted && chars.next_if_eq(&':').is_some() {
        let comparator = comparator(chars);
        let value = text(chars);
        return Token::Term {
            field: Some(first.text),
            comparator,
            value,
        };
    }
    match (first.quoted, first.text.as_str()) {
        (false, "AND") => Token::And,
        (false, "OR") => Token::Or,
        (false, "NOT") => Token::Not,
        _ => Token::Term {
            field: None,
            comparator: Comparator::Equal,
            value: first,
        },
    }
}

fn comparator(chars: &mut Peekable<Chars<'_>>) -> Comparator {
    let (plain, or_equal) = match chars.peek() {
        Some('>') => (Comparator::Greater, Comparator::GreaterOrEqual),
        Some('<') => (Comparator::Less, Comparator::LessOrEqual),
        _ => return Comparator::Equal,
    };
    chars.next();
    if chars.next_if_eq(&'=').is_some() {
        or_equal
    } else {
        plain
    }
}

/// A quoted text up to its closing quote, a backslash taking the next character as it is; or a word.
fn text(chars: &mut Peekable<Chars<'_>>) -> Text {
    let mut text = String::new();
    let Some(quote) = chars.next_if(|c| matches!(c, '\'' | '"')) else {
        while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !matches!(c, ':' | '(' | ')')) {
            text.push(c);
        }
        return Text {
            text,
            quoted: false,
        };
    };
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            _ if c == quote => break,
            _ => text.push(c),
        }
    }
    Text { text, quoted: true }
}
