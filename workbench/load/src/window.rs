//! When a load is sent, and which part of it is measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the moments of sending are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Arrivals {
    /// By a clock: a slow answer does not delay the next order.
    Open {
        /// Orders intended per second.
        rate_per_s: f64,
    },
    /// By the answers: each client sends its next order when the last is decided. Finds the saturation.
    Closed {
        /// Clients that send at the same time.
        clients: u64,
    },
}

/// The measured part of a load, counted from its start.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The end of the warm-up.
    pub from: Duration,
    /// The end of the load.
    pub to: Duration,
}

impl Window {
    /// Whether a moment lies in it.
    pub fn holds(&self, moment: Duration) -> bool {
        (self.from..self.to).contains(&moment)
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        (self.to - self.from).as_secs_f64()
    }
}
