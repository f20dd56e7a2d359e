//! All settings that there are. They stand here because the registry refuses any other, and says what each is; the
//! gateway, which follows most of them, reads them from here.

use platform::settings::{DRAIN_GRACE, Setting, Settings};
use serde_json::Value;

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

/// Every setting, in the order in which `GET /settings` tells them.
pub const ALL: [&Setting; 7] = [
    &GATEWAY_TIMEOUT,
    &GATEWAY_WRITE_TIMEOUT,
    &GATEWAY_CONCURRENCY,
    &GATEWAY_RETRY_BUDGET,
    &BREAKER_FAILURES,
    &BREAKER_OPEN,
    &DRAIN_GRACE,
];

/// Sets the setting of this name. The error says which names, or which values, there are.
pub fn set(settings: &mut Settings, name: &str, value: &Value) -> Result<(), String> {
    let setting = ALL.into_iter().find(|setting| setting.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|setting| setting.name).collect();
        format!("there is no setting {name}; there are {}", names.join(", "))
    })?;
    settings.set(setting, value)
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
            set(&mut settings, setting.name, &json!(setting.default)).unwrap();
            assert_eq!(ALL.iter().filter(|other| other.name == setting.name).count(), 1);
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_answered_with_those_that_are() {
        let mut settings = Settings::default();
        let said = set(&mut settings, "gateway.timeout", &json!(50)).unwrap_err();
        assert!(ALL.iter().all(|setting| said.contains(setting.name)), "{said}");
        assert_eq!(settings, Settings::default());
    }
}
