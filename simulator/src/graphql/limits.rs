//! What Shopify refuses before it counts the cost: pages and input lists over 250, connections without a page size.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::Value;
use apollo_compiler::executable::{Field, Operation, SelectionSet};
use apollo_compiler::response::JsonMap;

use super::problem::Problem;
use super::selection;

/// The largest page, and the longest list in an argument.
const MAX_SIZE: i64 = 250;

pub(super) fn check(
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &JsonMap,
) -> Vec<Problem> {
    let mut walk = Walk {
        document,
        variables,
        path: Vec::new(),
        problems: Vec::new(),
    };
    walk.set(&operation.selection_set);
    walk.problems
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    variables: &'a JsonMap,
    path: Vec<&'a str>,
    problems: Vec<Problem>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet) {
        for field in selection::fields(self.document, set) {
            self.path.push(field.response_key());
            self.field(field);
            self.set(&field.selection_set);
            self.path.pop();
        }
    }

    fn field(&mut self, field: &Field) {
        let first = page_size(field, self.variables);
        if first.is_some_and(|first| first > MAX_SIZE) {
            let message = "first/last must not be greater than 250".to_owned();
            self.refuse(&message, "BAD_REQUEST");
        }
        if is_connection(field) && first.is_none() {
            self.refuse("you must provide one of first or last", "BAD_REQUEST");
        }
        for argument in &field.arguments {
            let length = list_length(&argument.value, self.variables);
            if length.is_some_and(|length| length > 250) {
                let message = format!(
                    "The input array size of {} is greater than the maximum allowed of 250.",
                    length.unwrap_or_default()
                );
                self.path.push("ids");
                self.refuse(&message, "MAX_INPUT_SIZE_EXCEEDED");
                self.path.pop();
            }
        }
    }

    fn refuse(&mut self, message: &str, code: &str) {
        let problem = Problem::coded(message, code, &self.path);
        self.problems.push(problem);
    }
}

/// `first` or `last`, as the variables have it.
pub(super) fn page_size(field: &Field, variables: &JsonMap) -> Option<i64> {
    let value = ["first", "last"]
        .iter()
        .find_map(|name| field.specified_argument_by_name(name))?;
    if let Value::Variable(name) = value.as_ref() {
        return variables.get(name.as_str())?.as_i64();
    }
    value.to_i32().map(i64::from)
}

pub(super) fn is_connection(field: &Field) -> bool {
    field.ty().inner_named_type().ends_with("Connection")
}

fn list_length(value: &Value, variables: &JsonMap) -> Option<usize> {
    if let Value::Variable(name) = value {
        return Some(variables.get(name.as_str())?.as_array()?.len());
    }
    value.as_list().map(<[_]>::len)
}
