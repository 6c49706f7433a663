//! Amounts, as the decimal text that Shopify wrote.

use serde::Deserialize;

/// An amount in one currency.
///
/// ```
/// use shopify_webhooks::payload::Money;
///
/// let money: Money = serde_json::from_str(r#"{"amount":"10.00","currency_code":"GBP"}"#)?;
/// assert_eq!((money.amount.as_str(), money.currency_code.as_str()), ("10.00", "GBP"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Money {
    /// The decimal text.
    pub amount: String,
    /// ISO 4217.
    pub currency_code: String,
}

/// The same amount as the shop keeps it and as the customer saw it.
///
/// ```
/// use shopify_webhooks::payload::MoneySet;
///
/// let set: MoneySet = serde_json::from_str(
///     r#"{"shop_money":{"amount":"10.00","currency_code":"USD"},
///         "presentment_money":{"amount":"8.00","currency_code":"GBP"}}"#,
/// )?;
/// assert_eq!(set.presentment_money.map(|money| money.amount), Some("8.00".to_owned()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct MoneySet {
    /// In the shop's currency.
    pub shop_money: Option<Money>,
    /// In the currency the customer paid in.
    pub presentment_money: Option<Money>,
}

/// A discount code that the customer entered.
///
/// ```
/// use shopify_webhooks::payload::DiscountCode;
///
/// let code: DiscountCode = serde_json::from_str(r#"{"code":"TEN","amount":"10.0","type":"percentage"}"#)?;
/// assert_eq!(code.kind.as_deref(), Some("percentage"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DiscountCode {
    /// The code.
    #[serde(default, deserialize_with = "super::or_empty")]
    pub code: String,
    /// What it took off, or the percentage: see `kind`.
    pub amount: Option<String>,
    /// `fixed_amount`, `percentage` or `shipping`; `type` in the body.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}
