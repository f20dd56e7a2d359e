//! The *external configuration* (the pattern is so called in Chris Richardson's "Microservices Patterns"): values that
//! programs read when they start, and follow while they run. The registry keeps them, and its crate lists all that there
//! are; here is what a setting is, and the one that every program which registers follows.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value that can be changed while programs run. All are whole numbers.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// What it is called. The name ends with the unit, where it has one.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub what: &'static str,
    /// Its value until somebody sets it.
    pub default: u64,
    /// A smaller value is refused.
    pub least: u64,
    /// A larger value is refused.
    pub most: u64,
}

/// How long a program that is leaving goes on serving.
pub const DRAIN_GRACE: Setting = Setting {
    name: "drain.grace_ms",
    what: "how long an instance that has taken its leave goes on serving those who have not heard of it yet",
    default: 200,
    least: 0,
    most: 60_000,
};

/// What the settings are set to: those that somebody has set, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, u64>);

impl Settings {
    /// The value that was set, or the default.
    pub fn get(&self, setting: &Setting) -> u64 {
        self.0.get(setting.name).copied().unwrap_or(setting.default)
    }

    /// The value of a setting in milliseconds, as a time.
    pub fn time(&self, setting: &Setting) -> Duration {
        Duration::from_millis(self.get(setting))
    }

    /// Sets one. The error says which values there are.
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
