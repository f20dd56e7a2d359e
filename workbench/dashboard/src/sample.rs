//! What the dashboard knows of one second: what it sends to the page, records, and plays back.
//!
//! These types are the format; `docs/live.schema.json` describes the same for other programs, and a test holds the two
//! together. Units stand in the names. What could not be measured is null, never an invented zero.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use audit::Verdict;
use audit::live::Disagreement;
use report::run::Comparison;
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
    /// The git commit, with `-dirty` after it when files differed; null outside git.
    pub commit: Option<String>,
    /// The machine that the shops ran on.
    pub machine: Machine,
    /// The seed of the load.
    pub seed: u64,
    /// Whether the shops ran one after the other: two recordings, put side by side.
    #[serde(default)]
    pub in_turn: bool,
}

/// One second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its number, from the start of the dashboard. It rises; a second for which the dashboard had no time is left out.
    pub second: u64,
    /// Its end.
    pub at: DateTime<Utc>,
    /// What was sent to both shops.
    pub load: Load,
    /// The shops, always in the same order.
    pub shops: Vec<Shop>,
    /// The faults that are there, and those that ended within the last ten seconds.
    pub faults: Vec<Fault>,
    /// What supervisors saw and did since the sample before: restarts, scaling, deployments.
    pub events: Vec<Event>,
    /// What the orders cost, the second shop against the first, figure by figure. Empty with one shop.
    pub comparison: Vec<Comparison>,
    /// How many stretches of [`super::cost::WINDOW`] the comparison rests on. Those with a fault in them do not count.
    pub windows: u64,
    /// What says that the machine has more to do than it can, so that what is slow need not be a shop; null where
    /// nothing does.
    #[serde(default)]
    pub busy: Option<Busy>,
    /// What the dashboard itself takes.
    pub dashboard: OwnCost,
    /// Where the samples are written.
    pub recording: Recording,
}

/// The load, the same for both shops: each order is sent to both at the same intended moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Orders per second that are wanted, of each shop. 0: there is no load.
    pub rate_per_s: f64,
    /// Intended outcome (`confirmed` or a refusal's code) and its share of the orders, summing to 1.
    pub mix: BTreeMap<String, f64>,
    /// The flash sale that is on.
    pub flash_sale: Option<FlashSale>,
    /// How late 99 in 100 orders were sent, in milliseconds. If this is of the size of the latencies, they tell of the
    /// generator.
    pub late_p99_ms: Option<f64>,
}

/// A flash sale: nearly everybody orders a few products, of which there are few.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlashSale {
    /// How many products are on sale.
    pub products: u64,
    /// Pieces of each that are sold at the sale's price.
    pub quota: u64,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// One shop in one second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shop {
    /// How it stays consistent, as `split:orchestrated`.
    pub driver: Driver,
    /// Its architecture.
    pub mode: Mode,
    /// Whether it breaks the rules of correctness on purpose: by its driver, or by flaws.
    pub broken_on_purpose: bool,
    /// Where its customers find it.
    pub address: String,
    /// What could not be read and why, or that it is being replaced; null where all is well.
    pub problem: Option<String>,
    /// Orders sent.
    pub sent: u64,
    /// Orders that were decided, whoever sent them.
    pub throughput_per_s: Option<f64>,
    /// Of those of the load that were decided: yes.
    pub confirmed: u64,
    /// Of those of the load that were decided: no, by the refusal's code.
    pub refused: BTreeMap<String, u64>,
    /// From the intended moment of sending to the answer.
    pub answered: Latency,
    /// From the intended moment of sending until the order was terminal. In the monolith the same.
    pub decided: Latency,
    /// First tries that failed, by HTTP status or the reason why no answer came.
    pub errors: BTreeMap<String, u64>,
    /// Orders of the load that no answer has come to yet.
    pub in_flight: u64,
    /// Orders that the shop took charge of and has not decided.
    pub pending: Option<u64>,
    /// Processor time of its own processes, in per cent of one core.
    pub cpu_percent: Option<f64>,
    /// Memory of its own processes.
    pub memory_mb: Option<f64>,
    /// Its processes.
    pub processes: Vec<Process>,
    /// Its databases: one, or one a service.
    pub databases: Vec<Database>,
    /// Its queues by service; empty in the monolith.
    pub queues: Vec<Queue>,
    /// How its gateway sees what is behind it.
    pub breakers: Vec<Breaker>,
    /// What an order costs.
    pub cost: Cost,
    /// What the live audit found, `I1` to `I8`.
    pub invariants: Vec<Finding>,
    /// How long the modules' databases disagree on an order; null where they cannot be read.
    pub disagreement: Option<Disagreement>,
    /// At low rates: the latest orders and where they are. The oldest first.
    pub seen: Vec<Seen>,
    /// Orders whose stories are worth reading.
    pub notable: Notable,
}

/// Latencies of one second, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// How many orders.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ms: Option<f64>,
    /// 99 in 100 took no longer.
    pub p99_ms: Option<f64>,
    /// The slowest.
    pub max_ms: Option<f64>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its name, as `orders-2`.
    pub name: String,
    /// What it is an instance of, as `orders`.
    pub service: String,
    /// Whether it answers that it is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restarts: u64,
    /// Processor time in per cent of one core; null in its first second.
    pub cpu_percent: Option<f64>,
    /// Memory that it holds, pages that it shares with others included; null where it cannot be read.
    pub memory_mb: Option<f64>,
}

/// One database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// Whose it is: `monolith`, or a service.
    pub service: String,
    /// Whether it answered.
    pub reachable: bool,
    /// Messages that wait to be published; null in the monolith.
    pub outbox: Option<u64>,
    /// How long the oldest of them has waited; null if none waits.
    pub outbox_oldest_ms: Option<f64>,
    /// Prepared transactions, which hold locks and wait for a decision.
    pub in_doubt: Option<u64>,
}

/// The queues of one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Who consumes from them.
    pub service: String,
    /// Messages that wait for it, or are with it and not acknowledged.
    pub waiting: u64,
    /// Messages that are tried again later.
    pub retry: u64,
    /// Messages that were given up.
    pub dead: u64,
}

/// A circuit breaker of the gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breaker {
    /// The service behind it.
    pub service: String,
    /// `closed`, `open` or `half_open`.
    pub state: String,
    /// Since when; null if it never turned.
    pub since: Option<DateTime<Utc>>,
    /// Instances that get requests.
    pub instances: u64,
    /// Instances that are left out for a while.
    pub ejected: u64,
    /// Requests that are with the service now.
    pub in_use: u64,
    /// How many there may be (the bulkhead).
    pub limit: u64,
}

/// What one order costs on average over the last [`super::cost::WINDOW`]; null where too few were decided to tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Messages that were published.
    pub messages: Option<f64>,
    /// Times that something of it went from one process to another: HTTP requests, and messages to and from the broker.
    pub hops: Option<f64>,
    /// Database transactions.
    pub transactions: Option<f64>,
    /// Bytes through all its links, databases and broker included; null without proxies.
    pub bytes: Option<f64>,
    /// Processor time of the shop's own processes, in milliseconds. What the servers use cannot be told apart while two
    /// shops share them.
    pub cpu_ms: Option<f64>,
}

/// What the live audit says of an invariant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `I1` to `I8`.
    pub invariant: String,
    /// `held`, `violated` or `no_evidence`.
    pub verdict: Verdict,
    /// How much is wrong.
    pub anomalies: u64,
    /// The first of it, in words.
    pub example: Option<String>,
    /// The order that the example speaks of.
    pub order_id: Option<Uuid>,
}

/// An order on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id in this shop. In the other shop the same order has another id.
    pub order_id: Uuid,
    /// `pending`, `confirmed` or `cancelled`.
    pub status: String,
    /// Who has it now, or had it last: a service, or `monolith`.
    pub at: String,
}

/// Orders that are worth a look.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Notable {
    /// The latest one that was decided.
    pub last: Option<NotableOrder>,
    /// The latest one that was refused.
    pub last_refused: Option<NotableOrder>,
    /// The slowest of the last minute.
    pub slowest: Option<NotableOrder>,
    /// The oldest that is pending for more than two seconds.
    pub stuck: Option<NotableOrder>,
}

/// One of them. Its story is at `/orders/{order_id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotableOrder {
    /// Its id in this shop.
    pub order_id: Uuid,
    /// How long it took to be decided, or has been pending.
    pub ms: f64,
    /// The refusal's code, of one that was refused.
    pub refusal: Option<String>,
}

/// A fault, in one of the shops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// By which it is healed; unique within its shop.
    pub id: u64,
    /// The shop.
    pub shop: Driver,
    /// The kind, as `latency`.
    pub kind: String,
    /// What it is done to, as `gateway-inventory`; null for a server, which the kind names.
    pub target: Option<String>,
    /// All of it in words, as `latency on gateway-inventory`.
    pub name: String,
    /// Since when it has been there.
    pub from: DateTime<Utc>,
    /// Until when: the moment at which it ended, or will heal by itself.
    pub until: DateTime<Utc>,
    /// Whether it is there still.
    pub active: bool,
    /// What it has hit so far. 0: it met nothing.
    pub hits: u64,
    /// Why it could not be healed, if so.
    pub problem: Option<String>,
}

/// Something that a supervisor saw or did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// The shop.
    pub shop: Driver,
    /// The process.
    pub process: String,
    /// Whether it should not have happened.
    pub warning: bool,
    /// What happened, in words.
    pub message: String,
}

/// What the dashboard takes for itself. The load is sent by a process of its own, and is not in here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnCost {
    /// In per cent of one core.
    pub cpu_percent: Option<f64>,
    /// In MB (10⁶ bytes); null where it cannot be read.
    pub memory_mb: Option<f64>,
    /// Pages that are open.
    pub pages: u64,
}

/// The recording of this session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The folder, for `cleave replay`; null where nothing is recorded.
    pub folder: Option<String>,
    /// How large it is.
    pub bytes: u64,
    /// Whether it has come to its bound: what comes after is not recorded.
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
        // A field that is not in the schema, or not there, is seen.
        let mut wrong = all[1].clone();
        wrong["shops"][0]["surprise"] = 1.into();
        assert!(!validator.is_valid(&wrong));
        let mut short = all[1].clone();
        short.as_object_mut().unwrap().remove("windows");
        assert!(!validator.is_valid(&short));
    }
}
