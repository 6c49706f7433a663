//! Who ordered, and where to.

use std::fmt;

use serde::Deserialize;

/// A shipping or billing address. All of it is personal data, so `Debug` shows none of it.
///
/// ```
/// use shopify_webhooks::payload::Address;
///
/// let address: Address = serde_json::from_str(r#"{"city":"Leeds","zip":"LS1 4DY","country_code":"GB","company":null}"#)?;
/// assert_eq!(address.city.as_deref(), Some("Leeds"));
/// assert_eq!(format!("{address:?}"), "Address { .. }");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Address {
    /// First and last name.
    pub name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Street and number.
    pub address1: Option<String>,
    /// Flat, floor and the like.
    pub address2: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State, county or province.
    pub province: Option<String>,
    /// Its code.
    pub province_code: Option<String>,
    /// Postcode.
    pub zip: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country_code: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

/// The customer of an order. `Debug` shows the id only.
///
/// ```
/// use shopify_webhooks::payload::Customer;
///
/// let customer: Customer = serde_json::from_str(r#"{"id":7,"email":"jane@example.com"}"#)?;
/// assert_eq!(customer.email.as_deref(), Some("jane@example.com"));
/// assert_eq!(format!("{customer:?}"), "Customer { id: 7, .. }");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Customer {
    /// The customer's id.
    pub id: u64,
    /// Email.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
