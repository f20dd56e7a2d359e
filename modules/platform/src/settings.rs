//! The *external configuration* (the pattern is so called in Chris Richardson's "Microservices Patterns"): values that
//! programs read when they start, and follow while they run. They are kept by the registry; this is the list of them.

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
    /// The smallest value.
    pub least: u64,
    /// The largest value.
    pub most: u64,
}

/// How long the gateway waits for the answer to a read.
pub const GATEWAY_TIMEOUT: Setting = Setting {
    name: "gateway.timeout_ms",
    what: "how long the gateway waits for an instance to answer a GET, before it asks once more",
    default: 700,
    least: 10,
    most: 60_000,
};

/// How long the gateway waits for the answer to anything that changes something.
pub const GATEWAY_WRITE_TIMEOUT: Setting = Setting {
    name: "gateway.write_timeout_ms",
    what: "how long the gateway waits for an instance to answer anything but a GET; a `Prefer: wait` comes on top",
    default: 5000,
    least: 10,
    most: 60_000,
};

/// How many requests to one dependency may be under way.
pub const GATEWAY_CONCURRENCY: Setting = Setting {
    name: "gateway.concurrency",
    what: "how many requests to one dependency the gateway has under way at most",
    default: 1000,
    least: 1,
    most: 100_000,
};

/// How many retries the gateway may add to the requests that it was sent.
pub const GATEWAY_RETRY_BUDGET: Setting = Setting {
    name: "gateway.retry_budget_percent",
    what: "how many retries the gateway may add to each hundred requests to a dependency",
    default: 20,
    least: 0,
    most: 100,
};

/// How many failures in a row open a breaker.
pub const BREAKER_FAILURES: Setting = Setting {
    name: "breaker.failures",
    what: "how many failures of a dependency in a row open its circuit breaker",
    default: 5,
    least: 1,
    most: 10_000,
};

/// How long a breaker stays open.
pub const BREAKER_OPEN: Setting = Setting {
    name: "breaker.open_ms",
    what: "how long a circuit breaker stays open before it lets one request through to try",
    default: 1000,
    least: 10,
    most: 600_000,
};

/// How long a program that is leaving goes on serving.
pub const DRAIN_GRACE: Setting = Setting {
    name: "drain.grace_ms",
    what: "how long an instance that has taken its leave goes on serving those who have not heard of it yet",
    default: 200,
    least: 0,
    most: 60_000,
};

/// Every setting.
pub const ALL: [&Setting; 7] = [
    &GATEWAY_TIMEOUT,
    &GATEWAY_WRITE_TIMEOUT,
    &GATEWAY_CONCURRENCY,
    &GATEWAY_RETRY_BUDGET,
    &BREAKER_FAILURES,
    &BREAKER_OPEN,
    &DRAIN_GRACE,
];

/// What the settings are set to: those that somebody has set, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, u64>);

impl Settings {
    /// A setting's value.
    pub fn get(&self, setting: &Setting) -> u64 {
        self.0.get(setting.name).copied().unwrap_or(setting.default)
    }

    /// The value of a setting in milliseconds, as a time.
    pub fn time(&self, setting: &Setting) -> Duration {
        Duration::from_millis(self.get(setting))
    }

    /// Sets one. The error says which names, or which values, there are.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let setting = ALL.into_iter().find(|setting| setting.name == name).ok_or_else(|| {
            let names: Vec<_> = ALL.iter().map(|setting| setting.name).collect();
            format!("there is no setting {name}; there are {}", names.join(", "))
        })?;
        let Setting { least, most, .. } = *setting;
        match value.as_u64().filter(|value| (least..=most).contains(value)) {
            Some(value) => {
                self.0.insert(name.to_owned(), value);
                Ok(())
            }
            None => Err(format!("{name} is a whole number from {least} to {most}, not {value}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_are_allowed_and_names_are_told_apart() {
        let mut settings = Settings::default();
        for setting in ALL {
            assert_eq!(settings.get(setting), setting.default);
            settings.set(setting.name, &json!(setting.default)).unwrap();
            assert_eq!(ALL.iter().filter(|other| other.name == setting.name).count(), 1);
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_changes_nothing() {
        let mut settings = Settings::default();
        settings.set("gateway.timeout_ms", &json!(50)).unwrap();
        for wrong in [json!(9), json!(-1), json!(60_001), json!(50.5), json!("50"), json!(null)] {
            let said = settings.set("gateway.timeout_ms", &wrong).unwrap_err();
            assert!(said.contains("from 10 to 60000") && said.contains(&wrong.to_string()), "{said}");
        }
        let said = settings.set("gateway.timeout", &json!(50)).unwrap_err();
        assert!(ALL.iter().all(|setting| said.contains(setting.name)), "{said}");
        assert_eq!(settings.get(&GATEWAY_TIMEOUT), 50);
    }
}
