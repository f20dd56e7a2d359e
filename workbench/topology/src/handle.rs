//! A shop that is running, as everything that looks at it from outside needs to know it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Databases, Driver};

/// Where a running shop can be reached: by customers, in its databases, at its broker, process by process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopHandle {
    /// How it stays consistent.
    pub driver: Driver,
    /// Where clients send their requests, as `http://127.0.0.1:port`.
    pub address: String,
    /// Its databases.
    pub databases: Databases,
    /// What its exchange and queues are called by; `None` in the monolith.
    pub namespace: Option<String>,
    /// Its broker; `None` in the monolith.
    pub amqp_url: Option<String>,
    /// How its broker can be asked what AMQP does not tell; `None` where the broker is not one of ours.
    #[serde(default)]
    pub broker: Option<BrokerControl>,
    /// Its processes at the moment the handle was taken.
    pub processes: Vec<ProcessHandle>,
}

/// A program that asks a broker of ours, as `rabbitmqctl --node … list_queues`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerControl {
    /// The program, and the arguments that choose the broker.
    pub command: Vec<String>,
    /// All of its environment.
    pub environment: BTreeMap<String, String>,
}

/// One process of a running shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessHandle {
    /// Its name, such as `gateway` or `orders-2`.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// Its own address, as `http://127.0.0.1:port`, with no proxy before it.
    pub address: String,
}
