//! Whom an order is for, and where it goes.

/// A customer with an account or at least a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) id: u64,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
}

impl Customer {
    pub(crate) fn display_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// A postal address. Fields that a form left out are `None`; a form that sent nothing typed is an empty string.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Company.
    pub company: Option<String>,
    /// Street and number.
    pub address1: String,
    /// Flat, floor.
    pub address2: Option<String>,
    /// City.
    pub city: String,
    /// Province, by name.
    pub province: Option<String>,
    /// Province, by code.
    pub province_code: Option<String>,
    /// Postal code.
    pub zip: String,
    /// Country, by name.
    pub country: String,
    /// Country, by ISO code.
    pub country_code: String,
    /// Telephone.
    pub phone: Option<String>,
}

impl Address {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}
