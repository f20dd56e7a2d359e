//! The data of one second: the dashboard sends it to the page, records it, and plays it back.
//!
//! These types are the format. `docs/live.schema.json` describes it for other programs, and a test compares the two.
//! Field names include units. A figure that could not be measured is null, by rule 62 (no zero).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use audit::Verdict;
use audit::live::Disagreement;
use report::run::Comparison;
use servers::Waits;
use servers::busy::Busy;
use servers::record::Machine;
use topology::{Driver, Mode};

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

/// One second.
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

/// One shop in one second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shop {
    /// Its driver, such as `split:orchestrated`.
    pub driver: Driver,
    /// Its architecture.
    pub mode: Mode,
    /// Whether it breaks the rules of correctness on purpose, by its driver or by flaws.
    pub broken_on_purpose: bool,
    /// The address for its customers.
    pub address: String,
    /// What could not be read and why, or that the shop is being replaced; null without a problem.
    pub problem: Option<String>,
    /// Orders sent.
    pub sent: u64,
    /// Decided orders per second, from all clients.
    pub throughput_per_s: Option<f64>,
    /// Orders of the load that were confirmed.
    pub confirmed: u64,
    /// Orders of the load that were refused, by the code of the refusal.
    pub refused: BTreeMap<String, u64>,
    /// From the intended moment of sending to the response.
    pub answered: Latency,
    /// From the intended moment of sending until the order was terminal. The same as `answered` in the monolith.
    pub decided: Latency,
    /// First tries that failed, by HTTP status or by the reason for the missing response.
    pub errors: BTreeMap<String, u64>,
    /// Orders of the load without a response so far.
    pub in_flight: u64,
    /// Orders that the shop accepted and has not decided.
    pub pending: Option<u64>,
    /// Processor time of its own processes, in per cent of one core.
    pub cpu_percent: Option<f64>,
    /// Memory of its own processes.
    pub memory_mb: Option<f64>,
    /// Its processes.
    pub processes: Vec<Process>,
    /// Its databases: one, or one per service.
    pub databases: Vec<Database>,
    /// Its queues by service; empty in the monolith.
    pub queues: Vec<Queue>,
    /// The circuit breakers of its gateway.
    pub breakers: Vec<Breaker>,
    /// What an order costs.
    pub cost: Cost,
    /// The findings of the live audit, `I1` to `I8`.
    pub invariants: Vec<Finding>,
    /// How long the modules' databases disagree about an order; null if they cannot be read.
    pub disagreement: Option<Disagreement>,
    /// At low rates: the latest orders and their places, oldest first.
    pub seen: Vec<Seen>,
    /// Orders whose stories are worth reading.
    pub notable: Notable,
}

/// Latencies of one second, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The number of orders.
    pub count: u64,
    /// The median.
    pub p50_ms: Option<f64>,
    /// The 99th percentile.
    pub p99_ms: Option<f64>,
    /// The slowest.
    pub max_ms: Option<f64>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its name, such as `orders-2`.
    pub name: String,
    /// The service, such as `orders`.
    pub service: String,
    /// Whether it reports that it is ready.
    pub ready: bool,
    /// What parts of it wait for. Recordings of older versions do not have it.
    #[serde(default)]
    pub waits: Vec<Waits>,
    /// How often it was restarted.
    pub restarts: u64,
    /// Processor time in per cent of one core; null in its first second.
    pub cpu_percent: Option<f64>,
    /// Resident memory, shared pages included; null if it cannot be read.
    pub memory_mb: Option<f64>,
}

/// One database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// The owner: `monolith` or a service.
    pub service: String,
    /// Whether it responded.
    pub reachable: bool,
    /// Messages that wait in the outbox; null in the monolith.
    pub outbox: Option<u64>,
    /// The age of the oldest of them; null if there is none.
    pub outbox_oldest_ms: Option<f64>,
    /// Prepared transactions, which hold locks and wait for a decision.
    pub in_doubt: Option<u64>,
}

/// The queues of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// The service that consumes from them.
    pub service: String,
    /// Messages that are ready or delivered and not acknowledged.
    pub waiting: u64,
    /// Messages that wait for another try.
    pub retry: u64,
    /// Dead letters.
    pub dead: u64,
}

/// A circuit breaker of the gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breaker {
    /// The service behind it.
    pub service: String,
    /// `closed`, `open` or `half_open`.
    pub state: String,
    /// The time of its last change; null if there was none.
    pub since: Option<DateTime<Utc>>,
    /// Instances that receive requests.
    pub instances: u64,
    /// Instances that are ejected for a while.
    pub ejected: u64,
    /// Requests in progress at the service.
    pub in_use: u64,
    /// The most requests in progress (the bulkhead).
    pub limit: u64,
}

/// The average cost of an order over the last [`super::cost::WINDOW`]; null if too few orders were decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Published messages.
    pub messages: Option<f64>,
    /// Hops from one process to another: HTTP requests, and messages to and from the broker.
    pub hops: Option<f64>,
    /// Database transactions.
    pub transactions: Option<f64>,
    /// Bytes through all its links, including databases and broker; null without proxies.
    pub bytes: Option<f64>,
    /// Processor time of the shop's own processes, in milliseconds. The usage of servers that two shops share cannot be
    /// attributed.
    pub cpu_ms: Option<f64>,
}

/// The live audit's finding on an invariant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `I1` to `I8`.
    pub invariant: String,
    /// `held`, `violated` or `no_evidence`.
    pub verdict: Verdict,
    /// The number of anomalies.
    pub anomalies: u64,
    /// The first anomaly in words.
    pub example: Option<String>,
    /// The order in the example.
    pub order_id: Option<Uuid>,
}

/// An order in progress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id in this shop. The same order has another id in the other shop.
    pub order_id: Uuid,
    /// `pending`, `confirmed` or `cancelled`.
    pub status: String,
    /// Its current or last place: a service, or `monolith`.
    pub at: String,
}

/// Orders worth looking at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Notable {
    /// The latest decided order.
    pub last: Option<NotableOrder>,
    /// The latest refused order.
    pub last_refused: Option<NotableOrder>,
    /// The slowest order of the last minute.
    pub slowest: Option<NotableOrder>,
    /// The oldest order that has been pending for more than two seconds.
    pub stuck: Option<NotableOrder>,
}

/// One such order. Its story is at `/orders/{order_id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotableOrder {
    /// Its id in this shop.
    pub order_id: Uuid,
    /// The time until its decision, or for which it has been pending.
    pub ms: f64,
    /// The code of the refusal, if it was refused.
    pub refusal: Option<String>,
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_types_and_the_schema_are_one() {
        let schema: Value = serde_json::from_str(include_str!("../../../docs/live.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let example = include_str!("../tests/data/live.jsonl");
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
