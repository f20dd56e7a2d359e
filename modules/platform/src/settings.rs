//! *External configuration* (Richardson, "Microservices Patterns"): values that programs read at the start and follow
//! while they run. The registry stores them, and its crate lists all of them. This module defines what a setting is,
//! and the one setting that every registered program follows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value that can be changed while programs run. All are whole numbers.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The name. Ends with the unit if there is one.
    pub name: &'static str,
    /// A description in one sentence.
    pub what: &'static str,
    /// The value until someone sets it.
    pub default: u64,
    /// The minimum value.
    pub least: u64,
    /// The maximum value.
    pub most: u64,
}

/// How long a program keeps serving after it has deregistered.
pub const DRAIN_GRACE: Setting = Setting {
    name: "drain.grace_ms",
    what: "how long an instance keeps serving clients that have not yet noticed that it deregistered",
    default: 200,
    least: 0,
    most: 60_000,
};

/// The settings that have been set, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, u64>);

impl Settings {
    /// The value that was set, or the default.
    pub fn get(&self, setting: &Setting) -> u64 {
        self.0.get(setting.name).copied().unwrap_or(setting.default)
    }

    /// The value that was set, if any was.
    pub fn value(&self, setting: &Setting) -> Option<u64> {
        self.0.get(setting.name).copied()
    }

    /// A setting in milliseconds, as a duration.
    pub fn time(&self, setting: &Setting) -> Duration {
        Duration::from_millis(self.get(setting))
    }

    /// Sets a value. Fails with the allowed range.
    pub fn set(&mut self, setting: &Setting, value: &Value) -> Result<(), String> {
        let Setting { name, least, most, .. } = *setting;
        match value.as_u64().filter(|value| (least..=most).contains(value)) {
            Some(value) => {
                self.0.insert(name.to_owned(), value);
                Ok(())
            }
            None => Err(format!("{name} must be a whole number from {least} to {most}, not {value}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_out_of_bounds_is_refused_and_changes_nothing() {
        let mut settings = Settings::default();
        assert_eq!(settings.get(&DRAIN_GRACE), DRAIN_GRACE.default);
        settings.set(&DRAIN_GRACE, &json!(50)).unwrap();
        for wrong in [json!(-1), json!(60_001), json!(50.5), json!("50"), json!(null)] {
            let said = settings.set(&DRAIN_GRACE, &wrong).unwrap_err();
            assert!(said.contains("from 0 to 60000") && said.contains(&wrong.to_string()), "{said}");
        }
        assert_eq!(settings.time(&DRAIN_GRACE), Duration::from_millis(50));
    }
}
