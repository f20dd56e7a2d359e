//! How servers are found.

use std::path::PathBuf;

/// Options for finding servers.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// URL of a PostgreSQL to use (`--database-url`). Cleave creates its own databases beside the one named here.
    pub database_url: Option<String>,
    /// URL of a RabbitMQ to use (`--amqp-url`).
    pub amqp_url: Option<String>,
    /// Whether a broker is needed. A monolith needs none.
    pub needs_broker: bool,
    /// Whether missing programs may be installed without asking (`--yes`).
    pub yes: bool,
    /// A folder for the data of PostgreSQL, on a small file system that a fault may fill (`--disk`).
    pub disk: Option<PathBuf>,
    /// The folder for the servers' logs, which must exist. With `None` the logs are kept with the servers' data and
    /// removed with it.
    pub logs: Option<PathBuf>,
}
