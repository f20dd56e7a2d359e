//! The control interface of `cleave up`: other commands and the dashboard use it to reach the running shops.
//!
//! It listens on loopback and admits only requests that pass [`admission`]. It can reach only processes that this
//! program has started, by the names that it gave them.

pub mod admission;
mod client;
pub mod live;
mod moves;
mod renew;
pub mod served;
mod server;
mod stage;
mod state;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use faults::{FaultSpec, Record};
use servers::Waits;
use shop::supervisor::{Deployment, Entry};
use topology::Driver;

pub use client::Client;
pub use moves::{Ask, Move, MoveDone};
pub use served::{Asked, Served};
pub use server::serve;
pub use stage::{Control, LOGS, SEED, Shops, Stage, WantedShops};
pub use state::{Claim, UpState, client, client_of, databases, is_running, running, shops};

/// The address of the interface and the token for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Access {
    /// The port, always on 127.0.0.1.
    pub port: u16,
    /// For the header [`TOKEN`](admission::TOKEN) of each request. It is in a file that only its owner can read.
    pub token: String,
}

/// `POST /scale`: starts or stops instances of a service in every shop that has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The service, or `monolith`.
    pub service: String,
    /// The requested number of instances.
    pub instances: usize,
}

/// `POST /deploy`: replaces all instances of a service, one after another, without losing a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// The service, or `monolith`.
    pub service: String,
}

/// `POST /settings`: changes a setting of the external configuration. Running processes pick it up.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its name, such as `gateway.timeout_ms`.
    pub name: String,
    /// The registry refuses a value out of bounds.
    pub value: u64,
}

/// `GET /settings`: the settings of one shop, by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShopSettings {
    /// The shop.
    pub shop: Driver,
    /// Each setting with its value, default, bounds and description.
    pub settings: BTreeMap<String, SettingState>,
}

/// A setting of the external configuration; the unit is part of its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettingState {
    /// Its value now.
    pub value: u64,
    /// The value if it is not set.
    pub default: u64,
    /// A smaller value is refused.
    pub least: u64,
    /// A larger value is refused.
    pub most: u64,
    /// A sentence that describes it.
    pub what: String,
}

/// `POST /renew`: replaces a shop by a fresh one with the same initial stock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// The shop to replace, by its driver.
    pub shop: Driver,
    /// The driver of the fresh shop, in the same architecture; the same as before if null.
    #[serde(default)]
    pub driver: Option<Driver>,
}

/// The result of a renewal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Renewed {
    /// The shop that was replaced.
    pub shop: Driver,
    /// The shop that replaced it.
    pub driver: Driver,
}

/// The result of a scaling in one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scaled {
    /// The shop.
    pub shop: Driver,
    /// All instances of the service after the change, such as `orders` and `orders-2`.
    pub instances: Vec<String>,
}

/// The result of a deployment in one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployed {
    /// The shop.
    pub shop: Driver,
    /// What was replaced, and how long it took.
    pub deployment: Deployment,
    /// The customers' requests meanwhile, by capability; null if the gateway has no figures.
    pub served: Option<Served>,
}

/// `POST /faults`: adds a fault to every shop that has a counterpart for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddFault {
    /// What to disturb, where, and for how long.
    pub fault: FaultSpec,
    /// Only in this shop; in all of them if null.
    #[serde(default)]
    pub shop: Option<Driver>,
}

/// The result in one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Added {
    /// The shop.
    pub shop: Driver,
    /// The number to heal it by; null if it was not added.
    pub id: Option<u64>,
    /// Why it was not added.
    pub why_not: Option<String>,
}

/// `POST /heal`: ends faults early.
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

/// `GET /faults`: all faults of a shop so far, active and over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FaultLog {
    /// The shop.
    pub shop: Driver,
    /// In the order in which they were added.
    pub faults: Vec<Record>,
}

/// `GET /state`: the shops that are running.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShopState {
    /// The shop.
    pub shop: Driver,
    /// Its processes.
    pub processes: Vec<ProcessState>,
    /// The supervisor's observations and actions, oldest first.
    pub journal: Vec<Entry>,
}

/// A process of a shop, as its supervisor sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProcessState {
    /// Such as `gateway` or `orders-2`.
    pub name: String,
    /// Its process id; another one after each restart.
    pub pid: u32,
    /// Its own address, as `http://127.0.0.1:port`, without a proxy.
    pub address: String,
    /// Whether it reports that it is ready.
    pub ready: bool,
    /// What parts of it wait for.
    pub waits: Vec<Waits>,
    /// How often it was restarted.
    pub restarts: u64,
    /// Processor time used, in milliseconds; null if it cannot be read, for example because the process has just ended.
    pub cpu_ms: Option<u64>,
    /// Resident memory in MB (10⁶ bytes), shared pages included; null if it cannot be read.
    pub memory_mb: Option<f64>,
}
