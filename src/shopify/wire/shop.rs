//! `shop`, `currentAppInstallation` and `publicApiVersions`, as one document asks for them.

use serde::Deserialize;

/// All that a site needs to know of its shop.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhoAmIData {
    /// The shop.
    pub shop: Shop,
    /// What the app may do in it.
    pub current_app_installation: AppInstallation,
    /// The versions that can be asked for.
    pub public_api_versions: Vec<ApiVersion>,
}

/// What the shop says of itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shop {
    /// What it is called.
    pub name: String,
    /// Its permanent domain.
    pub myshopify_domain: String,
    /// `Europe/London`.
    pub iana_timezone: String,
    /// `GBP`.
    pub currency_code: String,
    /// `#UK`.
    pub order_number_format_prefix: String,
    /// Usually empty.
    pub order_number_format_suffix: String,
    /// What it pays for.
    pub plan: Plan,
}

/// A shop's plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// `Basic`.
    pub public_display_name: String,
    /// Whether it is the largest.
    pub shopify_plus: bool,
}

/// The app, as it is installed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppInstallation {
    /// What it may do.
    pub access_scopes: Vec<AccessScope>,
}

/// A scope.
#[derive(Debug, Clone, Deserialize)]
pub struct AccessScope {
    /// `read_orders`.
    pub handle: String,
}

/// A version of the API.
#[derive(Debug, Clone, Deserialize)]
pub struct ApiVersion {
    /// `2026-10`.
    pub handle: String,
    /// Whether it is stable and still served.
    pub supported: bool,
}
