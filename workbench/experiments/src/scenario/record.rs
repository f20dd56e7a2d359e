//! What a scenario leaves behind: its `run.json`. docs/scenario.schema.json describes the same for programs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::file::Steady;
use super::observe::{Availability, FaultWindow, Impact};
use audit::live::Recording;
use audit::{Audit, Verdict};
use faults::Record;
use servers::record::Machine;
use shop::supervisor::Deployment;
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
    /// The git commit that was run, with `-dirty` where files differ from it; null outside git.
    pub commit: Option<String>,
    /// The version of the program `cleave`.
    pub cleave_version: String,
    /// Where all randomness of the load came from.
    pub seed: u64,
    /// The machine it ran on.
    pub machine: Machine,
    /// The scenario's name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Seconds of load.
    pub length_s: f64,
    /// What had to hold before and after.
    pub steady: Steady,
    /// What became of each shop, in the order asked for.
    pub shops: Vec<Outcome>,
    /// The audits' verdicts and the steady state, taken together: a shop that does not come back is violated, and one that
    /// was not well to begin with shows nothing.
    pub verdict: Verdict,
}

/// What became of one shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it stays consistent.
    pub driver: Driver,
    /// Whether every capability was served before the first disturbance and in the last seconds of the load.
    pub steady: SteadyState,
    /// Availability, capability by capability.
    pub availability: BTreeMap<Capability, Availability>,
    /// When something was disturbed, or deployed, or scaled.
    pub windows: Vec<FaultWindow>,
    /// The blast radius: what each disturbance did to each capability.
    pub blast_radius: BTreeMap<Capability, Vec<Impact>>,
    /// What became of the orders.
    pub orders: Orders,
    /// The faults, with what each really hit.
    pub faults: Vec<Record>,
    /// Steps of the scenario that this architecture has no counterpart for, and why.
    pub without_counterpart: Vec<String>,
    /// The deployments.
    pub deployments: Vec<Deployment>,
    /// How often each process was started again.
    pub restarts: BTreeMap<String, u64>,
    /// What the databases said while it ran, in seconds from the start of the load.
    pub live: Recording,
    /// What the databases said when all had come to rest.
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

/// What became of the orders of a scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Orders {
    /// Orders that customers wanted.
    pub wanted: u64,
    /// Orders that the shop took charge of, at whichever try.
    pub accepted: u64,
    /// Accepted orders that no database has: must be none.
    pub lost: u64,
    /// Orders that are there and that nobody placed: must be none.
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
    /// What kept the load generator from sending, and how many requests of any kind. Where it is not empty, the load was
    /// another than was asked for, and what became of it is no evidence of anything.
    #[serde(default)]
    pub hindered: BTreeMap<String, u64>,
}

impl Orders {
    /// No evidence, where the load could not be sent.
    pub fn sent(&self) -> Verdict {
        if self.hindered.is_empty() { Verdict::Held } else { Verdict::NoEvidence }
    }

    /// What kept the generator from sending, a sentence each.
    pub fn hindrances(&self) -> impl Iterator<Item = String> {
        let sentence = |(reason, times): (&String, &u64)| {
            format!("no evidence: {times} requests could not be sent, {reason}")
        };
        self.hindered.iter().map(sentence)
    }
}
