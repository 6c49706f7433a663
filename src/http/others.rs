//! What is said beside an answer of the sites that were asked too: in words for people, by code for programs.

use serde::Serialize;

use crate::{
    lookup::{FoundOrder, Unanswered},
    site::SiteCode,
};

/// Left out where there is nothing to say.
#[derive(Debug, Default, Serialize)]
pub(super) struct OthersAnswer<'a> {
    #[serde(skip_serializing_if = "is_empty")]
    also_at: &'a [SiteCode],
    #[serde(skip_serializing_if = "is_empty")]
    incomplete: &'a [Unanswered],
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_zh: Option<String>,
}

impl<'a> OthersAnswer<'a> {
    pub(super) fn of(found: &'a FoundOrder) -> Self {
        let others = &found.others;
        let (also_at, silent) = (others.also_at.as_slice(), others.incomplete.as_slice());
        let names = |sites: &[SiteCode]| join(sites.iter().map(SiteCode::as_str));
        let (message, message_zh) = match (also_at, silent) {
            ([], []) => (None, None),
            ([], _) => (
                Some(format!(
                    "INCOMPLETE: {} did not answer and may have an order of this number too; ask again, or name the site",
                    names_of(silent)
                )),
                Some(format!(
                    "INCOMPLETE：{} 暂无响应，可能也有同号订单，请稍后重试或指定 site",
                    names_of(silent)
                )),
            ),
            (_, _) => (
                Some(format!(
                    "AMBIGUOUS: {} has the newest order of this number; also at {}: ask again with site, or with the whole number",
                    found.site,
                    names(also_at)
                )),
                Some(format!(
                    "AMBIGUOUS：多个店铺有同号订单，当前为 {} 的最新订单，另见 {}；请指定 site 或提供完整订单号",
                    found.site,
                    names(also_at)
                )),
            ),
        };
        Self {
            also_at,
            incomplete: silent,
            message,
            message_zh,
        }
    }
}

impl OthersAnswer<'_> {
    /// Where something else must be said first.
    pub(super) fn without_words(self) -> Self {
        Self {
            message: None,
            message_zh: None,
            ..self
        }
    }
}

/// The sites by code, as a text.
pub(super) fn names_of(unanswered: &[Unanswered]) -> String {
    join(unanswered.iter().map(|one| one.site.as_str()))
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn is_empty<T>(slice: &[T]) -> bool {
    slice.is_empty()
}
