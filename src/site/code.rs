//! A site by its short code.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// A site's short code: `uk`. Lower case letters and digits, so that it stands safely in keys and variable names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[schema(description = "A site's short code, in lower case.", examples("uk"))]
#[serde(transparent)]
pub struct SiteCode(String);

/// A text that is no site code.
#[derive(Debug, Error, PartialEq, Eq, Clone, Copy)]
#[error("a site code is 1 to 16 letters or digits, such as uk")]
pub struct BadSiteCode;

impl SiteCode {
    /// The code: `uk`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SiteCode {
    type Err = BadSiteCode;

    fn from_str(text: &str) -> Result<Self, BadSiteCode> {
        let fits =
            (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_ascii_lowercase()))
            .ok_or(BadSiteCode)
    }
}

impl fmt::Display for SiteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
