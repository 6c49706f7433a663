//! GraphQL's envelope: the request, and what an answer's `errors` and `extensions` mean.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use super::{AdminError, Author, CostReport, Query};

/// What is posted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    query: &'static str,
    variables: serde_json::Value,
    operation_name: &'static str,
}

impl Request {
    pub(super) fn of<Q: Query>(query: &Q) -> Self {
        Self {
            query: Q::DOCUMENT,
            variables: query.variables(),
            operation_name: Q::NAME,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
struct Response<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<GraphqlError>,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Debug, Deserialize, Default)]
struct Extensions {
    cost: Option<CostReport>,
    #[serde(default)]
    search: Vec<SearchReport>,
}

#[derive(Debug, Deserialize)]
struct SearchReport {
    #[serde(default)]
    warnings: Vec<SearchWarning>,
}

#[derive(Debug, Deserialize)]
struct SearchWarning {
    #[serde(default)]
    field: String,
}

#[derive(Debug, Deserialize)]
struct GraphqlError {
    #[serde(default)]
    path: Vec<serde_json::Value>,
    #[serde(default)]
    extensions: ErrorExtensions,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct ErrorExtensions {
    code: Option<String>,
    cost: Option<u64>,
    max_cost: Option<u64>,
}

/// Only the errors and the cost of an answer, read before its data: a throttled or refused one has no data to read.
#[derive(Debug, Deserialize)]
struct Verdict {
    #[serde(default)]
    errors: Vec<GraphqlError>,
    #[serde(default)]
    extensions: Extensions,
}

impl GraphqlError {
    /// Whether only a field of something was denied, which is null then while the rest is good. A denied `order` or `nodes[3]`
    /// is null too, but must not be taken for an order that does not exist.
    fn denies_a_detail(&self) -> bool {
        self.extensions.code.as_deref() == Some("ACCESS_DENIED") && self.path.len() > 2
    }
}

/// Opens a 200. `ACCESS_DENIED` of a detail beside data is no failure.
pub(super) fn open<T: DeserializeOwned>(
    body: &[u8],
) -> Result<(T, Option<CostReport>), AdminError> {
    let response: Response<T> = match serde_json::from_slice(body) {
        Ok(response) => response,
        Err(error) => return Err(without_readable_data(body, &error)),
    };
    if let Some(field) = ignored_filter(&response.extensions) {
        return Err(AdminError::FilterIgnored { field });
    }
    let fatal = response
        .errors
        .iter()
        .find(|error| !error.denies_a_detail());
    match (response.data, fatal) {
        (_, Some(error)) => Err(classify(error, response.extensions.cost)),
        (Some(data), None) => Ok((data, response.extensions.cost)),
        (None, None) => Err(match response.errors.first() {
            Some(error) => classify(error, response.extensions.cost),
            None => AdminError::Malformed {
                what: "neither data nor errors".to_owned(),
                author: Author::Shopify,
            },
        }),
    }
}

/// A denied non-null field empties its parents, so that the data no longer has our shape: the errors tell more than serde.
fn without_readable_data(body: &[u8], error: &serde_json::Error) -> AdminError {
    match serde_json::from_slice::<Verdict>(body) {
        Ok(Verdict { errors, extensions }) if !errors.is_empty() => match errors.first() {
            Some(error) => classify(error, extensions.cost),
            None => malformed(error),
        },
        Ok(_) | Err(_) => malformed(error),
    }
}

/// Says where reading failed, never what stood there: that may be a customer's.
fn malformed(error: &serde_json::Error) -> AdminError {
    let (kind, author) = match error.classify() {
        Category::Io => ("it broke off", Author::Stranger),
        Category::Syntax => ("it is no JSON", Author::Stranger),
        Category::Data => ("it has another shape than asked for", Author::Shopify),
        Category::Eof => ("it ends too early", Author::Stranger),
    };
    AdminError::Malformed {
        author,
        what: format!("{kind} (line {}, column {})", error.line(), error.column()),
    }
}

fn ignored_filter(extensions: &Extensions) -> Option<String> {
    let mut warnings = extensions.search.iter().flat_map(|report| &report.warnings);
    warnings.next().map(|warning| warning.field.clone())
}

fn classify(error: &GraphqlError, report: Option<CostReport>) -> AdminError {
    let code = error.extensions.code.clone().unwrap_or_default();
    match code.as_str() {
        "THROTTLED" => AdminError::Throttled { report },
        "MAX_COST_EXCEEDED" => AdminError::TooDear {
            cost: error.extensions.cost.unwrap_or_default(),
            limit: error.extensions.max_cost.unwrap_or(1000),
        },
        "ACCESS_DENIED" => AdminError::AccessDenied {
            path: spell(&error.path),
        },
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" => AdminError::Internal { code },
        "" => AdminError::Refused {
            codes: "no code given".to_owned(),
        },
        _other => AdminError::Refused { codes: code },
    }
}

fn spell(path: &[serde_json::Value]) -> String {
    let parts = path.iter().map(|part| {
        part.as_str()
            .map_or_else(|| part.to_string(), str::to_owned)
    });
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Data {
        order: Option<serde_json::Value>,
    }

    fn class(body: &str) -> &'static str {
        open::<Data>(body.as_bytes()).unwrap_err().class()
    }

    #[test]
    fn throttled_in_a_200_is_throttled_and_says_how_long() {
        // Measured on a live shop (PLATFORM 4.2): floats and integers mixed, no Retry-After.
        let body = r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{"requestedQueryCost":862,"actualQueryCost":null,"throttleStatus":{"maximumAvailable":4000.0,"currentlyAvailable":572,"restoreRate":200.0}}}}"#;
        let error = open::<Data>(body.as_bytes()).unwrap_err();
        assert_eq!(
            error.retry(),
            super::super::Retry::After(std::time::Duration::from_millis(1450))
        );
    }

    #[test]
    fn errors_have_their_classes() {
        assert_eq!(
            class(
                r#"{"errors":[{"message":"…","extensions":{"code":"MAX_COST_EXCEEDED","cost":1234,"maxCost":1000}}]}"#
            ),
            "too_dear"
        );
        assert_eq!(
            class(r#"{"errors":[{"message":"…","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#),
            "internal"
        );
        assert_eq!(
            class(r#"{"errors":[{"message":"…","extensions":{"code":"undefinedField"}}]}"#),
            "refused"
        );
        assert_eq!(
            class(
                r#"{"data":{"order":null},"extensions":{"search":[{"path":["orders"],"warnings":[{"field":"created","message":"Invalid search field"}]}]}}"#
            ),
            "filter_ignored"
        );
        assert_eq!(
            class(
                r#"{"data":null,"errors":[{"message":"…","path":["orders"],"extensions":{"code":"ACCESS_DENIED"}}]}"#
            ),
            "access_denied"
        );
        assert_eq!(class("<html>"), "malformed");
        assert_eq!(class(r#"{"data":{"or"#), "malformed");
        assert_eq!(class("{}"), "malformed");
        assert_eq!(class(r#"{"data":{"order":1}"#), "malformed");
    }

    #[test]
    fn only_what_shopify_did_not_write_speaks_of_an_outage() {
        let outage = |body: &str| open::<Data>(body.as_bytes()).unwrap_err().is_outage();
        for body in ["", "<html>", r#"{"data":{"or"#] {
            assert!(outage(body), "{body}");
        }
        for body in [
            "{}",
            r#"{"data":[]}"#,
            r#"{"errors":[{"message":"…","extensions":{"code":"THROTTLED"}}]}"#,
            r#"{"errors":[{"message":"…","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#,
        ] {
            assert!(
                !outage(body),
                "one odd order must not cut a shop off: {body}"
            );
        }
    }

    #[test]
    fn a_denied_field_beside_data_is_kept() {
        let body = r#"{"data":{"order":{"id":"x"}},"errors":[{"message":"…","path":["order","customer","email"],"extensions":{"code":"ACCESS_DENIED"}}]}"#;
        assert!(open::<Data>(body.as_bytes()).unwrap().0.order.is_some());
    }

    #[test]
    fn a_denied_order_is_not_taken_for_a_missing_one() {
        assert_eq!(
            class(
                r#"{"data":{"order":null},"errors":[{"message":"…","path":["order"],"extensions":{"code":"ACCESS_DENIED"}}]}"#
            ),
            "access_denied"
        );
    }

    #[test]
    fn an_unreadable_answer_is_not_repeated_in_the_error() {
        let error = open::<Data>(br#"{"data":"jane@example.com"}"#).unwrap_err();
        assert!(!error.to_string().contains("jane"), "{error}");
    }
}
