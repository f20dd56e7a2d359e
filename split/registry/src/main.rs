//! The registry as an independent process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use platform::health::Health;
use platform::listen::Listen;
use platform::settings::Settings;
use platform::telemetry::{self, Telemetry};
use platform::{config, http};
use registry::{Kept, Registry};

/// The shop's service registry and external configuration.
#[derive(Debug, Clone, Parser)]
#[command(name = "registry", version)]
struct Cli {
    #[command(flatten)]
    at: Listen,
    /// How long an instance stays listed without a heartbeat, in milliseconds.
    #[arg(long, env = "CLEAVE_TIME_TO_LIVE", value_name = "MS", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(50..=600_000))]
    time_to_live: u64,
    /// Interval between an instance's heartbeats, in milliseconds. At most half of the time to live, so that one may be
    /// lost.
    #[arg(long, env = "CLEAVE_HEARTBEAT", value_name = "MS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(10..=300_000))]
    heartbeat: u64,
    /// JSON file to keep settings in. Without it, every start uses the defaults.
    #[arg(long, env = "CLEAVE_SETTINGS", value_name = "FILE")]
    settings: Option<PathBuf>,
    #[command(flatten)]
    telemetry: telemetry::Options,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    config::finish(run(config::read()).await)
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let telemetry = Telemetry::start("registry", "registry", &cli.telemetry)?;
    ensure!(
        cli.heartbeat * 2 <= cli.time_to_live,
        "--heartbeat {} must be at most half of --time-to-live {}, so that one heartbeat may be late",
        cli.heartbeat,
        cli.time_to_live
    );
    let milliseconds = Duration::from_millis;
    let (kept, settings) = match cli.settings.map(Kept::read).transpose()? {
        Some((kept, settings)) => (Some(kept), settings),
        None => (None, Settings::default()),
    };
    let (time_to_live, heartbeat) = (milliseconds(cli.time_to_live), milliseconds(cli.heartbeat));
    let registry = Registry::with_settings(time_to_live, heartbeat, settings, kept);
    let watched = registry.clone();
    let routes = Arc::new(move |app: &mut actix_web::web::ServiceConfig| registry.routes(app));
    tokio::select! {
        served = http::serve(cli.at, &telemetry, Health::new("registry"), None, routes) => served,
        () = watched.watch_over_leases() => unreachable!("it runs for as long as the process lives"),
    }
}
