//! Global ids, `gid://shopify/{Kind}/{id}`: a body's own word for what it is.

/// A body that may carry the global id of its resource.
pub(crate) trait OfKind {
    /// The kind that its global id must name.
    const KIND: &'static str;

    /// The global id, if the body has one.
    fn gid(&self) -> Option<&str>;

    /// True unless the body says itself that it is something else.
    fn is_of_kind(&self) -> bool {
        self.gid()
            .is_none_or(|gid| number(gid, Self::KIND).is_some())
    }
}

/// The number in a global id of this kind.
pub(crate) fn number(gid: &str, kind: &str) -> Option<u64> {
    let rest = gid.strip_prefix("gid://shopify/")?.strip_prefix(kind)?;
    rest.strip_prefix('/')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_number_of_the_right_kind_only() {
        assert_eq!(
            number("gid://shopify/Order/820982911946154508", "Order"),
            Some(820_982_911_946_154_508)
        );
        for gid in [
            "gid://shopify/OrderEdit/1",
            "gid://shopify/DraftOrder/1",
            "gid://shopify/Order/",
            "gid://shopify/Order/1?x=y",
            "gid://other/Order/1",
            "1",
        ] {
            assert_eq!(number(gid, "Order"), None, "{gid}");
        }
    }
}
