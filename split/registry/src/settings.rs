//! All settings. They are defined here because the registry rejects unknown ones and describes the others. The gateway,
//! which follows most of them, imports them from here.

use platform::settings::{DRAIN_GRACE, Setting, Settings};
use serde_json::Value;

/// How long the gateway waits for the response to a read.
pub const GATEWAY_TIMEOUT: Setting = Setting {
    name: "gateway.timeout_ms",
    what: "how long the gateway waits for an instance's response to a GET before it tries another",
    default: 700,
    least: 10,
    most: 60_000,
};

/// How long the gateway waits for the response to a write.
pub const GATEWAY_WRITE_TIMEOUT: Setting = Setting {
    name: "gateway.write_timeout_ms",
    what: "how long the gateway waits for an instance's response to anything but a GET, plus any `Prefer: wait`",
    default: 5000,
    least: 10,
    most: 60_000,
};

/// How many requests to one dependency may be in progress.
pub const GATEWAY_CONCURRENCY: Setting = Setting {
    name: "gateway.concurrency",
    what: "how many requests to one dependency the gateway may have in progress",
    default: 1000,
    least: 1,
    most: 100_000,
};

/// How many retries the gateway may add to the requests that it received.
pub const GATEWAY_RETRY_BUDGET: Setting = Setting {
    name: "gateway.retry_budget_percent",
    what: "how many retries the gateway may add per hundred requests to a dependency",
    default: 20,
    least: 0,
    most: 100,
};

/// How many consecutive failures open a breaker.
pub const BREAKER_FAILURES: Setting = Setting {
    name: "breaker.failures",
    what: "how many consecutive failures of a dependency open its circuit breaker",
    default: 5,
    least: 1,
    most: 10_000,
};

/// How long a breaker stays open.
pub const BREAKER_OPEN: Setting = Setting {
    name: "breaker.open_ms",
    what: "how long a circuit breaker stays open before it lets one request through as a probe",
    default: 1000,
    least: 10,
    most: 600_000,
};

/// The modules that have left the monolith. Until it is set, the gateway's own `--away` counts.
pub const PLACEMENT_AWAY: Setting = Setting {
    name: "placement.away",
    what: "modules that have left the monolith, as a sum: catalog 1, inventory 2, payments 4, shipping 8",
    default: 0,
    least: 0,
    most: 15,
};

/// The modules whose writes the gateway holds back.
pub const PLACEMENT_HELD: Setting = Setting {
    name: "placement.held",
    what: "modules whose writes, and all orders, wait in the gateway while they move, as a sum like placement.away",
    default: 0,
    least: 0,
    most: 15,
};

/// The modules whose reads are answered twice.
pub const PLACEMENT_COMPARED: Setting = Setting {
    name: "placement.compared",
    what: "modules whose reads go to the monolith and to the service, which are compared, as a sum like placement.away",
    default: 0,
    least: 0,
    most: 15,
};

/// Every setting, in the order of `GET /settings`.
pub const ALL: [&Setting; 10] = [
    &GATEWAY_TIMEOUT,
    &GATEWAY_WRITE_TIMEOUT,
    &GATEWAY_CONCURRENCY,
    &GATEWAY_RETRY_BUDGET,
    &BREAKER_FAILURES,
    &BREAKER_OPEN,
    &DRAIN_GRACE,
    &PLACEMENT_AWAY,
    &PLACEMENT_HELD,
    &PLACEMENT_COMPARED,
];

/// Changes the setting with this name. Fails with the allowed names or values.
pub fn set(settings: &mut Settings, name: &str, value: &Value) -> Result<(), String> {
    let setting = ALL.into_iter().find(|setting| setting.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|setting| setting.name).collect();
        format!("there is no setting {name}; the settings are {}", names.join(", "))
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
