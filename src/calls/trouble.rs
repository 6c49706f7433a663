//! What went wrong with a site's last call, as it is told to whoever looks.

use crate::shopify::AdminError;

/// What went wrong. Holds no personal data and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The class of the error.
    pub class: &'static str,
    /// What it says.
    pub text: String,
    /// What a person is to do, where it takes a person.
    pub advice: Option<&'static str>,
    /// What it is about.
    pub about: About,
}

/// What a trouble is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The access token: nothing goes until that is mended.
    Token,
    /// The call itself, or Shopify.
    Call,
}

impl Trouble {
    pub(super) fn of(error: &AdminError) -> Self {
        Self {
            class: error.class(),
            text: error.to_string(),
            advice: error.advice(),
            about: if error.refuses_the_token() {
                About::Token
            } else {
                About::Call
            },
        }
    }
}
