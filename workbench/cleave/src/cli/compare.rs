//! `cleave compare`: the words of the command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::exit_status;
use super::words::{FlawArgs, Json, ServerArgs, length, length_or_none, rate};
use experiments::compare;
use experiments::scenario::{self, Scenario};
use load::Arrivals;
use servers::guard::Guard;
use terminal::output;
use topology::Driver;

#[derive(Debug, Args)]
pub(super) struct Compare {
    /// The modes, as monolith:two-phase or split:tcc, the baseline first; the same one twice compares it with itself.
    #[arg(long, value_delimiter = ',', default_value = "monolith,split")]
    modes: Vec<Driver>,
    /// Orders per second, sent by the clock (open loop).
    #[arg(long, value_name = "N/s", default_value = "100/s", value_parser = rate)]
    rate: f64,
    /// Send as fast as the shop decides (closed loop), to find its limit.
    #[arg(long, conflicts_with = "rate")]
    saturate: bool,
    /// Clients that send at the same time, with --saturate.
    #[arg(long, default_value_t = 64, requires = "saturate", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    clients: u64,
    /// The measured part of each trial.
    #[arg(long, default_value = "10s", value_parser = length)]
    duration: Duration,
    /// The part before that, thrown away.
    #[arg(long, default_value = "2s", value_parser = length_or_none)]
    warm_up: Duration,
    /// How often each mode is measured. From three on, differences can be told from chance.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    trials: u64,
    /// Seed of the load: the same seed sends the same orders.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run a scenario on each of the modes instead: a timeline of load, faults, scaling and deployments, as those in
    /// docs/scenarios.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "saturate", "duration", "warm_up", "trials", "flaws", "telemetry", "export"])]
    scenario: Option<PathBuf>,
    /// Whether the processes of each mode record spans and count what they do, in the order of --modes: `--modes
    /// split,split --telemetry on,off` shows what that costs. The last is for all that follow.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "on", value_name = "on|off")]
    telemetry: Vec<compare::Telemetry>,
    /// Have the shops send their spans to the collector that the OTEL_* variables of this shell name. Without it they
    /// are not told of those variables: exporting costs time, which would be measured.
    #[arg(long)]
    export: bool,
    /// Look at the databases while the shops run, too: what is wrong meanwhile, and for how long they disagree. A scenario
    /// always does.
    #[arg(long)]
    live_audit: bool,
    #[command(flatten)]
    flaws: FlawArgs,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    json: Json,
}

/// The same disturbances on each of the modes.
async fn play(file: &Path, arguments: Compare, folder: &Path) -> Result<u8> {
    let scenario = Scenario::read(file)?;
    let options = scenario::Options {
        drivers: arguments.modes,
        seed: arguments.seed,
        infra: arguments.servers.options(),
    };
    let (run, folder) = scenario::run(&Guard::start()?, folder, &scenario, &options).await?;
    output::figures(arguments.json.json.as_deref(), scenario::table(&run), &run)?;
    terminal::note!("\nThe report: {}", folder.join("report.html").display());
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
    let options = compare::Options {
        drivers: arguments.modes,
        flaws: arguments.flaws.flaws,
        telemetry: arguments.telemetry,
        exports: arguments.export,
        arrivals,
        duration: arguments.duration,
        warm_up: arguments.warm_up,
        trials: arguments.trials,
        live_audit: arguments.live_audit,
        seed: arguments.seed,
        infra: arguments.servers.options(),
    };
    let (run, folder) = compare::run(&Guard::start()?, folder, &options).await?;
    let table = report::table(&run, None);
    output::figures(arguments.json.json.as_deref(), table, &run)?;
    terminal::note!("\nThe report: {}", folder.join("report.html").display());
    Ok(exit_status(run.verdict))
}
