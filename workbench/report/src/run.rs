//! The record of one comparison: what `run.json` holds and what the report is drawn from.
//!
//! These types are the format. `docs/run.schema.json` describes the same for programs that read it, and
//! a test holds the two together. Units stand in the names (`_ms`, `_s`, `_mb`); a figure that could not
//! be measured is `null`, never an invented zero.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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

/// The file of a run, in its folder.
pub const FILE: &str = "run.json";

/// A larger file is not a run: ten trials of an hour stay below a tenth of this.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// One comparison: the same load on one mode after the other, several times over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When the run began.
    pub started_at: DateTime<Utc>,
    /// The git commit that was measured, with `-dirty` after it when files differed; null outside git.
    pub commit: Option<String>,
    /// The version of the program `cleave`.
    pub cleave_version: String,
    /// Where all randomness of the load came from: the same seed sends the same orders.
    pub seed: u64,
    /// The machine it ran on. Figures of two machines are not comparable.
    pub machine: Machine,
    /// What was sent.
    pub load: Load,
    /// Rules that were left out on purpose in every mode, by the names that `cleave flaws` lists; empty in a run that
    /// means to be correct.
    pub flaws: Vec<String>,
    /// The servers underneath.
    pub servers: Servers,
    /// What was measured, a mode each, in the order asked for. The first is the baseline.
    pub modes: Vec<ModeRun>,
    /// Every other mode against the first, figure by figure.
    pub comparison: Vec<Comparison>,
    /// The audits' verdicts taken together; see [`Verdict::of_all`].
    pub verdict: Verdict,
}

/// The load, the same for every mode and trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// How the moments of sending are chosen.
    #[serde(flatten)]
    pub arrivals: Arrivals,
    /// Length of the measured window in seconds, warm-up not included.
    pub duration_s: f64,
    /// Seconds of load before the measured window, thrown away.
    pub warm_up_s: f64,
    /// Products in the catalogue.
    pub products: u64,
    /// Customers with a wallet.
    pub customers: u64,
    /// Intended outcome (`confirmed` or a refusal's code) and its share of the orders, summing to 1.
    pub mix: BTreeMap<String, f64>,
}

/// All trials of one mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeRun {
    /// Which architecture.
    pub mode: Mode,
    /// The architecture and how the checkout runs on it, as `split:tcc`.
    pub driver: Driver,
    /// Whether the driver breaks the rules of correctness on purpose.
    pub broken_on_purpose: bool,
    /// Its name in tables: the driver's, with a number where it is compared with itself.
    pub label: String,
    /// In the order they were run. Trial *i* of one mode is the pair of trial *i* of another.
    pub trials: Vec<Trial>,
}

impl ModeRun {
    /// No trials yet.
    pub fn new(driver: Driver, label: String) -> ModeRun {
        let broken_on_purpose = driver.is_broken_on_purpose();
        ModeRun { mode: driver.mode(), driver, broken_on_purpose, label, trials: Vec::new() }
    }

    /// Its label, and whether it is broken on purpose: the head of a column.
    pub fn heading(&self) -> String {
        if self.broken_on_purpose { words::broken_on_purpose(&self.label) } else { self.label.clone() }
    }
}

/// What one mode did in one trial. Every figure but `audit` and `live` is of the measured window alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Counted from 1.
    pub trial: u64,
    /// What became of the orders.
    pub orders: Orders,
    /// Orders decided (confirmed or refused) per second.
    pub throughput_per_s: f64,
    /// From the intended moment of sending to the HTTP response.
    pub answered_ms: Option<Latency>,
    /// From the intended moment of sending until the order was terminal.
    pub decided_ms: Option<Latency>,
    /// The latencies behind the percentiles.
    pub histogram: Histograms,
    /// What happened in each second.
    pub timeline: Vec<Second>,
    /// How late the load generator itself was.
    pub schedule_error_ms: Option<ScheduleError>,
    /// Why the trial is no evidence of anything, if it is not: its load generator could not send what it was to, for
    /// these reasons, so often.
    #[serde(default)]
    pub hindered: BTreeMap<String, u64>,
    /// Figures that are null, by name, and why.
    #[serde(default)]
    pub not_measured: BTreeMap<String, Text>,
    /// What the orders cost.
    pub cost_per_1000_orders: Cost,
    /// What the processes held.
    pub memory_mb: Memory,
    /// Milliseconds from the start of the mode's processes until all were ready.
    pub ready_ms: f64,
    /// Where the time of the orders went; null where the processes recorded no spans.
    #[serde(default)]
    pub tax: Option<Tax>,
    /// What the databases said after the load had drained.
    pub audit: Vec<Audit>,
    /// What they said meanwhile, in seconds from the start of the warm-up; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Recording>,
}

/// What became of the orders of a trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Orders {
    /// Requests made.
    pub sent: u64,
    /// Answered with 201 or 202: the shop took charge of the order.
    pub accepted: u64,
    /// Decided with yes.
    pub confirmed: u64,
    /// Decided with no, by the refusal's code.
    pub refused: BTreeMap<String, u64>,
    /// Accepted, and still not decided when the trial stopped waiting.
    pub unknown: u64,
    /// Not accepted, by HTTP status or the reason no response came.
    pub failed: BTreeMap<String, u64>,
}

/// A distribution of latencies, in milliseconds. Null where there is none to distribute.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the orders took no longer.
    pub p50: f64,
    /// Nine in ten took no longer.
    pub p90: f64,
    /// 99 in 100 took no longer.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// How many were measured.
    pub count: u64,
}

/// Both clocks' latencies as `[upper bound in ms, orders at most that slow and slower than the last]`,
/// rising, empty buckets left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histograms {
    /// Behind `answered_ms`.
    pub answered: Vec<(f64, u64)>,
    /// Behind `decided_ms`.
    pub decided: Vec<(f64, u64)>,
}

/// One second of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Counted from 0, the start of the measured window.
    pub second: u64,
    /// Orders sent in it.
    pub sent: u64,
    /// Orders answered in it.
    pub answered: u64,
    /// Orders that became terminal in it.
    pub decided: u64,
}

/// How late the load generator sent, against its own plan, in milliseconds; null where it sent nothing. If this is of the size of the
/// latencies, they tell of the generator and not of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleError {
    /// Half of the orders were sent no later.
    pub p50: f64,
    /// 99 in 100 were sent no later.
    pub p99: f64,
    /// The latest.
    pub max: f64,
}

/// The cost of 1,000 decided orders. A figure is null where it could not be read, as the processor time
/// of a server on another machine.
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

/// Peak memory in MB (10⁶ bytes), proportional set size where the system tells it: a page that several
/// processes share counts once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Everything together.
    pub total: Option<f64>,
    /// The same by process name, of those that could be read.
    pub processes: BTreeMap<String, f64>,
}

/// One figure of one mode against the baseline's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The figure's name, as `answered p99`.
    pub figure: String,
    /// Which way is good.
    pub better: Better,
    /// The label of the mode it is compared with.
    pub baseline: String,
    /// The label of the mode compared.
    pub other: String,
    /// Other divided by baseline, the geometric mean over the pairs of trials; null if there is no pair.
    pub ratio: Option<f64>,
    /// Lower end of the ratio's interval; null if there are fewer than two pairs.
    pub low: Option<f64>,
    /// Upper end of the same.
    pub high: Option<f64>,
    /// What may be said.
    pub verdict: Difference,
    /// The same in a sentence.
    pub sentence: Text,
}

/// Which way of a figure is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// What a comparison may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Difference {
    /// The interval excludes equality, and the ratio is large enough to matter.
    #[serde(rename = "different")]
    Different,
    /// Anything else. It does not say that the two are equal.
    #[serde(rename = "no difference shown")]
    NotShown,
}

/// Why a file could not be read as a run.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No file, or no right to read it.
    #[error("{}", words::cannot_read(.path, .source))]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder, and none of a run.
    #[error("{}", words::no_run_in(.folder))]
    NoRun {
        /// The folder.
        folder: String,
    },
    /// Far larger than any run.
    #[error("{}", words::too_large(.path))]
    TooLarge {
        /// The file.
        path: String,
    },
    /// JSON, but of another version of the format.
    #[error("{}", words::other_version(.path, .found, SCHEMA))]
    OtherVersion {
        /// The file.
        path: String,
        /// Its `schema` field.
        found: String,
    },
    /// JSON, but the record of something else, as of a scenario.
    #[error("{}", words::other_record(.path, .found, SCHEMA))]
    OtherRecord {
        /// The file.
        path: String,
        /// Its `schema` field.
        found: String,
    },
    /// Not JSON, cut short, or a field is missing or wrong.
    #[error("{}", words::damaged(.path, SCHEMA, .source))]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong, and in which line.
        source: serde_json::Error,
    },
}

impl Run {
    /// Reads a `run.json`, or the one in a folder.
    pub fn read(path: &Path) -> Result<Run, ReadError> {
        if path.is_dir() {
            let file = path.join(FILE);
            if !file.exists() {
                return Err(ReadError::NoRun { folder: path.display().to_string() });
            }
            return Run::read(&file);
        }
        let name = || path.display().to_string();
        let io = |source| ReadError::Io { path: name(), source };
        let damaged = |source| ReadError::Damaged { path: name(), source };

        // The limit holds while reading: a size asked for beforehand says nothing of a pipe or a device.
        let mut bytes = Vec::new();
        File::open(path).map_err(io)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(ReadError::TooLarge { path: name() });
        }

        // The version first: a later format would otherwise be reported as damage.
        #[derive(Deserialize)]
        struct Header {
            schema: String,
        }
        let header: Header = serde_json::from_slice(&bytes).map_err(damaged)?;
        let kind = |schema: &str| schema.split('/').next().map(str::to_owned);
        match header.schema {
            found if found == SCHEMA => {}
            found if kind(&found) == kind(SCHEMA) => {
                return Err(ReadError::OtherVersion { path: name(), found });
            }
            found => return Err(ReadError::OtherRecord { path: name(), found }),
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }
}
