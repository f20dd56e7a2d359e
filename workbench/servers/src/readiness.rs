//! What a process of the shop says about itself: `GET /health/ready`.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::words;

/// A process's response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Readiness {
    /// Whether it can do its work now. `false` if it did not respond in time.
    #[serde(skip)]
    pub ready: bool,
    /// What parts of it wait for.
    #[serde(default)]
    pub waits: Vec<Waits>,
}

/// A part of a process that waits for something around it, and will try again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// The part that waits, such as `consumer`.
    pub part: String,
    /// What it waits for: `database` or `broker`.
    pub on: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The last error, in the process's own words.
    pub why: String,
}

impl Readiness {
    /// Asks the process at this address. Without a response within the limit it is not ready.
    pub async fn of(address: &str, limit: Duration) -> Readiness {
        // New connections only: a pooled one would test the connection, not the process.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(limit).build();
        let asked = async {
            let answer = client?.get(format!("{address}/health/ready")).send().await?;
            let ready = answer.status().is_success();
            Ok::<_, reqwest::Error>(Readiness { ready, ..answer.json().await.unwrap_or_default() })
        };
        asked.await.unwrap_or_default()
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part.as_str() {
            "consumer" => words::the_consumer(),
            "relay" => words::the_relay(),
            "recovery" => words::the_recovery(),
            "checkout" => words::the_checkout(),
            "HTTP server" => words::the_http_server(),
            "periodic work" => words::the_periodic_work(),
            other => other.to_owned(),
        };
        let on = match self.on.as_str() {
            "database" => words::the_database(),
            "broker" => words::the_broker(),
            other => other.to_owned(),
        };
        let since = self.since.format("%H:%M:%S UTC");
        f.write_str(&words::part_waits(part, on, since, &self.why))
    }
}
