//! The command line of `cleave compare`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::exit_status;
use super::values::{FlawArgs, Json, ServerArgs, driver, length, length_or_none, number, rate, whole};
use crate::words;
use experiments::compare;
use experiments::scenario::{self, Scenario};
use load::Arrivals;
use servers::guard::Guard;
use terminal::output;
use topology::Driver;

#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Modes, e.g. monolith:two-phase or split:tcc, the baseline first. The same mode twice compares it with itself.
    #[arg(long, value_delimiter = ',', default_value = "monolith,split", value_parser = driver)]
    modes: Vec<Driver>,
    /// The price of each module that leaves: the monolith, then one module more out at each stage, up to the services.
    /// Every stage runs behind a gateway and with the live audit. Replaces --modes.
    #[arg(long, conflicts_with_all = ["modes", "scenario"])]
    ladder: bool,
    /// Orders per second, sent by the clock (open loop).
    #[arg(long, value_name = "N/s", default_value = "100/s", value_parser = rate)]
    rate: f64,
    /// Send as fast as the shop decides (closed loop), to find its limit.
    #[arg(long, conflicts_with = "rate")]
    saturate: bool,
    /// Number of concurrent clients, with --saturate.
    #[arg(long, default_value_t = 64, requires = "saturate", value_parser = whole(1..=1_000))]
    clients: u64,
    /// Length of the measured part of each trial.
    #[arg(long, default_value = "8s", value_parser = length)]
    duration: Duration,
    /// Length of the part before that, which is not measured.
    #[arg(long, default_value = "2s", value_parser = length_or_none)]
    warm_up: Duration,
    /// Trials per mode. With three or more, a difference can be distinguished from chance.
    #[arg(long, default_value_t = 3, value_parser = whole(1..=100))]
    trials: u64,
    /// Seed of the load: the same seed sends the same orders.
    #[arg(long, default_value_t = 1, value_parser = number)]
    seed: u64,
    /// Run a scenario on each mode instead: a timeline of load, faults, scaling and deployments; see docs/scenarios.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "saturate", "duration", "warm_up", "trials", "flaws", "telemetry", "export"])]
    scenario: Option<PathBuf>,
    /// Whether the processes of each mode record spans and metrics, in the order of --modes; the last value applies to
    /// the rest. `--modes split,split --telemetry on,off` shows what that costs.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "on", value_name = "on|off")]
    telemetry: Vec<compare::Telemetry>,
    /// Send spans to the collector that the OTEL_* variables name. By default the shops do not see these variables, since
    /// exporting costs time that would be measured.
    #[arg(long)]
    export: bool,
    /// Audit the databases while the shops run, too: how many orders are inconsistent, and for how long. A scenario always
    /// does.
    #[arg(long)]
    live_audit: bool,
    #[command(flatten)]
    flaws: FlawArgs,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    json: Json,
}

/// Runs a scenario on each of the modes.
async fn play(file: &Path, arguments: Compare, folder: &Path) -> Result<u8> {
    let scenario = Scenario::read(file)?;
    let options = scenario::ScenarioOptions {
        drivers: arguments.modes,
        seed: arguments.seed,
        infra: arguments.servers.options(),
    };
    let (run, folder) = scenario::run(&Guard::start()?, folder, &scenario, &options).await?;
    output::figures(arguments.json.json.as_deref(), scenario::table(&run), &run)?;
    terminal::note!("{}", words::report_is_at(folder.join("report.html").display()));
    Ok(exit_status(run.verdict))
}

pub(super) async fn compare(mut arguments: Compare, folder: &Path) -> Result<u8> {
    if let Some(file) = arguments.scenario.take() {
        return play(&file, arguments, folder).await;
    }
    let arrivals = if arguments.saturate {
        Arrivals::Closed { clients: arguments.clients }
    } else {
        Arrivals::Open { rate_per_s: arguments.rate }
    };
    let options = compare::CompareOptions {
        drivers: if arguments.ladder { Driver::LADDER.to_vec() } else { arguments.modes },
        ladder: arguments.ladder,
        flaws: arguments.flaws.flaws,
        telemetry: arguments.telemetry,
        exports: arguments.export,
        arrivals,
        duration: arguments.duration,
        warm_up: arguments.warm_up,
        trials: arguments.trials,
        live_audit: arguments.live_audit || arguments.ladder,
        seed: arguments.seed,
        infra: arguments.servers.options(),
    };
    let (run, folder) = compare::run(&Guard::start()?, folder, &options).await?;
    let table = report::table(&run, None);
    output::figures(arguments.json.json.as_deref(), table, &run)?;
    terminal::note!("{}", words::report_is_at(folder.join("report.html").display()));
    Ok(exit_status(run.verdict))
}
