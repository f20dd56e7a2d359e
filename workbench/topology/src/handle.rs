//! Describes a running shop to the parts that access it from outside.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Databases, Driver};

/// Addresses of a running shop: its entrance, databases, broker and processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopHandle {
    /// Its driver.
    pub driver: Driver,
    /// Where clients send their requests, as `http://127.0.0.1:port`.
    pub address: String,
    /// Its databases.
    pub databases: Databases,
    /// Prefix of its exchange and queue names; `None` in the monolith.
    pub namespace: Option<String>,
    /// URL of its broker; `None` in the monolith.
    pub amqp_url: Option<String>,
    /// How to ask its broker what AMQP cannot; `None` if Cleave did not start the broker.
    #[serde(default)]
    pub broker: Option<BrokerControl>,
    /// Its processes at the time when the handle was created.
    pub processes: Vec<ProcessHandle>,
}

/// A command line that queries a broker started by Cleave, such as `rabbitmqctl --node … list_queues`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerControl {
    /// The program, and the arguments that select the broker.
    pub command: Vec<String>,
    /// Its complete environment.
    pub environment: BTreeMap<String, String>,
}

/// One process of a running shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessHandle {
    /// Its name, such as `gateway` or `orders-2`.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// Its own address, as `http://127.0.0.1:port`, without a proxy in front.
    pub address: String,
}
