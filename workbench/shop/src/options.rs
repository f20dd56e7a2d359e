//! How a shop is started.

use std::path::{Path, PathBuf};

/// Options of a shop.
#[derive(Debug, Clone)]
pub struct ShopOptions {
    /// The folder of the built programs; see [`servers::binaries::ensure_built`].
    pub programs: PathBuf,
    /// The folder for the processes' logs.
    pub logs: PathBuf,
    /// How often the relays publish each message. More than once tests how duplicates are handled.
    pub deliveries: u8,
    /// Database connections per process; `None` for the program's default.
    pub pool: Option<u16>,
    /// Rules to leave out on purpose, by their names in `cleave flaws`.
    pub flaws: Vec<String>,
    /// Whether a monolith runs behind a gateway and may have several instances. A split shop always does.
    pub behind_gateway: bool,
    /// Instances of each service, or of a monolith behind a gateway.
    pub instances: usize,
    /// Whether each link has a proxy in which faults can be injected.
    pub proxied: bool,
    /// Whether its processes record spans and metrics. On by default; switch it off to measure the cost.
    pub telemetry: bool,
    /// Whether its processes inherit the OTEL_* variables, which make them send spans to a collector. Off for
    /// measurements, so that they do not depend on the user's shell.
    pub exports: bool,
}

impl ShopOptions {
    /// A shop as `cleave up` runs it, to be supervised: behind a gateway, with proxies where faults are injected.
    pub fn behind_gateway(programs: &Path, logs: impl Into<PathBuf>, proxied: bool) -> ShopOptions {
        ShopOptions { behind_gateway: true, proxied, ..ShopOptions::new(programs, logs) }
    }

    /// The defaults: each message published once, no flaws, no gateway before a monolith, one instance of everything,
    /// no proxies.
    pub fn new(programs: &Path, logs: impl Into<PathBuf>) -> ShopOptions {
        ShopOptions {
            programs: programs.to_owned(),
            logs: logs.into(),
            deliveries: 1,
            pool: None,
            flaws: Vec::new(),
            behind_gateway: false,
            instances: 1,
            proxied: false,
            telemetry: true,
            exports: false,
        }
    }
}
