//! Takes variables one by one and notes what is wrong with each, so that all of it can be told at once.

use std::{collections::BTreeMap, fmt::Display, ops::RangeInclusive, str::FromStr};

use secrecy::SecretString;

use super::ConfigFaults;

#[derive(Debug)]
pub(super) struct Reader {
    vars: BTreeMap<String, String>,
    faults: Vec<(String, String)>,
}

impl Reader {
    pub(super) fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            vars: vars.into_iter().collect(),
            faults: Vec::new(),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.vars.keys().map(String::as_str)
    }

    pub(super) fn fault(&mut self, name: &str, advice: &str) {
        self.faults.push((name.to_owned(), advice.to_owned()));
    }

    /// The variable's text; an empty one counts as not set, as in `docker-compose.yml` files.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.vars
            .get(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    pub(super) fn required(&mut self, name: &str, meaning: &str) -> Option<String> {
        let text = self.text(name);
        if text.is_none() {
            self.fault(name, &format!("is missing: {meaning}"));
        }
        text
    }

    pub(super) fn parsed<T: FromStr>(
        &mut self,
        name: &str,
        text: &str,
        meaning: &str,
    ) -> Option<T> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.fault(name, &format!("is not {meaning}"));
        }
        parsed
    }

    pub(super) fn parse<T: FromStr>(&mut self, name: &str, default: T, meaning: &str) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        self.parsed(name, &text, meaning).unwrap_or(default)
    }

    pub(super) fn number<T: FromStr + PartialOrd + Display>(
        &mut self,
        name: &str,
        default: T,
        bounds: RangeInclusive<T>,
    ) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.parse() {
            Ok(number) if bounds.contains(&number) => number,
            Ok(_) | Err(_) => {
                let advice = format!(
                    "is not a number from {} to {} (default {default})",
                    bounds.start(),
                    bounds.end()
                );
                self.fault(name, &advice);
                default
            }
        }
    }

    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self
            .text(name)
            .map(|text| text.to_ascii_lowercase())
            .as_deref()
        {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(_) => {
                self.fault(
                    name,
                    &format!("is neither true nor false (default {default})"),
                );
                default
            }
        }
    }

    pub(super) fn finish<T>(self, config: T) -> Result<T, ConfigFaults> {
        if self.faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigFaults::all(self.faults))
        }
    }
}
