//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use self::values::{FlawArgs, Json, Modes, ServerArgs, modes, postgres_url, scaling, setting};
use crate::{commands, doctor, in_doubt, logs, up, words};
use ::audit::Verdict;
use ::dashboard::clock;
use terminal::{output, say};

mod audit;
mod bench;
mod chaos;
mod clean;
mod compare;
mod dashboard;
mod diff;
mod examples;
mod fault;
mod help;
mod korean;
mod order;
mod parse;
mod proofs;
mod usage_errors;
mod values;

/// Exit status: every invariant holds.
const HELD: u8 = 0;
/// Exit status: an invariant is violated.
const VIOLATED: u8 = 1;
/// Exit status: no evidence, or the command failed.
const COULD_NOT: u8 = 2;
/// Exit status: bad usage (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

/// Run one shop as a monolith and as services, side by side under the same load.
#[derive(Debug, Parser)]
#[command(
    name = "cleave",
    version,
    after_help = "Exit status: 0 all held, 1 something is violated, 2 no evidence or could not run, 64 bad usage."
)]
struct Cli {
    /// Folder for runs and state; by default .cleave in the checkout.
    #[arg(long, global = true, value_name = "DIR", display_order = 900)]
    folder: Option<PathBuf>,
    /// Language of texts: ko or en; by default that of the locale (LC_ALL, LC_MESSAGES, LANG).
    #[arg(long, global = true, value_name = "LANG", value_parser = ["ko", "en"], hide_possible_values = true, display_order = 901)]
    lang: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
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
    /// Start a shop, print its address and what to try, and stay until Ctrl-C.
    Up(Up),
    /// Show both modes in a web page under the same load, and break them there. Starts the shops if none is up.
    Dashboard(dashboard::Dashboard),
    /// Play back a recording of the dashboard; no shop need be up.
    Replay(dashboard::Replay),
    /// Check the invariants of the shops that are up.
    Audit(audit::Audit),
    /// Break one thing after another in the shops that are up (`cleave up --proxies`), chosen by a seed.
    Chaos(chaos::Chaos),
}

/// Commands that come to an end by themselves. Ctrl-C drops what they have started.
#[derive(Debug, Subcommand)]
enum Asking {
    /// Run both modes under the same load, and show their figures side by side.
    #[command(display_order = 0)]
    Compare(compare::Compare),
    /// Compare two saved runs: before and after a change, or from two machines.
    #[command(display_order = 0)]
    Diff(diff::Diff),
    /// Show the shops that are up, and their processes.
    Status(Json),
    /// Stop the shops that are up.
    Down,
    /// Print the logs of all processes of the shops that are up, as one stream.
    Logs {
        /// Only processes whose names begin with this.
        name: Option<String>,
        /// Only lines about this order.
        #[arg(long, value_name = "ID")]
        order: Option<String>,
        /// Stay, and print new lines as they are written.
        #[arg(long)]
        follow: bool,
    },
    /// Change the number of instances of a service.
    Scale {
        /// Service and number, e.g. inventory=3 or monolith=2.
        #[arg(value_name = "SERVICE=INSTANCES", value_parser = scaling)]
        to: control::Scale,
        #[command(flatten)]
        json: Json,
    },
    /// Replace every instance of a service by a new one, one after another, while it serves.
    Deploy {
        /// Service, e.g. inventory, or monolith.
        service: String,
        #[command(flatten)]
        json: Json,
    },
    /// Change a setting of the running processes, or list all settings.
    Set {
        /// Setting and value, e.g. gateway.timeout_ms=500.
        #[arg(value_name = "NAME=VALUE", value_parser = setting)]
        to: Option<control::Set>,
        #[command(flatten)]
        json: Json,
    },
    /// Add a fault to the shops that are up, or list faults.
    #[command(subcommand)]
    Fault(fault::Fault),
    /// End faults early.
    Heal(fault::HealFaults),
    /// Run many orders and many faults on a shop of its own for minutes, then audit it.
    Soak(chaos::Soak),
    /// Tell the story of one order: what happened to it and where, what it waits for, and what is safe to do.
    Order(order::Order),
    /// Measure limits and costs of the shop.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Kill processes at every crash point of every driver, and check all invariants.
    CrashMatrix(proofs::CrashMatrix),
    /// List the rules that can be left out on purpose, or show what happens to a shop without one.
    Flaws(proofs::Flaws),
    /// List open prepared transactions and what they block; finish them with --resolve.
    InDoubt {
        /// Database of the shop, once per database; by default those of the shops that are up.
        #[arg(long, value_name = "URL", value_parser = postgres_url)]
        database_url: Vec<String>,
        /// Finish each by the recorded decision, unless its coordinator is running and will do so itself.
        #[arg(long)]
        resolve: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Show what cleave left on this machine, and remove what is named.
    Clean(clean::Clean),
    /// Check this machine, and show the command that installs what is missing.
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
    /// Check a model of a protocol in every order of steps, including crashes and late messages.
    #[command(disable_help_flag = true)]
    Model {
        /// Arguments of the model checker; see `cleave model --help`.
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

#[derive(Debug, Args)]
struct Up {
    /// Mode: monolith, split, both, or a driver, e.g. split:tcc.
    #[arg(default_value = "both", value_parser = modes)]
    modes: Modes,
    /// Put a proxy into every link, where `cleave fault` can act.
    #[arg(long)]
    proxies: bool,
    /// Show the shops in a web page, as `cleave dashboard` does; implies --proxies.
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
    /// With `--dashboard` the page sends the load, otherwise `cleave up` does.
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
    let cli = match parse::arguments(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return parse::explain(&error),
    };
    let result = match cli.command {
        None => {
            terminal::say!("{}", words::first_steps(examples::program()));
            Ok(HELD)
        }
        Some(Command::Bare(command)) => bare(command),
        Some(Command::Staying(command)) => start(|folder| stay(command, folder), cli.folder),
        Some(Command::Asking(command)) => start(|folder| ask(command, folder), cli.folder),
    };
    say::ended(result.unwrap_or_else(|error| {
        terminal::note!("cleave: {error:#}");
        COULD_NOT
    }))
}

fn bare(command: Bare) -> Result<u8> {
    match command {
        // The guard's only thread blocks all signals.
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
        // The other branch is dropped, which ends everything that it started.
        () = interrupted() => {
            terminal::note!("cleave: {}", words::interrupted());
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
        Asking::Bench(asked) => bench::bench(asked, folder).await,
        Asking::CrashMatrix(asked) => proofs::crash_matrix(asked, folder).await,
        Asking::Flaws(asked) => proofs::flaws(asked, folder).await,
        Asking::InDoubt { database_url, resolve, json } => {
            in_doubt::run(folder, &database_url, resolve, json.json.as_deref()).await
        }
        Asking::Clean(asked) => clean::clean(asked, folder).await,
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

/// Returns when the user or the system asks the program to stop.
async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the program immediately, and the guard cleans up.
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
