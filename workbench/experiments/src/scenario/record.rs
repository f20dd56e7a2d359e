//! The record of a scenario: its `run.json`. docs/scenario.schema.json describes it for programs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::file::Steady;
use super::observe::{Availability, FaultWindow, Impact};
use crate::words;
use audit::live::Recording;
use audit::{Audit, Verdict};
use faults::Record;
use servers::record::Machine;
use shop::supervisor::Deployment;
use terminal::text::Text;
use topology::Capability;
use topology::Driver;

/// The format's name and version.
pub const SCHEMA: &str = "cleave.scenario/1";

/// One scenario, on one shop after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioRun {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The git commit that was run, with `-dirty` appended if files were modified; null outside git.
    pub commit: Option<String>,
    /// The version of the program `cleave`.
    pub cleave_version: String,
    /// The seed of the load.
    pub seed: u64,
    /// The machine it ran on.
    pub machine: Machine,
    /// The scenario's name.
    pub name: Text,
    /// What it shows.
    pub about: Text,
    /// Seconds of load.
    pub length_s: f64,
    /// What had to hold before and after.
    pub steady: Steady,
    /// The result of each shop, in the order of the options.
    pub shops: Vec<ScenarioOutcome>,
    /// The combined verdict of the audits and the steady state: a shop that does not recover is violated, and one that
    /// was not well at the start shows nothing.
    pub verdict: Verdict,
}

/// The result of one shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioOutcome {
    /// The driver.
    pub driver: Driver,
    /// Whether every capability was served before the first disturbance and in the last seconds of the load.
    pub steady: SteadyState,
    /// Availability, capability by capability.
    pub availability: BTreeMap<Capability, Availability>,
    /// When something was disturbed, or deployed, or scaled.
    pub windows: Vec<FaultWindow>,
    /// The blast radius: what each disturbance did to each capability.
    pub blast_radius: BTreeMap<Capability, Vec<Impact>>,
    /// The outcomes of the orders.
    pub orders: Orders,
    /// The faults, with what each really hit.
    pub faults: Vec<Record>,
    /// Steps of the scenario that this architecture has no counterpart for, and why.
    pub without_counterpart: Vec<Text>,
    /// The deployments.
    pub deployments: Vec<Deployment>,
    /// How often each process was restarted.
    pub restarts: BTreeMap<String, u64>,
    /// The live audit, in seconds from the start of the load.
    pub live: Recording,
    /// The audit after everything had come to rest.
    pub audit: Vec<Audit>,
}

/// The steady state, looked at twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SteadyState {
    /// In the first seconds.
    pub before: bool,
    /// In the last seconds.
    pub after: bool,
}

/// The outcomes of a scenario's orders.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Orders {
    /// Orders that customers wanted.
    pub wanted: u64,
    /// Orders that the shop accepted, at any try.
    pub accepted: u64,
    /// Accepted orders that no database has: must be none.
    pub lost: u64,
    /// Orders that exist and were not placed: must be none.
    pub doubled: u64,
    /// Accepted orders that were decided.
    pub decided: u64,
    /// Accepted orders that were decided within two seconds of when their customer wanted them. A split shop accepts
    /// first and decides later, a monolith does both at once: only this is the same promise in both.
    pub decided_within_2_s: u64,
    /// Orders that were decided later than two seconds after their customer wanted them.
    pub delayed: u64,
    /// Seconds that the slowest decided order took; null if none was decided.
    pub slowest_s: Option<f64>,
    /// Why the load generator could not send requests, and how many. If this is not empty, the load was not the
    /// requested one, and the scenario is no evidence.
    #[serde(default)]
    pub hindered: BTreeMap<String, u64>,
}

impl Orders {
    /// No evidence if part of the load could not be sent.
    pub fn sent(&self) -> Verdict {
        if self.hindered.is_empty() { Verdict::Held } else { Verdict::NoEvidence }
    }

    /// One sentence for each reason why requests could not be sent.
    pub fn hindrances(&self) -> impl Iterator<Item = String> {
        self.hindered.iter().map(|(reason, times)| words::not_sent(times, report::reason(reason)))
    }
}
