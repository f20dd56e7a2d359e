//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use self::words::{FlawArgs, Json, Modes, ServerArgs, length, modes, postgres_url, scaling, setting};
use crate::{commands, doctor, in_doubt, logs, up};
use ::audit::Verdict;
use ::dashboard::clock;
use servers::guard::Guard;
use terminal::{output, say};

mod audit;
mod bench;
mod chaos;
mod compare;
mod dashboard;
mod diff;
mod fault;
mod order;
mod proofs;
mod words;

/// Exit status: everything that was looked at holds.
const HELD: u8 = 0;
/// Exit status: an invariant is violated.
const VIOLATED: u8 = 1;
/// Exit status: no evidence, or the command could not run.
const COULD_NOT: u8 = 2;
/// Exit status: bad usage (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// One shop, two architectures: run it as a monolith and as services, on the same load, side by side.
#[derive(Debug, Parser)]
#[command(
    name = "cleave",
    version,
    after_help = "Exit status: 0 all held, 1 something was violated, 2 no evidence or could not run, 64 bad usage."
)]
struct Cli {
    /// Where runs and state are kept; by default .cleave in the checkout.
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Staying(Staying),
    #[command(flatten)]
    Asking(Asking),
    #[command(flatten)]
    Bare(Bare),
}

/// Commands that stay until Ctrl-C, and end in order then.
#[derive(Debug, Subcommand)]
enum Staying {
    /// Start a shop, say where it is and what to try, and stay until Ctrl-C.
    Up(Up),
    /// Show both modes side by side in a web page, under one load, and break them there. Starts them unless they are up.
    Dashboard(dashboard::Dashboard),
    /// Play back what a dashboard has recorded, with nothing running.
    Replay(dashboard::Replay),
    /// Check the invariants on what `cleave up` has running.
    Audit(audit::Audit),
    /// Break one thing after the other in what `cleave up --proxies` has running, as a seed says.
    Chaos(chaos::Chaos),
}

/// Commands that come to an end by themselves. Ctrl-C drops what they have started.
#[derive(Debug, Subcommand)]
enum Asking {
    /// Run both modes on the same load, and set their figures side by side.
    #[command(display_order = 0)]
    Compare(compare::Compare),
    /// Compare two saved runs: before and after a change, or from two machines.
    #[command(display_order = 0)]
    Diff(diff::Diff),
    /// Tell what `cleave up` has running.
    Status(Json),
    /// Stop what `cleave up` has running.
    Down,
    /// Print the logs of all processes of what `cleave up` has running, as one stream.
    Logs {
        /// Only processes whose names begin so.
        name: Option<String>,
        /// Only lines that speak of this order.
        #[arg(long, value_name = "ID")]
        order: Option<String>,
        /// Stay, and print what comes.
        #[arg(long)]
        follow: bool,
    },
    /// Change how many instances of a service are running.
    Scale {
        /// As inventory=3 or monolith=2.
        #[arg(value_name = "SERVICE=INSTANCES", value_parser = scaling)]
        to: control::Scale,
        #[command(flatten)]
        json: Json,
    },
    /// Replace every instance of a service by a new one, one after the other, while it serves.
    Deploy {
        /// The service, or monolith.
        service: String,
        #[command(flatten)]
        json: Json,
    },
    /// Change a setting that processes follow while they run, or tell what all of them are.
    Set {
        /// As gateway.timeout_ms=500.
        #[arg(value_name = "NAME=VALUE", value_parser = setting)]
        to: Option<control::Set>,
        #[command(flatten)]
        json: Json,
    },
    /// Disturb what `cleave up` has running, or tell what was disturbed.
    #[command(subcommand)]
    Fault(fault::Fault),
    /// End faults before their time.
    Heal(fault::HealFaults),
    /// Many orders and many faults on a shop of its own for minutes, and then the audit.
    Soak(chaos::Soak),
    /// Tell the story of one order: what happened to it where, what it waits for, and what may safely be done.
    Order(order::Order),
    /// Measure how near the shop comes to what is possible.
    #[command(subcommand)]
    Bench(Bench),
    /// Kill processes at every crash point of every driver, and see whether all invariants hold.
    CrashMatrix(proofs::CrashMatrix),
    /// List the rules that can be left out on purpose, or show what becomes of a shop that leaves one out.
    Flaws(proofs::Flaws),
    /// Tell which transactions are prepared and wait for their end, and who waits for them; finish them if asked to.
    InDoubt {
        /// A database of the shop, once for each; those of what `cleave up` has running if none is named.
        #[arg(long, value_name = "URL", value_parser = postgres_url)]
        database_url: Vec<String>,
        /// Finish each by the decision on record, unless its coordinator is running and does so itself.
        #[arg(long)]
        resolve: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Tell what is on this machine, what is missing, and the one command that brings it.
    Doctor {
        /// Install what is missing.
        #[arg(long)]
        fix: bool,
        /// Install without asking.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        json: Json,
    },
}

/// Commands that need no runtime and leave nothing behind.
#[derive(Debug, Subcommand)]
enum Bare {
    /// Check a model of a protocol: every order of every step, crashes and late messages included.
    #[command(disable_help_flag = true)]
    Model {
        /// What `cleave model --help` lists.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Sends the load of a dashboard.
    #[command(name = clock::COMMAND, hide = true)]
    LoadClock,
    /// Cleans up after a cleave that was killed.
    #[command(name = servers::guard::COMMAND, hide = true)]
    Guard,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The monolith over HTTP against pgbench on a plain checkout in the same database.
    Limit {
        /// How long each round lasts.
        #[arg(long, default_value = "10s", value_parser = length)]
        duration: Duration,
        /// Clients that work at the same time.
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_000))]
        clients: u64,
        /// Rounds of each of the two.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
        rounds: u64,
        /// Seed of the goods and the orders.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Install missing programs without asking.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        json: Json,
    },
    /// A saturated shop without and with the live audit, in turns: what it costs to be looked at.
    LiveAudit(audit::BenchLiveAudit),
    /// Both shops beside busy loops: how many orders are served, how fast, and what is taken out though it lives.
    Busy(bench::Busy),
    /// The broker and the database killed and back: how long until orders are decided again.
    Recovery(bench::Recovery),
}

#[derive(Debug, Args)]
struct Up {
    /// monolith, split, both, or exactly how it stays consistent, as split:tcc.
    #[arg(default_value = "both", value_parser = modes)]
    modes: Modes,
    /// Put a proxy into every link, where `cleave fault` can disturb it.
    #[arg(long)]
    proxies: bool,
    /// Show all of it in a web page, as `cleave dashboard` does; with proxies.
    #[arg(long)]
    dashboard: bool,
    /// Send so many orders per second to each shop, until it stops. With --dashboard the page sends them, 20/s by default.
    #[arg(long, value_name = "N/s", value_parser = dashboard::rate)]
    rate: Option<f64>,
    #[command(flatten)]
    flaws: FlawArgs,
    #[command(flatten)]
    servers: ServerArgs,
}

impl Up {
    /// The page, where it is asked for, sends the load. Without it `cleave up` does.
    fn load(&self) -> up::Load {
        match (self.dashboard, self.rate) {
            (true, rate) => {
                let usual = ::dashboard::Options::default();
                up::Load::Page(::dashboard::Options { rate_per_s: rate.unwrap_or(usual.rate_per_s), ..usual })
            }
            (false, Some(rate_per_s)) => up::Load::Own { rate_per_s },
            (false, None) => up::Load::None,
        }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked_for = !error.use_stderr();
            let printed = error.print();
            if asked_for {
                say::remember(printed);
            }
            return say::ended(if asked_for { HELD } else { USAGE });
        }
    };
    let result = match cli.command {
        Command::Bare(command) => bare(command),
        Command::Staying(command) => start(|folder| stay(command, folder), cli.folder),
        Command::Asking(command) => start(|folder| ask(command, folder), cli.folder),
    };
    say::ended(result.unwrap_or_else(|error| {
        terminal::note!("cleave: {error:#}");
        COULD_NOT
    }))
}

fn bare(command: Bare) -> Result<u8> {
    match command {
        // Its one thread blocks all signals.
        Bare::Guard => servers::be_guard().map(|()| HELD),
        Bare::LoadClock => clock::run(control::SEED).map(|()| HELD),
        Bare::Model { arguments } => commands::model(&arguments),
    }
}

#[tokio::main]
async fn start(command: impl AsyncFnOnce(PathBuf) -> Result<u8>, folder: Option<PathBuf>) -> Result<u8> {
    let folder = match folder {
        Some(folder) => folder,
        None => output::default_folder()?,
    };
    load::allow_many_connections()?;
    command(folder).await
}

async fn stay(command: Staying, folder: PathBuf) -> Result<u8> {
    match command {
        Staying::Up(asked) => {
            let load = asked.load();
            let wanted = control::Wanted {
                drivers: asked.modes.0,
                flaws: asked.flaws.flaws,
                proxies: asked.proxies || asked.dashboard,
                infra: asked.servers.options(),
            };
            up::run(&folder, &wanted, &load, interrupted()).await.map(|()| HELD)
        }
        Staying::Chaos(asked) => chaos::chaos(asked, &folder).await,
        Staying::Audit(asked) => audit::audit(asked, &folder, interrupted()).await,
        Staying::Dashboard(asked) => dashboard::dashboard(asked, &folder).await,
        Staying::Replay(asked) => dashboard::play(asked, &folder).await,
    }
}

async fn ask(command: Asking, folder: PathBuf) -> Result<u8> {
    tokio::select! {
        result = answer(command, &folder) => result,
        // What was started is dropped with the other branch, and dropping ends it.
        () = interrupted() => {
            terminal::note!("cleave: interrupted; stopping everything");
            Ok(COULD_NOT)
        }
    }
}

async fn answer(command: Asking, folder: &Path) -> Result<u8> {
    match command {
        Asking::Compare(asked) => compare::compare(asked, folder).await,
        Asking::Diff(asked) => diff::run(&asked),
        Asking::Status(Json { json }) => up::status(folder, json.as_deref()).await,
        Asking::Down => up::down(folder).await,
        Asking::Logs { name, order, follow } => {
            let wanted = logs::Wanted { process: name, order, follow };
            up::logs(folder, &wanted).await.map(|()| HELD)
        }
        Asking::Scale { to, json } => commands::scale(folder, &to, json.json.as_deref()).await.map(|()| HELD),
        Asking::Deploy { service, json } => {
            commands::deploy(folder, service, json.json.as_deref()).await.map(|()| HELD)
        }
        Asking::Set { to, json } => {
            commands::set(folder, to.as_ref(), json.json.as_deref()).await.map(|()| HELD)
        }
        Asking::Fault(asked) => fault::fault(asked, folder).await,
        Asking::Heal(asked) => fault::heal(asked, folder).await,
        Asking::Soak(asked) => chaos::soak(asked, folder).await,
        Asking::Order(asked) => order::order(asked, folder).await,
        Asking::Bench(Bench::Limit { duration, clients, rounds, seed, yes, json }) => {
            let guard = Guard::start()?;
            let options = experiments::bench::Options { duration, clients, rounds, seed, yes };
            let limit = experiments::bench::limit(&guard, folder, &options).await?;
            output::figures(json.json.as_deref(), limit.table(), &limit)?;
            Ok(HELD)
        }
        Asking::Bench(Bench::LiveAudit(asked)) => audit::bench(asked, folder).await,
        Asking::Bench(Bench::Busy(asked)) => bench::busy(asked, folder).await,
        Asking::Bench(Bench::Recovery(asked)) => bench::recovery(asked, folder).await,
        Asking::CrashMatrix(asked) => proofs::crash_matrix(asked, folder).await,
        Asking::Flaws(asked) => proofs::flaws(asked, folder).await,
        Asking::InDoubt { database_url, resolve, json } => {
            in_doubt::run(folder, &database_url, resolve, json.json.as_deref()).await
        }
        Asking::Doctor { fix, yes, json } => doctor::run(fix, yes, json.json.as_deref()).await,
    }
}

fn exit_status(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Held => HELD,
        Verdict::Violated => VIOLATED,
        Verdict::NoEvidence => COULD_NOT,
    }
}

/// Done when the user or the system asks the program to stop.
async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the program at once, and the guard cleans up.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
