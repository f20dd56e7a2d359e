//! The data of one second: the dashboard sends it to the page, records it, and plays it back.
//!
//! These types are the format. `docs/live.schema.json` describes it for other programs, and a test compares the two.
//! Field names include units. A figure that could not be measured is null, by rule 62 (no zero).

mod shop;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use shop::{
    Breaker, Cost, Database, Finding, Latency, Notable, NotableOrder, Process, Queue, Seen, Shop,
};

use report::run::Comparison;
use servers::busy::Busy;
use servers::record::Machine;
use topology::Driver;

/// The format's name and version, in the first line of every recording.
pub const SCHEMA: &str = "cleave.live/1";

/// The first line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The version of the program `cleave`.
    pub cleave_version: String,
    /// The git commit, with `-dirty` appended if files were modified; null outside git.
    pub commit: Option<String>,
    /// The machine that the shops ran on.
    pub machine: Machine,
    /// The seed of the load.
    pub seed: u64,
    /// Whether the shops ran one after the other: two recordings shown side by side.
    #[serde(default)]
    pub in_turn: bool,
}

/// What happened in one second, in all shops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its number since the start of the dashboard, ascending. If the dashboard had no time for a second, its number is
    /// skipped.
    pub second: u64,
    /// Its end.
    pub at: DateTime<Utc>,
    /// The load that was sent to both shops.
    pub load: Load,
    /// The shops, always in the same order.
    pub shops: Vec<Shop>,
    /// The active faults, and those that ended within the last ten seconds.
    pub faults: Vec<Fault>,
    /// The supervisors' observations and actions since the previous sample: restarts, scaling, deployments.
    pub events: Vec<Event>,
    /// The costs of an order: the second shop compared with the first, figure by figure. Empty with one shop.
    pub comparison: Vec<Comparison>,
    /// The number of windows of [`super::cost::WINDOW`] in the comparison, without those with a fault.
    pub windows: u64,
    /// Evidence that the machine is overloaded, so that delays may not be due to a shop; null if there is none.
    #[serde(default)]
    pub busy: Option<Busy>,
    /// What the dashboard itself uses.
    pub dashboard: OwnCost,
    /// The recording of this session.
    pub recording: Recording,
}

/// The load, the same for both shops: each order is sent to both at the same intended moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The requested orders per second for each shop; 0 without a load.
    pub rate_per_s: f64,
    /// Intended outcome (`confirmed` or the code of a refusal) and its share of the orders. The shares add up to 1.
    pub mix: BTreeMap<String, f64>,
    /// The current flash sale.
    pub flash_sale: Option<FlashSale>,
    /// The 99th percentile of the generator's delay, in milliseconds. If it is of the same size as the latencies, they
    /// describe the generator.
    pub late_p99_ms: Option<f64>,
}

/// A flash sale: nearly all customers order a few products, of which only a few are left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlashSale {
    /// How many products are on sale.
    pub products: u64,
    /// Units of each product at the sale's price.
    pub quota: u64,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// A fault, in one of the shops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The number to heal it by; unique within its shop.
    pub id: u64,
    /// The shop.
    pub shop: Driver,
    /// The kind, such as `latency`.
    pub kind: String,
    /// Its target, such as `gateway-inventory`; null for a server, which the kind names.
    pub target: Option<String>,
    /// A description, such as `latency on gateway-inventory`.
    pub name: String,
    /// Its start.
    pub from: DateTime<Utc>,
    /// Its end: when it ended, or when it will heal by itself.
    pub until: DateTime<Utc>,
    /// Whether it is active.
    pub active: bool,
    /// How often it has hit so far. 0 means that it had no effect.
    pub hits: u64,
    /// Why it could not be healed, if so.
    pub problem: Option<String>,
}

/// An observation or action of a supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// The shop.
    pub shop: Driver,
    /// The process.
    pub process: String,
    /// Whether it is unexpected.
    pub warning: bool,
    /// A message for people.
    pub message: String,
}

/// What the dashboard itself uses. The load is sent by another process and not included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnCost {
    /// In per cent of one core.
    pub cpu_percent: Option<f64>,
    /// In MB (10⁶ bytes); null if it cannot be read.
    pub memory_mb: Option<f64>,
    /// The number of open pages.
    pub pages: u64,
}

/// The recording of this session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The folder, for `cleave replay`; null if nothing is recorded.
    pub folder: Option<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it has reached its size limit and stopped.
    pub full: bool,
}

/// Rounds to hundredths, to keep recordings short.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_types_and_the_schema_are_one() {
        let schema: Value = serde_json::from_str(include_str!("../../../../docs/live.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let example = include_str!("../../tests/data/live.jsonl");
        let (first, rest) = example.split_once('\n').unwrap();
        let header: Header = serde_json::from_str(first).unwrap();
        let samples = rest.lines().map(|line| serde_json::from_str::<Sample>(line).unwrap());
        let written = samples.map(|sample| serde_json::to_value(sample).unwrap());
        let all: Vec<Value> = [serde_json::to_value(header).unwrap()].into_iter().chain(written).collect();
        for value in &all {
            let problems: Vec<String> = validator
                .iter_errors(value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(problems.is_empty(), "{problems:#?}");
        }
        // A field that is missing, or not in the schema, is noticed.
        let mut wrong = all[1].clone();
        wrong["shops"][0]["surprise"] = 1.into();
        assert!(!validator.is_valid(&wrong));
        let mut short = all[1].clone();
        short.as_object_mut().unwrap().remove("windows");
        assert!(!validator.is_valid(&short));
    }
}
