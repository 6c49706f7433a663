//! Errors as Shopify words and marks them.

use apollo_compiler::response::GraphQLError;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList};
use serde_json::{Value, json};

/// Between the code and the message of a resolver's error: the executor carries only one string.
const MARK: char = '\u{1}';

/// One entry of `errors`.
#[derive(Debug)]
pub(super) struct Problem(Value);

impl Problem {
    pub(super) fn to_json(&self) -> Value {
        self.0.clone()
    }

    pub(super) fn code(&self) -> Option<String> {
        let code = self.0.get("extensions")?.get("code")?;
        code.as_str().map(str::to_owned)
    }

    pub(super) fn message(&self) -> String {
        let message = self.0.get("message").and_then(Value::as_str);
        message.unwrap_or_default().to_owned()
    }

    pub(super) fn plain(message: &dyn std::fmt::Display) -> Self {
        Self(json!({ "message": message.to_string() }))
    }

    pub(super) fn coded(message: &str, code: &str, path: &[&str]) -> Self {
        Self(json!({ "message": message, "path": path, "extensions": { "code": code } }))
    }

    pub(super) fn variable(message: &dyn std::fmt::Display) -> Self {
        let message = message.to_string();
        Self(json!({ "message": message, "extensions": {
            "code": "INVALID_VARIABLE", "problems": [{ "path": [], "explanation": message }] } }))
    }

    /// Without `extensions` at the top: this one Shopify answers bare.
    pub(super) fn too_dear(cost: u32, max_cost: u32) -> Self {
        let message = format!(
            "Query cost is {cost}, which exceeds the single query max cost limit ({max_cost}).\n\n\
             See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the cost of a query is calculated."
        );
        Self(json!({ "message": message, "extensions": {
            "code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": max_cost,
            "documentation": "https://shopify.dev/api/usage/rate-limits" } }))
    }

    pub(super) fn throttled() -> Self {
        Self(json!({ "message": "Throttled", "extensions": {
            "code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits" } }))
    }

    /// What a resolver answered instead of a value; [`marked`] put the code in.
    pub(super) fn of_field(error: &GraphQLError) -> Self {
        let mut problem = json!(error);
        // The executor says first where an error comes from.
        let said = error.message.strip_prefix("resolver error: ");
        let said = said.unwrap_or(&error.message);
        if let (Some((code, message)), Some(fields)) =
            (said.split_once(MARK), problem.as_object_mut())
        {
            fields.insert("message".to_owned(), message.into());
            fields.insert("extensions".to_owned(), json!({ "code": code }));
        }
        Self(problem)
    }

    /// What is wrong with a document, one entry a fault.
    pub(super) fn of_document(faults: &DiagnosticList) -> Vec<Self> {
        // A selection of unknown fields only is empty to the compiler, and to nobody else.
        let name = |fault: &DiagnosticData| fault.unstable_error_name();
        let unknown = faults
            .iter()
            .any(|fault| name(fault.error) == Some("UndefinedField"));
        let echoes = |fault: &DiagnosticData| unknown && name(fault) == Some("MissingSubselection");
        faults
            .iter()
            .filter(|fault| !echoes(fault.error))
            .map(|fault| {
                let shown = fault.to_json();
                let (message, extensions) = word(fault.error, &shown.message);
                Self(json!({ "message": message, "locations": shown.locations, "extensions": extensions }))
            })
            .collect()
    }
}

/// The message of a resolver's error that is to have this code.
pub(super) fn marked(code: &str, message: &str) -> String {
    format!("{code}{MARK}{message}")
}

/// Shopify's words for a fault of validation, as graphql-ruby has them.
fn word(fault: &DiagnosticData, shown: &str) -> (String, Value) {
    let said = fault.unstable_compat_message();
    let said = said.unwrap_or_else(|| shown.to_owned());
    let quoted: Vec<&str> = said.split('"').skip(1).step_by(2).collect();
    let code = match fault.unstable_error_name() {
        Some("UndefinedField") => {
            if let [field, kind] = quoted.as_slice() {
                let message = format!("Field '{field}' doesn't exist on type '{kind}'");
                let extensions =
                    json!({ "code": "undefinedField", "typeName": kind, "fieldName": field });
                return (message, extensions);
            }
            "undefinedField"
        }
        Some("UndefinedArgument") => "argumentNotAccepted",
        Some("RequiredArgument") => "missingRequiredArguments",
        Some("RequiredField") => "missingRequiredInputObjectAttribute",
        Some("UndefinedFragment" | "UnusedFragment") => "useAndDefineFragment",
        Some("UnusedVariable") => "variableNotUsed",
        Some("UndefinedVariable") => "variableNotDefined",
        Some("MissingSubselection" | "SubselectionOnScalarType" | "SubselectionOnEnumType") => {
            "selectionMismatch"
        }
        Some(
            "UndefinedEnumValue"
            | "UnsupportedValueType"
            | "IntCoercionError"
            | "UndefinedInputValue",
        ) => "argumentLiteralsIncompatible",
        Some("DisallowedVariableUsage") => "variableMismatch",
        Some("UndefinedDefinition") => "undefinedType",
        _ => "invalidDocument",
    };
    (said, json!({ "code": code }))
}
