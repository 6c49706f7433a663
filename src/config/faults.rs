//! All that is wrong with the configuration.

use std::fmt;

/// Every fault, by variable. Values are never repeated: they may be secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(Vec<(String, String)>);

impl ConfigFaults {
    /// A single fault.
    pub fn of(name: &str, advice: &str) -> Self {
        Self(vec![(name.to_owned(), advice.to_owned())])
    }

    pub(super) fn all(faults: Vec<(String, String)>) -> Self {
        Self(faults)
    }

    /// The variables at fault, each with what is wrong and what to do.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let faults = self.0.iter();
        faults.map(|(name, advice)| (name.as_str(), advice.as_str()))
    }

    /// The variables at fault.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "the configuration has {} fault(s); .env.example describes each variable",
            self.0.len()
        )?;
        for (name, advice) in &self.0 {
            writeln!(f, "  {name} {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}
