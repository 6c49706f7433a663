//! What an alert can be about, and what to do about it.

use std::fmt;

use serde::Serialize;

/// What an alert is about. Each can be active once a site, and once for the whole service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The store's memory is near its limit.
    StoreMemory,
    /// The store throws entries away to make room.
    StoreEviction,
    /// A sweep ended without reaching its end.
    SweepFailed,
    /// A sweep ended in a panic.
    SweepPanicked,
    /// A sweep left the oldest part of its window out, for want of time.
    SweepCut,
    /// No webhook has come for longer than is usual.
    WebhooksSilent,
    /// Shopify does not answer.
    ShopifyDown,
    /// Orders could not be fetched as often as it was tried.
    DeadLetters,
    /// Deliveries wait in the inbox because the store does not take them.
    InboxWaiting,
    /// A sweep did not run at its time.
    SlotMissed,
    /// Shopify refuses the access token, or to grant one.
    TokenRefused,
    /// The app may not do what the service needs.
    ScopeMissing,
    /// The credentials open another shop than the one that is set.
    WrongShop,
    /// Shopify serves another API version than is asked for.
    ApiVersion,
    /// Deliveries are written in another API version than is set.
    WebhookVersion,
    /// A webhook topic is not subscribed, or not as it must be.
    SubscriptionsMissing,
    /// A webhook topic is delivered by two subscriptions.
    SubscriptionsDoubled,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Answers are at risk now: logged as an error.
    Error,
    /// They will be if nobody looks: logged as a warning.
    Warning,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 17] = [
        Self::StoreMemory,
        Self::StoreEviction,
        Self::SweepFailed,
        Self::SweepPanicked,
        Self::SweepCut,
        Self::WebhooksSilent,
        Self::ShopifyDown,
        Self::DeadLetters,
        Self::InboxWaiting,
        Self::SlotMissed,
        Self::TokenRefused,
        Self::ScopeMissing,
        Self::WrongShop,
        Self::ApiVersion,
        Self::WebhookVersion,
        Self::SubscriptionsMissing,
        Self::SubscriptionsDoubled,
    ];

    /// Its name in messages, metrics and logs: `store_memory`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StoreMemory => "store_memory",
            Self::StoreEviction => "store_eviction",
            Self::SweepFailed => "sweep_failed",
            Self::SweepPanicked => "sweep_panicked",
            Self::SweepCut => "sweep_cut",
            Self::WebhooksSilent => "webhooks_silent",
            Self::ShopifyDown => "shopify_down",
            Self::DeadLetters => "dead_letters",
            Self::InboxWaiting => "inbox_waiting",
            Self::SlotMissed => "slot_missed",
            Self::TokenRefused => "token_refused",
            Self::ScopeMissing => "scope_missing",
            Self::WrongShop => "wrong_shop",
            Self::ApiVersion => "api_version",
            Self::WebhookVersion => "webhook_version",
            Self::SubscriptionsMissing => "subscriptions_missing",
            Self::SubscriptionsDoubled => "subscriptions_doubled",
        }
    }

    /// What is wrong, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::StoreMemory => "the store's memory is nearly full",
            Self::StoreEviction => "the store may throw entries away",
            Self::SweepFailed => "a sweep failed",
            Self::SweepPanicked => "a sweep broke down",
            Self::SweepCut => "a sweep did not cover its whole window",
            Self::WebhooksSilent => "no webhooks arrive",
            Self::ShopifyDown => "Shopify does not answer",
            Self::DeadLetters => "orders could not be fetched",
            Self::InboxWaiting => "deliveries wait for the store",
            Self::SlotMissed => "a scheduled sweep did not run",
            Self::TokenRefused => "Shopify does not let the app in",
            Self::ScopeMissing => "the app lacks a scope",
            Self::WrongShop => "another shop answers than the one that is set",
            Self::ApiVersion => "Shopify serves another API version than asked for",
            Self::WebhookVersion => "webhooks come in another API version than is set",
            Self::SubscriptionsMissing => "webhook subscriptions are missing or wrong",
            Self::SubscriptionsDoubled => "a webhook topic arrives twice",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::StoreMemory => {
                "Raise Redis' maxmemory, or lower WARMUP_ORDER_DAYS; sweeps pause until there is room."
            }
            Self::StoreEviction => {
                "Give Redis a maxmemory-policy of noeviction and more memory: what it evicts is missing from the cache."
            }
            Self::SweepFailed => {
                "Look at the errors in GET /api/warmup/history; start another with POST /api/warmup/trigger once the cause is gone."
            }
            Self::SweepPanicked => {
                "Please report this with the log lines around it; the next sweep starts afresh."
            }
            Self::SweepCut => {
                "Raise WARMUP_RATE_LIMIT, or lower WARMUP_ORDER_DAYS, so that a sweep fits into its time."
            }
            Self::WebhooksSilent => {
                "Check the app's webhook subscriptions and that Shopify reaches /webhooks/shopify; sweeps fill the cache meanwhile."
            }
            Self::ShopifyDown => {
                "Check the access token and Shopify's status page; the cache goes on answering with what it has."
            }
            Self::DeadLetters => {
                "GET /api/warmup/coverage names them with their causes; the next sweep tries again."
            }
            Self::InboxWaiting => {
                "Check that the store is up and writable; nothing is lost, the inbox is applied as soon as it is."
            }
            Self::SlotMissed => {
                "Check that a service was running and that the clock is right; start a sweep with POST /api/warmup/trigger."
            }
            Self::TokenRefused => {
                "Do what the text says: the token or the client credentials have to be mended in the shop or the Dev Dashboard; the cache goes on answering."
            }
            Self::ScopeMissing => {
                "Add the scope to the app's version, release it, and approve it in the shop; the service sees it within the hour, at once after app/scopes_update."
            }
            Self::WrongShop => {
                "Check _SHOP_DOMAIN and whose credentials are set: orders of the wrong shop may be in the cache."
            }
            Self::ApiVersion => {
                "Set _API_VERSION to one that access.versions of the status lists, and upgrade this service if that is too new for it."
            }
            Self::WebhookVersion => {
                "Raise the version of the webhook subscriptions (shopify.app.toml, or by subscribing again) or _API_VERSION, so that both are one."
            }
            Self::SubscriptionsMissing => {
                "Set PUBLIC_URL and the service subscribes by itself, or release the section that `webhooks toml` prints; sweeps fill the cache meanwhile."
            }
            Self::SubscriptionsDoubled => {
                "Keep the app's own subscription or ours, not both: `webhooks list` shows ours, `webhooks delete` ends them; nothing is wrong in the cache."
            }
        }
    }

    /// How much it matters.
    pub fn severity(self) -> Severity {
        match self {
            Self::StoreMemory
            | Self::StoreEviction
            | Self::SweepFailed
            | Self::SweepPanicked
            | Self::ShopifyDown
            | Self::InboxWaiting
            | Self::TokenRefused
            | Self::ScopeMissing
            | Self::WrongShop => Severity::Error,
            Self::SweepCut
            | Self::WebhooksSilent
            | Self::DeadLetters
            | Self::SlotMissed
            | Self::ApiVersion
            | Self::WebhookVersion
            | Self::SubscriptionsMissing
            | Self::SubscriptionsDoubled => Severity::Warning,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_is_serialised() {
        for cause in Cause::ALL {
            assert_eq!(serde_json::json!(cause), cause.as_str());
            assert!(cause.advice().ends_with('.') && !cause.title().ends_with('.'));
        }
    }
}
