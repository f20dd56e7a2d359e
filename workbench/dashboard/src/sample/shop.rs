//! One shop in one second: its orders, processes, databases, queues and breakers, what an order costs, and what the
//! audit says.

use std::collections::BTreeMap;

use audit::Verdict;
use audit::live::Disagreement;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use servers::Waits;
use topology::{Driver, Mode};
use uuid::Uuid;

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
    /// The slowest order.
    pub max_ms: Option<f64>,
}

/// A process of the shop and what it uses.
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

/// A database of the shop: what waits in it.
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
    /// Messages that were set aside because they cannot be handled.
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

/// The average cost of an order over the last [`crate::cost::WINDOW`]; null if too few orders were decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Messages published to the broker.
    pub messages: Option<f64>,
    /// Hops from one process to another: HTTP requests, and messages to and from the broker.
    pub hops: Option<f64>,
    /// Database transactions, whether committed or rolled back.
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
