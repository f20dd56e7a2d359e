//! The record of one comparison: the content of `run.json` and the source of the report.
//!
//! These types are the format. `docs/run.schema.json` describes it for other programs, and a test compares the two.
//! Field names include units (`_ms`, `_s`, `_mb`). A figure that could not be measured is `null`, by rule 62 (no zero).

mod read;
mod stage;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use read::ReadError;
pub use stage::Stage;

use crate::words;
use audit::live::Recording;
use audit::{Audit, Verdict};
use load::Arrivals;
use servers::record::{Machine, Servers};
use story::tax::Tax;
use terminal::text::Text;
use topology::{Driver, Mode};

/// The format's name and version, the first field of every file.
pub const SCHEMA: &str = "cleave.run/1";

/// The file of a run in its folder.
pub const FILE: &str = "run.json";

/// One comparison: several trials of the same load on each mode in turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When the run began.
    pub started_at: DateTime<Utc>,
    /// The git commit that was measured, with `-dirty` appended if files were modified; null outside git.
    pub commit: Option<String>,
    /// The version of the program `cleave`.
    pub cleave_version: String,
    /// The seed of the load: the same seed sends the same orders.
    pub seed: u64,
    /// The machine of the run. Figures from two machines are not comparable.
    pub machine: Machine,
    /// The load that every mode got.
    pub load: Load,
    /// Rules that were left out on purpose in every mode, by their names in `cleave flaws`; empty in a normal run.
    pub flaws: Vec<String>,
    /// The servers that were used.
    pub servers: Servers,
    /// The modes, in the order in which they were given. The first is the baseline.
    pub modes: Vec<ModeRun>,
    /// Every other mode compared with the first, figure by figure.
    pub comparison: Vec<Comparison>,
    /// The price of each module that leaves, if the modes are the stages of a ladder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<Stage>,
    /// The combined verdict of the audits; see [`Verdict::of_all`].
    pub verdict: Verdict,
}

/// The load, the same for every mode and trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// How the moments of sending are chosen.
    #[serde(flatten)]
    pub arrivals: Arrivals,
    /// The length of the measured window in seconds, without the warm-up.
    pub duration_s: f64,
    /// Seconds of load before the measured window, which are not measured.
    pub warm_up_s: f64,
    /// Products in the catalogue.
    pub products: u64,
    /// Customers with a wallet.
    pub customers: u64,
    /// Intended outcome (`confirmed` or the code of a refusal) and its share of the orders. The shares add up to 1.
    pub mix: BTreeMap<String, f64>,
}

/// All trials of one mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeRun {
    /// The architecture.
    pub mode: Mode,
    /// The architecture and the driver of the checkout, such as `split:tcc`.
    pub driver: Driver,
    /// Whether the driver breaks the rules of correctness on purpose.
    pub broken_on_purpose: bool,
    /// Its name in tables: that of the driver, with a number if it is compared with itself.
    pub label: String,
    /// In the order in which they ran. Trial *i* of one mode is paired with trial *i* of another.
    pub trials: Vec<Trial>,
}

impl ModeRun {
    /// A mode without trials.
    pub fn new(driver: Driver, label: String) -> ModeRun {
        let broken_on_purpose = driver.is_broken_on_purpose();
        ModeRun { mode: driver.mode(), driver, broken_on_purpose, label, trials: Vec::new() }
    }

    /// Its label, and whether it is broken on purpose, as the heading of a column.
    pub fn heading(&self) -> String {
        if self.broken_on_purpose { words::broken_on_purpose(&self.label) } else { self.label.clone() }
    }
}

/// One trial of one mode. Every figure except `audit` and `live` covers the measured window alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number within the mode, from 1.
    pub trial: u64,
    /// The outcomes of the orders.
    pub orders: Orders,
    /// Orders decided (confirmed or refused) per second.
    pub throughput_per_s: f64,
    /// From the intended moment of sending to the HTTP response.
    pub answered_ms: Option<Latency>,
    /// From the intended moment of sending until the order was terminal.
    pub decided_ms: Option<Latency>,
    /// The latencies behind the percentiles.
    pub histogram: Histograms,
    /// Counts for each second.
    pub timeline: Vec<Second>,
    /// The delay of the load generator itself.
    pub schedule_error_ms: Option<ScheduleError>,
    /// Why the trial is no evidence, if so: the reasons that kept the load generator from sending, and how often.
    #[serde(default)]
    pub hindered: BTreeMap<String, u64>,
    /// Figures that are null, by name, with the reason.
    #[serde(default)]
    pub not_measured: BTreeMap<String, Text>,
    /// The cost of the orders.
    pub cost_per_1000_orders: Cost,
    /// The memory of the processes.
    pub memory_mb: Memory,
    /// Milliseconds from the start of the mode's processes until all were ready.
    pub ready_ms: f64,
    /// Where the time of the orders went; null if the processes recorded no spans.
    #[serde(default)]
    pub tax: Option<Tax>,
    /// The audit after the load had drained.
    pub audit: Vec<Audit>,
    /// The live audit, in seconds from the start of the warm-up; only if it was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Recording>,
}

/// The outcomes of a trial's orders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Orders {
    /// Orders that left the generator; the others count as failed.
    pub sent: u64,
    /// Responses with 201 or 202: the shop accepted the order.
    pub accepted: u64,
    /// Confirmed orders.
    pub confirmed: u64,
    /// Refused orders, by the code of the refusal.
    pub refused: BTreeMap<String, u64>,
    /// Accepted, but not decided when the trial stopped waiting.
    pub unknown: u64,
    /// Not accepted, by HTTP status or by the reason for the missing response.
    pub failed: BTreeMap<String, u64>,
}

/// A distribution of latencies, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The number of measurements.
    pub count: u64,
}

/// The latencies by both clocks as `[upper bound in ms, orders up to this bound and above the previous one]`,
/// ascending, without empty buckets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histograms {
    /// For `answered_ms`.
    pub answered: Vec<(f64, u64)>,
    /// For `decided_ms`.
    pub decided: Vec<(f64, u64)>,
}

/// One second of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Counted from 0, the start of the measured window.
    pub second: u64,
    /// Orders sent in this second.
    pub sent: u64,
    /// Responses received in this second.
    pub answered: u64,
    /// Orders that became terminal in this second.
    pub decided: u64,
}

/// The delay of the load generator against its own plan, in milliseconds; null if it sent nothing. If it is of the same
/// size as the latencies, they describe the generator and not the shop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleError {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The largest delay.
    pub max: f64,
}

/// The cost of 1,000 decided orders. A figure is null if it could not be read, for example the processor time of a
/// server on another machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Processor seconds, shop and servers.
    pub cpu_s: Option<f64>,
    /// Processor seconds of the shop's own processes.
    pub cpu_s_shop: Option<f64>,
    /// Processor seconds of PostgreSQL and RabbitMQ.
    pub cpu_s_servers: Option<f64>,
    /// Database transactions committed or rolled back.
    pub db_transactions: Option<f64>,
    /// Bytes written to PostgreSQL's write-ahead log.
    pub wal_bytes: Option<f64>,
    /// Messages published to the broker.
    pub messages: Option<f64>,
}

/// Peak memory in MB (10⁶ bytes), as proportional set size if the system reports it: a page that several processes
/// share counts once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The total.
    pub total: Option<f64>,
    /// By process name, for the processes that could be read.
    pub processes: BTreeMap<String, f64>,
}

/// One figure of one mode compared with the baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The figure's name, such as `answered p99`.
    pub figure: String,
    /// Which direction is better.
    pub better: Better,
    /// The label of the mode it is compared with.
    pub baseline: String,
    /// The label of the mode compared.
    pub other: String,
    /// Other divided by baseline: the geometric mean over the pairs of trials; null if there is no pair.
    pub ratio: Option<f64>,
    /// The lower end of the ratio's interval; null if there are fewer than two pairs.
    pub low: Option<f64>,
    /// The upper end of the interval.
    pub high: Option<f64>,
    /// The verdict.
    pub verdict: Difference,
    /// The verdict in a sentence.
    pub sentence: Text,
}

/// Which direction of a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// The verdict of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Difference {
    /// The interval excludes equality, and the ratio is large enough to matter.
    #[serde(rename = "different")]
    Different,
    /// Everything else. It does not mean that the two are equal.
    #[serde(rename = "no difference shown")]
    NotShown,
}
