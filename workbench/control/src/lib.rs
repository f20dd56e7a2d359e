//! The control interface of `cleave up`: how another command, or the dashboard, reaches the shops that are up.
//!
//! It listens on loopback, and admits nobody whom [`admission`] does not let in. It reaches only processes that this
//! program has started, and those only by the names that it gave them.

pub mod admission;
mod client;
pub mod live;
mod renew;
pub mod served;
mod server;
mod stage;
mod state;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use faults::{FaultSpec, Record};
use shop::supervisor::{Deployment, Entry};
use topology::Driver;

pub use client::Client;
pub use served::{Asked, Served};
pub use server::serve;
pub use stage::{Control, LOGS, SEED, Shops, Stage, Wanted};
pub use state::{Claim, State, client, client_of, databases, is_running, running, shops};

/// Where the interface is, and what admits to it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Access {
    /// The port of 127.0.0.1.
    pub port: u16,
    /// The token of this run.
    pub token: String,
}

/// `POST /scale`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The service, or `monolith`.
    pub service: String,
    /// How many instances there are to be.
    pub instances: usize,
}

/// `POST /deploy`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// The service, or `monolith`.
    pub service: String,
}

/// `POST /settings`: a setting of the external configuration, which processes follow while they run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// Its new value.
    pub value: u64,
}

/// `GET /settings`: the settings of one shop, by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShopSettings {
    /// The shop.
    pub shop: Driver,
    /// Each with its value, its default, its bounds, and what it is.
    pub settings: BTreeMap<String, SettingState>,
}

/// One setting.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettingState {
    /// Its value now.
    pub value: u64,
    /// Its value where nobody sets it.
    pub default: u64,
    /// The smallest value.
    pub least: u64,
    /// The largest.
    pub most: u64,
    /// What it is, in a sentence.
    pub what: String,
}

/// `POST /renew`: a shop is replaced by a fresh one with the goods that it began with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// The shop.
    pub shop: Driver,
    /// How the fresh one stays consistent, in the same architecture; as before if null.
    #[serde(default)]
    pub driver: Option<Driver>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Renewed {
    /// The shop that was there.
    pub shop: Driver,
    /// The one in its place.
    pub driver: Driver,
}

/// What came of a scaling in one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scaled {
    /// The shop.
    pub shop: Driver,
    /// The instances that there are now.
    pub instances: Vec<String>,
}

/// What came of a deployment in one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployed {
    /// The shop.
    pub shop: Driver,
    /// What was replaced, and how long it took.
    pub deployment: Deployment,
    /// What customers met meanwhile, by capability; null where the gateway does not tell.
    pub served: Option<Served>,
}

/// `POST /faults`: a fault in every shop that has a counterpart for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddFault {
    /// What is to be disturbed, and how.
    pub fault: FaultSpec,
    /// Only in this shop; in all of them if null.
    #[serde(default)]
    pub shop: Option<Driver>,
}

/// What came of it in one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Added {
    /// The shop.
    pub shop: Driver,
    /// The number by which it is healed; null where it was not done.
    pub id: Option<u64>,
    /// Why it was not done.
    pub why_not: Option<String>,
}

/// `POST /heal`: ends faults before their time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heal {
    /// Only the one with this number; all if null.
    #[serde(default)]
    pub id: Option<u64>,
    /// Only in this shop; in all of them if null.
    #[serde(default)]
    pub shop: Option<Driver>,
}

/// `GET /faults`: all faults of a shop so far, those that are there still and those that are over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FaultLog {
    /// The shop.
    pub shop: Driver,
    /// In the order in which they were asked for.
    pub faults: Vec<Record>,
}

/// `GET /state`: what is up now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShopState {
    /// The shop.
    pub shop: Driver,
    /// Its processes.
    pub processes: Vec<ProcessState>,
    /// What its supervisor saw and did, the oldest first.
    pub journal: Vec<Entry>,
}

/// One process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProcessState {
    /// Its name.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// Its own address, as `http://127.0.0.1:port`, with no proxy before it.
    pub address: String,
    /// Whether it answers that it is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restarts: u64,
    /// Processor time that it has used, in milliseconds; null where it cannot be read, as when it has just ended.
    pub cpu_ms: Option<u64>,
    /// Memory that it holds, in MB (10⁶ bytes), pages that it shares with others included; null where it cannot be read.
    pub memory_mb: Option<f64>,
}
