//! `shop`, `currentAppInstallation`, `publicApiVersions`.

use apollo_compiler::resolvers::ResolvedValue;

use super::{Context, Record};
use crate::admin::versions;
use crate::model::gid;

pub(super) fn shop(context: &Context<'_>) -> Record {
    let facts = &context.world.facts;
    let plan = Record::new("ShopPlan")
        .leaf("publicDisplayName", "Basic")
        .leaf("shopifyPlus", false);
    Record::new("Shop")
        .leaf("id", gid("Shop", facts.id))
        .leaf("name", facts.name.as_str())
        .leaf("myshopifyDomain", facts.domain.as_str())
        .leaf("ianaTimezone", facts.zone_name.as_str())
        .leaf("currencyCode", facts.currency.code())
        .leaf("orderNumberFormatPrefix", facts.prefix.as_str())
        .leaf("orderNumberFormatSuffix", facts.suffix.as_str())
        .one("plan", Some(plan))
}

pub(super) fn installation(context: &Context<'_>) -> Record {
    let scopes = context.world.settings().scopes;
    let scopes = scopes.into_iter();
    let scopes = scopes.map(|scope| Record::new("AccessScope").leaf("handle", scope));
    Record::new("AppInstallation")
        .leaf("id", gid("AppInstallation", 1))
        .many("accessScopes", scopes.collect())
}

/// Every version that can be asked for; only stable ones are supported.
pub(super) fn versions<'a>(context: &Context<'_>) -> ResolvedValue<'a> {
    let stable = versions::stable(context.now);
    let stable = stable.into_iter().map(|handle| version(&handle, true));
    let unstable = version("unstable", false);
    ResolvedValue::list(stable.chain([unstable]).map(ResolvedValue::object))
}

pub(super) fn version(handle: &str, supported: bool) -> Record {
    Record::new("ApiVersion")
        .leaf("handle", handle)
        .leaf("displayName", handle)
        .leaf("supported", supported)
}
