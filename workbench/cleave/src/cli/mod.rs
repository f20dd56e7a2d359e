//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

use self::arguments::{Asking, Bare, Cli, Command, Staying};
use self::values::Json;
use crate::{commands, doctor, in_doubt, logs, manifests, moves, up, words};
use ::audit::Verdict;
use ::dashboard::clock;
use shop::seed::Goods;
use terminal::{output, say};

mod arguments;
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

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match parse::arguments(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return parse::explain(&error),
    };
    let result = match cli.command {
        None => {
            terminal::say!("{}", words::first_steps());
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
        Bare::Manifests { orchestrator, output } => manifests::write(orchestrator, &output).map(|()| HELD),
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
            let wanted = control::WantedShops {
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
        Asking::Fill { address } => {
            Goods::new(control::SEED).send_to(address.trim_end_matches('/')).await.map(|()| HELD)
        }
        Asking::Health { address } => up::health(folder, address.as_deref()).await,
        Asking::Logs { name, order, follow } => {
            let wanted = logs::LogQuery { process: name, order, follow };
            up::logs(folder, &wanted).await.map(|()| HELD)
        }
        Asking::Scale { to, json } => commands::scale(folder, &to, json.json.as_deref()).await.map(|()| HELD),
        Asking::Deploy { service, json } => {
            commands::deploy(folder, service, json.json.as_deref()).await.map(|()| HELD)
        }
        Asking::Extract { module, plan: true, json, .. } => {
            moves::plan(folder, module, json.json.as_deref()).await.map(|()| HELD)
        }
        Asking::Extract { module, parallel_run, json, .. } => {
            moves::run(folder, module, true, parallel_run, json.json.as_deref()).await.map(|()| HELD)
        }
        Asking::Merge { module, parallel_run, json } => {
            moves::run(folder, module, false, parallel_run, json.json.as_deref()).await.map(|()| HELD)
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
