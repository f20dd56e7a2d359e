//! The crash points, and the processes of each driver that reach them.

use anyhow::{Result, bail};

use crate::words;
use topology::{Driver, Mode};

/// A point in the code at which a process can be made to abort.
#[derive(Debug)]
pub struct Point {
    /// Its name, as in the programs' `--crash-at`.
    pub name: &'static str,
    /// The part of the code in which it lies.
    part: CodePart,
}

/// The part of the code to which a point belongs.
#[derive(Debug, Clone, Copy)]
enum CodePart {
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
    at("before-order-write", CodePart::Orders),
    at("after-order-write", CodePart::Orders),
    at("before-business-write", CodePart::Everywhere),
    at("after-business-write", CodePart::Everywhere),
    at("before-compensation", CodePart::Compensation),
    at("after-compensation", CodePart::Compensation),
    at("before-commit", CodePart::Everywhere),
    at("after-commit", CodePart::Everywhere),
    at("before-inbox-row", CodePart::Chassis),
    at("after-inbox-row", CodePart::Chassis),
    at("before-outbox-write", CodePart::Chassis),
    at("after-outbox-write", CodePart::Chassis),
    at("before-ack", CodePart::Chassis),
    at("after-ack", CodePart::Chassis),
    at("before-publish", CodePart::Chassis),
    at("after-publish", CodePart::Chassis),
    at("after-confirm", CodePart::Chassis),
    at("after-mark-sent", CodePart::Chassis),
    at("before-saga-start", CodePart::Orchestrator),
    at("after-saga-start", CodePart::Orchestrator),
    at("before-saga-advance", CodePart::Orchestrator),
    at("after-saga-advance", CodePart::Orchestrator),
    at("after-saga-save", CodePart::Orchestrator),
    at("before-prepare", CodePart::TwoPhase),
    at("after-prepare", CodePart::TwoPhase),
    at("before-decision", CodePart::TwoPhase),
    at("after-decision", CodePart::TwoPhase),
    at("before-commit-prepared", CodePart::TwoPhase),
    at("after-commit-prepared", CodePart::TwoPhase),
    at("before-forget", CodePart::TwoPhase),
    at("after-forget", CodePart::TwoPhase),
];

const fn at(name: &'static str, part: CodePart) -> Point {
    Point { name, part }
}

impl Point {
    /// The processes of a driver that reach the point; empty if none does.
    pub fn processes(&self, driver: Driver) -> Vec<&'static str> {
        let orders = driver.service_of("orders");
        match (driver.mode(), self.part) {
            (_, CodePart::Orders) => vec![orders],
            (_, CodePart::Everywhere) => driver.services(),
            (Mode::Monolith, CodePart::TwoPhase) if driver == Driver::TwoPhase => vec![orders],
            (Mode::Split | Mode::Hybrid, CodePart::Orchestrator) if driver.has_sagas() => vec![orders],
            (Mode::Split | Mode::Hybrid, CodePart::Chassis) => driver.services(),
            (Mode::Split | Mode::Hybrid, CodePart::Compensation) => {
                let undo = ["inventory", "payments", "catalog", "orders"].map(|it| driver.service_of(it));
                driver.services().into_iter().filter(|service| undo.contains(service)).collect()
            }
            _ => Vec::new(),
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
