//! The drivers: how a shop stays consistent. Each belongs to one architecture and runs the checkout on it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::mode::{BEFORE_MONOLITHS, MONOLITH};
use crate::{Away, MOVABLE, Mode, SERVICES, words};

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
    /// A monolith that some modules have left: local transactions at home, an orchestrated saga beyond.
    Hybrid(Away),
    /// Services that write to database and broker without outbox and inbox. Incorrect on purpose.
    Naive,
}

impl Driver {
    /// All drivers but hybrids. The one that is incorrect on purpose comes last.
    pub const ALL: [Driver; 6] = [
        Driver::Local,
        Driver::TwoPhase,
        Driver::Orchestrated,
        Driver::Choreographed,
        Driver::Tcc,
        Driver::Naive,
    ];

    /// All drivers but hybrids that are meant to be correct.
    pub const CORRECT: [Driver; 5] =
        [Driver::Local, Driver::TwoPhase, Driver::Orchestrated, Driver::Choreographed, Driver::Tcc];

    /// Three hybrids that stand for all: one module out, two out, and all but orders and catalog out.
    pub const HYBRIDS: [Driver; 3] =
        [Driver::Hybrid(Away(0b0100)), Driver::Hybrid(Away(0b1100)), Driver::Hybrid(Away(0b1110))];

    /// The drivers that every check of correctness runs on: all that are meant to be correct, and three hybrids.
    pub const CHECKED: [Driver; 8] = [
        Driver::Local,
        Driver::TwoPhase,
        Driver::Orchestrated,
        Driver::Choreographed,
        Driver::Tcc,
        Driver::HYBRIDS[0],
        Driver::HYBRIDS[1],
        Driver::HYBRIDS[2],
    ];

    /// Every hybrid.
    pub fn hybrids() -> impl Iterator<Item = Driver> {
        Away::all().map(Driver::Hybrid)
    }

    /// From the monolith to the split shop, with one module more out at each stage.
    pub const LADDER: [Driver; 5] = [
        Driver::Local,
        Driver::Hybrid(Away(0b0100)),
        Driver::Hybrid(Away(0b1100)),
        Driver::Hybrid(Away(0b1110)),
        Driver::Orchestrated,
    ];

    /// Whether it breaks the rules of correctness on purpose, to show what they prevent.
    pub fn is_broken_on_purpose(self) -> bool {
        self == Driver::Naive
    }

    /// The architecture on which it runs.
    pub fn mode(self) -> Mode {
        match self {
            Driver::Local | Driver::TwoPhase => Mode::Monolith,
            Driver::Hybrid(_) => Mode::Hybrid,
            Driver::Orchestrated | Driver::Choreographed | Driver::Tcc | Driver::Naive => Mode::Split,
        }
    }

    /// Whether its processes send messages, so that it needs a broker.
    pub fn has_messages(self) -> bool {
        self.mode() != Mode::Monolith
    }

    /// Whether an orchestrator stores the state of each checkout as a saga.
    pub fn has_sagas(self) -> bool {
        matches!(self, Driver::Orchestrated | Driver::Tcc | Driver::Hybrid(_))
    }

    /// The modules that share no transaction with orders, in the order of the checkout's plan.
    pub fn apart(self) -> Vec<&'static str> {
        match self.mode() {
            Mode::Monolith => Vec::new(),
            Mode::Hybrid => self.away(),
            Mode::Split => MOVABLE.to_vec(),
        }
    }

    /// The modules that have left the monolith; none in other modes.
    pub fn away(self) -> Vec<&'static str> {
        match self {
            Driver::Hybrid(away) => away.modules(),
            _ => Vec::new(),
        }
    }

    /// Its services, by the names of their first instances. A monolith is one service.
    pub fn services(self) -> Vec<&'static str> {
        match self.mode() {
            Mode::Monolith => vec![MONOLITH],
            Mode::Split => SERVICES.to_vec(),
            Mode::Hybrid => [MONOLITH].into_iter().chain(self.away()).collect(),
        }
    }

    /// The service that runs this module.
    pub fn service_of(self, module: &'static str) -> &'static str {
        match self.mode() {
            Mode::Monolith => MONOLITH,
            Mode::Split => module,
            Mode::Hybrid if self.away().contains(&module) => module,
            Mode::Hybrid => MONOLITH,
        }
    }

    /// The programs that it needs, by the names of their cargo packages.
    pub fn programs(self) -> Vec<&'static str> {
        let mut programs: Vec<&str> = self.services().into_iter().map(program).collect();
        if self.has_messages() {
            programs.extend(BEFORE_MONOLITHS);
        }
        programs
    }

    /// Its name within its architecture: the value of `--transaction` or `--saga`, or what has left a hybrid.
    pub fn name(self) -> &'static str {
        match self {
            Driver::Local => "local",
            Driver::TwoPhase => "two-phase",
            Driver::Orchestrated => "orchestrated",
            Driver::Choreographed => "choreographed",
            Driver::Tcc => "tcc",
            Driver::Naive => "naive",
            Driver::Hybrid(away) => away.name(),
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
            "hybrid" => Err(words::hybrid_of_what()),
            word if word.starts_with("hybrid:") => word["hybrid:".len()..].parse().map(Driver::Hybrid),
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

/// The program that runs a service.
pub(crate) fn program(service: &'static str) -> &'static str {
    match service {
        "catalog" => "catalog-service",
        "inventory" => "inventory-service",
        "orders" => "orders-service",
        "payments" => "payments-service",
        "shipping" => "shipping-service",
        service => service,
    }
}

/// The programs that these drivers need, each listed once.
pub fn programs(drivers: &[Driver]) -> Vec<&'static str> {
    let mut programs = Vec::new();
    for program in drivers.iter().flat_map(|driver| driver.programs()) {
        if !programs.contains(&program) {
            programs.push(program);
        }
    }
    programs
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
        let hybrid: Driver = "hybrid:shipping/payments".parse().unwrap();
        assert_eq!(hybrid.to_string(), "hybrid:payments/shipping");
        assert_eq!(
            Driver::HYBRIDS.map(Driver::name),
            ["payments", "payments/shipping", "inventory/payments/shipping"]
        );
        assert_eq!(hybrid.services(), ["monolith", "payments", "shipping"]);
        assert_eq!((hybrid.service_of("catalog"), hybrid.service_of("payments")), ("monolith", "payments"));
        for bad in ["", "hybrid", "hybrid:", "hybrid:orders", "tcc", "monolith:tcc", "split:local", "Split"] {
            assert!(bad.parse::<Driver>().is_err(), "{bad}");
        }
    }

    #[test]
    fn one_module_more_is_apart_at_each_stage_of_the_ladder() {
        for stages in Driver::LADDER.windows(2) {
            let (before, after) = (stages[0].apart(), stages[1].apart());
            assert_eq!(after.len(), before.len() + 1, "{stages:?}");
            assert!(before.iter().all(|module| after.contains(module)), "{stages:?}");
        }
        assert_eq!(Driver::LADDER[4].apart().len(), MOVABLE.len());
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
