//! A JSON value as YAML: blocks for what holds other values, and JSON's own spelling, which YAML shares, for all else.
//!
//! A crate for this would bring a parser in C along, or be nobody's any more; what is needed of YAML are indents.

use serde_json::Value;

/// Writes a document.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text
}

fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                indent(text, depth);
                text.push_str(&key(name));
                text.push(':');
                held(text, value, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(text, depth);
                text.push('-');
                held(text, item, depth + 1);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            indent(text, depth);
            line(text, value);
        }
    }
}

fn held(text: &mut String, value: &Value, depth: usize) {
    let is_empty = match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    if is_empty {
        text.push(' ');
        line(text, value);
    } else {
        text.push('\n');
        block(text, value, depth);
    }
}

fn line(text: &mut String, value: &Value) {
    text.push_str(&value.to_string());
    text.push('\n');
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// A word stands as it is; what YAML could take for something else, such as 200, is quoted.
fn key(name: &str) -> String {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_word = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let means_something = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .contains(&name.to_ascii_lowercase().as_str());
    if begins_well && is_word && !means_something {
        return name.to_owned();
    }
    Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_blocks_and_texts_are_quoted() {
        let value = json!({
            "openapi": "3.0.1", "on": true, "200": { "empty": {}, "none": [] }, "list": ["a: b", { "n": 1.5 }, null], "text": "two\nlines: 「一」",
        });
        let expected = concat!(
            "openapi: \"3.0.1\"\n",
            "\"on\": true\n",
            "\"200\":\n  empty: {}\n  none: []\n",
            "list:\n  - \"a: b\"\n  -\n    n: 1.5\n  - null\n",
            "text: \"two\\nlines: 「一」\"\n",
        );
        // `n` alone means "no" to an old reader.
        assert_eq!(
            write(&value),
            expected.replace("    n: 1.5", "    \"n\": 1.5")
        );
    }
}
