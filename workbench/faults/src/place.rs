//! Where the faults of a shop are injected.

use topology::Driver;

/// The driver, database server and broker of a shop.
#[derive(Debug, Clone)]
pub struct Place {
    /// Decides which kinds of faults have a counterpart in this shop.
    pub driver: Driver,
    /// The URL of a database on the shop's database server, if Cleave started that server.
    pub database: Option<String>,
    /// The broker's URL, and the prefix of the shop's exchange and queue names.
    pub broker: Option<(String, String)>,
}
