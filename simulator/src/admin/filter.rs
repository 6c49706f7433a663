//! A subscription's `filter`, evaluated on the body: Shopify's search syntax without brackets.

use serde_json::Value;

/// Alternatives, each a list of terms that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter(Vec<Vec<Term>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    /// `variants.price`: a list on the way is searched.
    field: String,
    value: String,
    negated: bool,
}

impl Filter {
    /// Reads `field:value` terms joined by `AND` (or blanks) and `OR`, each negated by a leading `-`; none for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let alternatives = text.split(" OR ").map(|alternative| {
            let words = alternative.split_whitespace().filter(|word| *word != "AND");
            let terms: Option<Vec<_>> = words.map(Term::parse).collect();
            terms.filter(|terms| !terms.is_empty())
        });
        alternatives.collect::<Option<_>>().map(Self)
    }

    /// Whether a body gets through. A field that is not there holds everything back, as Shopify's does.
    pub(crate) fn matches(&self, body: &Value) -> bool {
        self.0
            .iter()
            .any(|terms| terms.iter().all(|term| term.matches(body)))
    }
}

impl Term {
    fn parse(word: &str) -> Option<Self> {
        let (negated, word) = match word.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, word),
        };
        let (field, value) = word.split_once(':')?;
        let value = value.trim_matches('"').trim_matches('\'');
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let fits = !field.is_empty() && field.chars().all(is_name) && !value.is_empty();
        // Comparisons and brackets are Shopify's, not ours.
        let plain = !value.contains(['<', '>', '(', ')', ':']);
        (fits && plain).then(|| Self {
            field: field.to_owned(),
            value: value.to_owned(),
            negated,
        })
    }

    fn matches(&self, body: &Value) -> bool {
        let path: Vec<_> = self.field.split('.').collect();
        match found(body, &path).as_slice() {
            [] => false,
            values => values.iter().any(|one| self.is(one)) != self.negated,
        }
    }

    fn is(&self, value: &Value) -> bool {
        match value {
            Value::Null => false,
            _ if self.value == "*" => true,
            Value::String(text) => *text == self.value,
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                let as_written = value.to_string();
                as_written == self.value
            }
        }
    }
}

/// All that stands at a path.
fn found<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    if let Value::Array(all) = value {
        return all.iter().flat_map(|one| found(one, path)).collect();
    }
    match path.split_first() {
        None => vec![value],
        Some((first, rest)) => value
            .get(*first)
            .map_or_else(Vec::new, |inner| found(inner, rest)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn terms_are_evaluated_as_shopify_does() {
        let body = json!({ "id": 7, "name": "#UK1", "cancelled_at": null, "lines": [{ "sku": "A" }, { "sku": "B" }] });
        for (filter, through) in [
            ("id:7", true),
            ("id:8", false),
            ("-id:8", true),
            ("name:#UK1", true),
            ("name:#uk1", false),
            ("lines.sku:B", true),
            ("id:8 OR name:#UK1", true),
            ("id:7 AND name:#UK2", false),
            ("cancelled_at:*", false),
            ("nonsense:7", false),
            ("-nonsense:7", false),
        ] {
            assert_eq!(
                Filter::parse(filter).unwrap().matches(&body),
                through,
                "{filter}"
            );
        }
        for other in ["", "(id:7)", "id:>7", "word"] {
            assert_eq!(Filter::parse(other), None, "{other}");
        }
    }
}
