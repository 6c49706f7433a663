//! The three compliance topics. They are the most destructive ones, and all three name the shop in the signed body.
//!
//! `shop_domain` stays text, because Shopify's own sample says `{shop}.myshopify.com`;
//! [`Delivery::event`](crate::Delivery::event) refuses one that is not the shop of the header.

use std::fmt;

use serde::Deserialize;

use super::or_empty;

/// `customers/data_request`: a customer wants to see what is held about them.
///
/// ```
/// use shopify_webhooks::payload::CustomersDataRequest;
///
/// let request: CustomersDataRequest = serde_json::from_str(r#"{"shop_id":954889,"shop_domain":"example.myshopify.com",
///     "customer":{"id":191167,"email":"john@example.com","phone":null},"orders_requested":[299938],"data_request":{"id":9999}}"#)?;
/// assert_eq!(request.orders_requested, [299_938]);
/// assert!(!format!("{request:?}").contains("john"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CustomersDataRequest {
    /// The shop's id.
    pub shop_id: u64,
    /// The shop's permanent domain.
    pub shop_domain: String,
    /// The customer.
    pub customer: Option<DataSubject>,
    /// Their orders.
    #[serde(deserialize_with = "or_empty")]
    pub orders_requested: Vec<u64>,
    /// The request.
    pub data_request: Option<DataRequest>,
}

/// The number of a data request.
///
/// ```
/// use shopify_webhooks::payload::DataRequest;
///
/// assert_eq!(serde_json::from_str::<DataRequest>(r#"{"id":9999}"#)?.id, 9999);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DataRequest {
    /// Its id.
    pub id: u64,
}

/// `customers/redact`: a customer's data must be erased.
///
/// ```
/// use shopify_webhooks::payload::CustomersRedact;
///
/// let redact: CustomersRedact = serde_json::from_str(r#"{"shop_id":954889,"shop_domain":"example.myshopify.com",
///     "customer":{"id":191167,"email":"john@example.com","phone":null},"orders_to_redact":[299938,280263]}"#)?;
/// assert_eq!(redact.orders_to_redact, [299_938, 280_263]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CustomersRedact {
    /// The shop's id.
    pub shop_id: u64,
    /// The shop's permanent domain.
    pub shop_domain: String,
    /// The customer.
    pub customer: Option<DataSubject>,
    /// Their orders.
    #[serde(deserialize_with = "or_empty")]
    pub orders_to_redact: Vec<u64>,
}

/// Whose data it is. `Debug` shows the id only.
///
/// ```
/// use shopify_webhooks::payload::DataSubject;
///
/// let subject: DataSubject = serde_json::from_str(r#"{"id":191167,"email":"john@example.com","phone":"555-625-1199"}"#)?;
/// assert_eq!(format!("{subject:?}"), "DataSubject { id: Some(191167), .. }");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DataSubject {
    /// The customer's id.
    pub id: Option<u64>,
    /// Email.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
}

impl fmt::Debug for DataSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSubject")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// `shop/redact`: a shop's data must be erased.
///
/// ```
/// use shopify_webhooks::payload::ShopRedact;
///
/// let redact: ShopRedact = serde_json::from_str(r#"{"shop_id":954889,"shop_domain":"example.myshopify.com"}"#)?;
/// assert_eq!(redact.shop_domain, "example.myshopify.com");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ShopRedact {
    /// The shop's id.
    pub shop_id: u64,
    /// The shop's permanent domain.
    pub shop_domain: String,
}
