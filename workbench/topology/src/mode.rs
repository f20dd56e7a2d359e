//! The architectures.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One process, one database, one transaction.
    Monolith,
    /// One process and one database per service, with messages between them.
    Split,
    /// Some modules in one process with one database, the others as services.
    Hybrid,
}

impl Mode {
    /// The two ends, without what lies between them.
    pub const ALL: [Mode; 2] = [Mode::Monolith, Mode::Split];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mode::Monolith => "monolith",
            Mode::Split => "split",
            Mode::Hybrid => "hybrid",
        })
    }
}

/// The name of the monolith, as a service and as a program.
pub const MONOLITH: &str = "monolith";

/// The programs of a gateway, before services or monoliths.
pub const BEFORE_MONOLITHS: [&str; 2] = ["gateway", "registry"];
