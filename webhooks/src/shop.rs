//! Which shop sent a delivery.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

const SUFFIX: &str = ".myshopify.com";

/// The longest label that DNS allows.
const LONGEST_NAME: usize = 63;

/// The permanent domain of a shop, `{shop}.myshopify.com`, in lower case.
///
/// It identifies the shop in every header and API call; a shop's own domain (`www.example.com`) does not. Parsing accepts any
/// case and nothing around the domain: no scheme, no port, no trailing dot.
///
/// ```
/// use shopify_webhooks::ShopDomain;
///
/// let shop: ShopDomain = "Example-UK.myshopify.com".parse()?;
/// assert_eq!(shop.as_str(), "example-uk.myshopify.com");
/// assert_eq!(shop.name(), "example-uk");
/// assert!("https://example.myshopify.com".parse::<ShopDomain>().is_err());
/// assert!("example.myshopify.com.evil.test".parse::<ShopDomain>().is_err());
/// # Ok::<(), shopify_webhooks::InvalidShopDomain>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShopDomain(String);

impl ShopDomain {
    /// The whole domain.
    ///
    /// ```
    /// # use shopify_webhooks::ShopDomain;
    /// let shop: ShopDomain = "example.myshopify.com".parse()?;
    /// assert_eq!(shop.as_str(), "example.myshopify.com");
    /// # Ok::<(), shopify_webhooks::InvalidShopDomain>(())
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shop's own part of it.
    ///
    /// ```
    /// # use shopify_webhooks::ShopDomain;
    /// let shop: ShopDomain = "example.myshopify.com".parse()?;
    /// assert_eq!(shop.name(), "example");
    /// # Ok::<(), shopify_webhooks::InvalidShopDomain>(())
    /// ```
    pub fn name(&self) -> &str {
        self.0.strip_suffix(SUFFIX).unwrap_or(&self.0)
    }
}

impl FromStr for ShopDomain {
    type Err = InvalidShopDomain;

    fn from_str(text: &str) -> Result<Self, InvalidShopDomain> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ShopDomain {
    type Error = InvalidShopDomain;

    fn try_from(mut text: String) -> Result<Self, InvalidShopDomain> {
        text.make_ascii_lowercase();
        let name = text.strip_suffix(SUFFIX).ok_or(InvalidShopDomain)?;
        let is_label = name.len() <= LONGEST_NAME
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if is_label {
            Ok(Self(text))
        } else {
            Err(InvalidShopDomain)
        }
    }
}

impl From<ShopDomain> for String {
    fn from(shop: ShopDomain) -> Self {
        shop.0
    }
}

impl AsRef<str> for ShopDomain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShopDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not a shop's permanent domain.
///
/// ```
/// use shopify_webhooks::{InvalidShopDomain, ShopDomain};
///
/// assert_eq!("www.example.com".parse::<ShopDomain>(), Err(InvalidShopDomain));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a domain like example.myshopify.com")]
pub struct InvalidShopDomain;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_shopify_sends_and_lowers_its_case() {
        for text in ["a.myshopify.com", "0-9.myshopify.com", "A-b.MyShopify.COM"] {
            let shop: ShopDomain = text.parse().unwrap();
            assert_eq!(shop.to_string(), text.to_ascii_lowercase());
        }
    }

    #[test]
    fn refuses_everything_else() {
        let too_long = format!("{}.myshopify.com", "a".repeat(64));
        for text in [
            "",
            ".myshopify.com",
            "myshopify.com",
            "-a.myshopify.com",
            "a.b.myshopify.com",
            "a_b.myshopify.com",
            "ä.myshopify.com",
            "a.myshopify.com.",
            " a.myshopify.com",
            "a.myshopify.com/",
            "a.myshopify.com:443",
            "user@a.myshopify.com",
            "amyshopify.com",
            &too_long,
        ] {
            assert_eq!(
                text.parse::<ShopDomain>(),
                Err(InvalidShopDomain),
                "{text:?}"
            );
        }
    }

    #[test]
    fn reads_and_writes_json_as_a_string() {
        let shop: ShopDomain = serde_json::from_str("\"Example.myshopify.com\"").unwrap();
        assert_eq!(
            serde_json::to_string(&shop).unwrap(),
            "\"example.myshopify.com\""
        );
        assert!(serde_json::from_str::<ShopDomain>("\"example.com\"").is_err());
    }
}
