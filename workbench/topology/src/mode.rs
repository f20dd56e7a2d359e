//! The two architectures, and the programs that each consists of.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One process, one database, one transaction.
    Monolith,
    /// A process and a database a service, messages between them.
    Split,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Mode; 2] = [Mode::Monolith, Mode::Split];

    /// The programs that it consists of, as cargo's packages are called.
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

/// The programs that a monolith needs besides its own to stand behind a gateway.
pub const BEFORE_MONOLITHS: [&str; 2] = ["gateway", "registry"];
