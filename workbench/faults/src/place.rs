//! Where faults are made.

use topology::Driver;

/// Where faults are made.
#[derive(Debug, Clone)]
pub struct Place {
    /// How the shop stays consistent.
    pub driver: Driver,
    /// The URL of a database on the server that the shop's are on, if that server is ours.
    pub database: Option<String>,
    /// The broker's URL, and what the shop's exchange and queues are called by.
    pub broker: Option<(String, String)>,
}
