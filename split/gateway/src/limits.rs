//! The gateway's current limits.

use std::time::Duration;

use platform::settings::Settings;
use registry::settings::{
    BREAKER_FAILURES, BREAKER_OPEN, GATEWAY_CONCURRENCY, GATEWAY_RETRY_BUDGET, GATEWAY_TIMEOUT,
    GATEWAY_WRITE_TIMEOUT,
};

/// The settings that the gateway follows. Each is described where it is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub timeout: Duration,
    pub write_timeout: Duration,
    pub concurrency: u64,
    pub retry_percent: u64,
    pub failures: u64,
    pub open: Duration,
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        Self {
            timeout: settings.time(&GATEWAY_TIMEOUT),
            write_timeout: settings.time(&GATEWAY_WRITE_TIMEOUT),
            concurrency: settings.get(&GATEWAY_CONCURRENCY),
            retry_percent: settings.get(&GATEWAY_RETRY_BUDGET),
            failures: settings.get(&BREAKER_FAILURES),
            open: settings.time(&BREAKER_OPEN),
        }
    }
}
