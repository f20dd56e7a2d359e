//! The crash points, and the processes of each driver that reach them.

use anyhow::{Result, bail};

use crate::words;
use topology::{Driver, Mode, SERVICES};

/// A point in the code at which a process can be made to abort.
#[derive(Debug)]
pub struct Point {
    /// Its name, as in the programs' `--crash-at`.
    pub name: &'static str,
    /// The part of the code in which it lies.
    place: Place,
}

/// The part of the code to which a point belongs.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Placing an order: the process that takes orders.
    Orders,
    /// A step of the checkout, or a commit: every process.
    Everywhere,
    /// Compensation: every service that has something to undo.
    Compensation,
    /// The chassis: every service.
    Chassis,
    /// The coordinator of a saga, or of try-confirm-cancel.
    Orchestrator,
    /// Two-phase commit.
    TwoPhase,
}

/// All points. A test compares them with those of the programs.
pub const POINTS: &[Point] = &[
    at("before-order-write", Place::Orders),
    at("after-order-write", Place::Orders),
    at("before-business-write", Place::Everywhere),
    at("after-business-write", Place::Everywhere),
    at("before-compensation", Place::Compensation),
    at("after-compensation", Place::Compensation),
    at("before-commit", Place::Everywhere),
    at("after-commit", Place::Everywhere),
    at("before-inbox-row", Place::Chassis),
    at("after-inbox-row", Place::Chassis),
    at("before-outbox-write", Place::Chassis),
    at("after-outbox-write", Place::Chassis),
    at("before-ack", Place::Chassis),
    at("after-ack", Place::Chassis),
    at("before-publish", Place::Chassis),
    at("after-publish", Place::Chassis),
    at("after-confirm", Place::Chassis),
    at("after-mark-sent", Place::Chassis),
    at("before-saga-start", Place::Orchestrator),
    at("after-saga-start", Place::Orchestrator),
    at("before-saga-advance", Place::Orchestrator),
    at("after-saga-advance", Place::Orchestrator),
    at("after-saga-save", Place::Orchestrator),
    at("before-prepare", Place::TwoPhase),
    at("after-prepare", Place::TwoPhase),
    at("before-decision", Place::TwoPhase),
    at("after-decision", Place::TwoPhase),
    at("before-commit-prepared", Place::TwoPhase),
    at("after-commit-prepared", Place::TwoPhase),
    at("before-forget", Place::TwoPhase),
    at("after-forget", Place::TwoPhase),
];

const fn at(name: &'static str, place: Place) -> Point {
    Point { name, place }
}

impl Point {
    /// The processes of a driver that reach the point; empty if none does.
    pub fn processes(&self, driver: Driver) -> &'static [&'static str] {
        let coordinated = matches!(driver, Driver::Orchestrated | Driver::Tcc);
        match (driver.mode(), self.place) {
            (Mode::Monolith, Place::Orders | Place::Everywhere) => &["monolith"],
            (Mode::Monolith, Place::TwoPhase) if driver == Driver::TwoPhase => &["monolith"],
            (Mode::Split, Place::Orders) => &["orders"],
            (Mode::Split, Place::Orchestrator) if coordinated => &["orders"],
            (Mode::Split, Place::Everywhere | Place::Chassis) => &SERVICES,
            (Mode::Split, Place::Compensation) => &["inventory", "payments", "catalog", "orders"],
            _ => &[],
        }
    }
}

/// The points with these names, or all points if no name is given.
pub fn chosen(names: &[String]) -> Result<Vec<&'static Point>> {
    if names.is_empty() {
        return Ok(POINTS.iter().collect());
    }
    let find = |name: &String| match POINTS.iter().find(|point| point.name == name) {
        Some(point) => Ok(point),
        None => {
            let all: Vec<&str> = POINTS.iter().map(|point| point.name).collect();
            bail!(words::no_such_point(name, all.join(", ")))
        }
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_lies_somewhere_and_the_broken_driver_has_no_point_of_its_own() {
        for point in POINTS {
            assert!(
                Driver::CORRECT.iter().any(|driver| !point.processes(*driver).is_empty()),
                "{}",
                point.name
            );
        }
        assert!(POINTS.len() >= 24);
        assert!(chosen(&["after-commit".into()]).is_ok_and(|points| points.len() == 1));
        assert!(chosen(&["nowhere".into()]).unwrap_err().to_string().contains("after-commit"));
    }
}
