//! The two architectures, and the programs of each.

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
}

impl Mode {
    /// Both modes.
    pub const ALL: [Mode; 2] = [Mode::Monolith, Mode::Split];

    /// Its programs, by the names of their cargo packages.
    pub fn programs(self) -> &'static [&'static str] {
        match self {
            Mode::Monolith => &["monolith"],
            Mode::Split => &[
                "catalog-service",
                "inventory-service",
                "orders-service",
                "payments-service",
                "shipping-service",
                "gateway",
                "registry",
            ],
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mode::Monolith => "monolith",
            Mode::Split => "split",
        })
    }
}

/// The additional programs that put a monolith behind a gateway.
pub const BEFORE_MONOLITHS: [&str; 2] = ["gateway", "registry"];
