//! The drivers: how a shop stays consistent. Each belongs to one architecture and runs the checkout on it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Mode, words};

/// How the checkout runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Driver {
    /// Monolith: one local transaction.
    Local,
    /// Monolith: one branch per module, two-phase commit.
    TwoPhase,
    /// Services: orchestrated saga.
    Orchestrated,
    /// Services: choreographed saga.
    Choreographed,
    /// Services: try-confirm-cancel.
    Tcc,
    /// Services that write to database and broker without outbox and inbox. Incorrect on purpose.
    Naive,
}

impl Driver {
    /// All drivers. The one that is incorrect on purpose comes last.
    pub const ALL: [Driver; 6] = [
        Driver::Local,
        Driver::TwoPhase,
        Driver::Orchestrated,
        Driver::Choreographed,
        Driver::Tcc,
        Driver::Naive,
    ];

    /// All drivers that are meant to be correct.
    pub const CORRECT: [Driver; 5] =
        [Driver::Local, Driver::TwoPhase, Driver::Orchestrated, Driver::Choreographed, Driver::Tcc];

    /// Whether it breaks the rules of correctness on purpose, to show what they prevent.
    pub fn is_broken_on_purpose(self) -> bool {
        !Driver::CORRECT.contains(&self)
    }

    /// The architecture on which it runs.
    pub fn mode(self) -> Mode {
        match self {
            Driver::Local | Driver::TwoPhase => Mode::Monolith,
            Driver::Orchestrated | Driver::Choreographed | Driver::Tcc | Driver::Naive => Mode::Split,
        }
    }

    /// Its name within its architecture: the value of `--transaction` or `--saga`.
    pub fn name(self) -> &'static str {
        match self {
            Driver::Local => "local",
            Driver::TwoPhase => "two-phase",
            Driver::Orchestrated => "orchestrated",
            Driver::Choreographed => "choreographed",
            Driver::Tcc => "tcc",
            Driver::Naive => "naive",
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.mode(), self.name()))
    }
}

impl FromStr for Driver {
    type Err = String;

    /// Parses `split:tcc`, or an architecture alone, which means its default driver.
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "monolith" => Ok(Driver::Local),
            "split" => Ok(Driver::Orchestrated),
            word => Driver::ALL.into_iter().find(|driver| driver.to_string() == word).ok_or_else(|| {
                let all = Driver::ALL.map(|driver| driver.to_string()).join(", ");
                words::unknown_mode(word, all)
            }),
        }
    }
}

impl From<Driver> for String {
    fn from(driver: Driver) -> String {
        driver.to_string()
    }
}

impl TryFrom<String> for Driver {
    type Error = String;
    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

/// The programs that these drivers need, each listed once.
pub fn programs(drivers: &[Driver]) -> Vec<&'static str> {
    let asked_for = |mode: &Mode| drivers.iter().any(|driver| driver.mode() == *mode);
    let of_modes = Mode::ALL.into_iter().filter(asked_for);
    of_modes.flat_map(Mode::programs).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_is_named_with_its_architecture() {
        for driver in Driver::ALL {
            assert_eq!(driver.to_string().parse(), Ok(driver));
        }
        assert_eq!("monolith".parse(), Ok(Driver::Local));
        assert_eq!("split".parse(), Ok(Driver::Orchestrated));
        for bad in ["", "tcc", "monolith:tcc", "split:local", "Split"] {
            assert!(bad.parse::<Driver>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_program_is_built_once() {
        assert_eq!(programs(&[Driver::Local, Driver::TwoPhase]), ["monolith"]);
        let every = programs(&[Driver::Tcc, Driver::Local, Driver::Naive]);
        let once: std::collections::BTreeSet<_> = every.iter().collect();
        assert_eq!(once.len(), every.len());
        assert!(every.contains(&"monolith") && every.contains(&"orders-service"), "{every:?}");
    }
}
