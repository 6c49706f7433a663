//! Whether a lookup's caller showed that it is the order's customer, and what it gets to see if not.

use std::str::FromStr;

use serde::Serialize;

use super::Params;
use crate::{
    http::answer::ApiError,
    order::{Contact, Order},
};

/// What a lookup asks of its caller (`LOOKUP_VERIFY`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Nothing: whoever has the lookup token sees the order.
    #[default]
    Off,
    /// The e-mail address or the postal code of the order; else only its state is told.
    Contact,
}

impl FromStr for Verify {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "off" => Ok(Self::Off),
            "contact" => Ok(Self::Contact),
            _ => Err(()),
        }
    }
}

/// What the caller sent, as far as it is asked for.
#[derive(Debug)]
pub(super) enum Proof {
    NotAsked,
    Asked(Contact),
}

/// What came of it, as a part of the answer.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verdict {
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_zh: Option<&'static str>,
}

impl Proof {
    /// Reads it. What is not asked for is not looked at either.
    pub(super) fn asked(verify: Verify, params: &Params) -> Result<Self, ApiError> {
        match verify {
            Verify::Off => Ok(Self::NotAsked),
            Verify::Contact => Contact::parse(params.email.as_deref(), params.zip.as_deref())
                .map(Self::Asked)
                .map_err(|bad| ApiError::bad_request(bad.to_string())),
        }
    }

    pub(super) fn holds_for(&self, order: &Order) -> Verdict {
        let Self::Asked(contact) = self else {
            return Verdict::default();
        };
        if contact.matches(order) {
            return Verdict {
                verified: Some(true),
                ..Verdict::default()
            };
        }
        let (message, message_zh) = if contact.is_empty() {
            (
                "CONTACT_REQUIRED: ask the customer for the e-mail address or the postal code of the order, and send it as email= or zip=",
                "CONTACT_REQUIRED：请向客户询问下单邮箱或收货地址邮编，并通过 email= 或 zip= 参数提交",
            )
        } else {
            (
                "CONTACT_MISMATCH: that is not the e-mail address or postal code of this order; ask the customer once more",
                "CONTACT_MISMATCH：邮箱或邮编与订单不符，请再次向客户核实",
            )
        };
        Verdict {
            verified: Some(false),
            message: Some(message),
            message_zh: Some(message_zh),
        }
    }
}

impl Verdict {
    /// Whether the whole order may be shown.
    pub(super) fn shows_all(&self) -> bool {
        self.verified != Some(false)
    }
}
