//! How the send times of a load are chosen, and which part of it is measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How send times are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Arrivals {
    /// Open loop: by schedule. A slow response does not delay the next order.
    Open {
        /// Intended orders per second.
        rate_per_s: f64,
    },
    /// Closed loop: each client sends its next order when its last one is decided. Finds the saturation.
    Closed {
        /// Concurrent clients.
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
    /// Whether a moment lies in the window.
    pub fn holds(&self, moment: Duration) -> bool {
        (self.from..self.to).contains(&moment)
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        (self.to - self.from).as_secs_f64()
    }
}
