//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

use crate::dashboard::clock;
use crate::driver::Driver;
use crate::guard::{self, Guard};
use crate::run::{Arrivals, Verdict};
use crate::scenario::Scenario;
use crate::{
    bench, compare, control, crash_matrix, doctor, flaws, in_doubt, infra, load, logs, model, output, report,
    scenario, up,
};

mod audit;
mod chaos;
mod dashboard;
mod fault;
mod order;

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
    /// Run both modes on the same load, and set their figures side by side.
    Compare(Compare),
    /// Start a shop, say where it is and what to try, and stay until Ctrl-C.
    Up(Up),
    /// Show both modes side by side in a web page, under one load, and break them there. Starts them unless they are up.
    Dashboard(dashboard::Dashboard),
    /// Play back what a dashboard has recorded, with nothing running.
    Replay(dashboard::Replay),
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
    /// Break one thing after the other in what `cleave up --proxies` has running, as a seed says.
    Chaos(chaos::Chaos),
    /// Many orders and many faults on a shop of its own for minutes, and then the audit.
    Soak(chaos::Soak),
    /// Tell the story of one order: what happened to it where, what it waits for, and what may safely be done.
    Order(order::Order),
    /// Check the invariants on what `cleave up` has running.
    Audit(audit::Audit),
    /// Measure how near the shop comes to what is possible.
    #[command(subcommand)]
    Bench(Bench),
    /// Kill processes at every crash point of every driver, and see whether all invariants hold.
    CrashMatrix(CrashMatrix),
    /// List the rules that can be left out on purpose, or show what becomes of a shop that leaves one out.
    Flaws(Flaws),
    /// Check a model of a protocol: every order of every step, crashes and late messages included.
    Model(model::Arguments),
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
    /// Sends the load of a dashboard.
    #[command(name = clock::COMMAND, hide = true)]
    LoadClock,
    /// Cleans up after a cleave that was killed.
    #[command(name = guard::COMMAND, hide = true)]
    Guard,
}

#[derive(Debug, Args)]
struct CrashMatrix {
    /// The crash points; all of them unless some are named.
    #[arg(long, value_delimiter = ',', value_name = "POINT")]
    points: Vec<String>,
    /// The drivers; by default all that are meant to be correct.
    #[arg(long, value_delimiter = ',', default_values_t = Driver::CORRECT)]
    drivers: Vec<Driver>,
    /// How often each point is tried on each driver, with another process, pass and orders each time.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
struct Flaws {
    #[command(subcommand)]
    show: Option<ShowFlaws>,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Subcommand)]
enum ShowFlaws {
    /// Do the same to a shop without and with a flaw, and set what the audit says of both side by side.
    Show {
        /// The flaws, one after the other.
        #[arg(required = true, value_name = "FLAW", value_parser = flaw)]
        names: Vec<String>,
        #[command(flatten)]
        servers: ServerArgs,
        #[command(flatten)]
        json: Json,
    },
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
}

#[derive(Debug, Args)]
struct Compare {
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
    #[arg(long, default_value = "20s", value_parser = length)]
    duration: Duration,
    /// The part before that, thrown away.
    #[arg(long, default_value = "3s", value_parser = length_or_none)]
    warm_up: Duration,
    /// How often each mode is measured. From three on, differences can be told from chance.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    trials: u64,
    /// Seed of the load: the same seed sends the same orders.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run a scenario on each of the modes instead: a timeline of load, faults, scaling and deployments, as those in
    /// docs/scenarios.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "saturate", "duration", "warm_up", "trials", "flaws", "telemetry"])]
    scenario: Option<PathBuf>,
    /// Whether the processes of each mode record spans and count what they do, in the order of --modes: `--modes
    /// split,split --telemetry on,off` shows what that costs. The last is for all that follow.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "on", value_name = "on|off")]
    telemetry: Vec<compare::Telemetry>,
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
    #[command(flatten)]
    flaws: FlawArgs,
    #[command(flatten)]
    servers: ServerArgs,
}

/// What `cleave up` starts.
#[derive(Debug, Clone)]
struct Modes(Vec<Driver>);

/// Which rules to leave out.
#[derive(Debug, Args)]
struct FlawArgs {
    /// Rules to leave out on purpose, to see what they are for; `cleave flaws` explains each.
    #[arg(long, value_delimiter = ',', value_name = "FLAW", value_parser = flaw)]
    flaws: Vec<String>,
}

/// Which servers to use. Private ones of cleave's own, unless these say otherwise.
#[derive(Debug, Clone, Args)]
struct ServerArgs {
    /// A PostgreSQL to use, as postgres://user:password@host:port/name; cleave makes databases of its own on it.
    #[arg(long, value_name = "URL", value_parser = postgres_url)]
    database_url: Option<String>,
    /// A RabbitMQ to use, as amqp://user:password@host:port/%2f.
    #[arg(long, value_name = "URL", value_parser = amqp_url)]
    amqp_url: Option<String>,
    /// A folder for PostgreSQL's data: a small file system, mounted for the fault disk_full to fill.
    #[arg(long, value_name = "DIR", conflicts_with = "database_url")]
    disk: Option<PathBuf>,
    /// Install missing programs without asking.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
struct Json {
    /// Write the figures as JSON to this file; `-` is standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<String>,
}

impl ServerArgs {
    fn options(self) -> infra::Options {
        let ServerArgs { database_url, amqp_url, disk, yes } = self;
        infra::Options { database_url, amqp_url, disk, yes, ..infra::Options::default() }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { HELD });
        }
    };
    // The guard needs no runtime: its one thread blocks all signals.
    let result = match cli.command {
        Command::Guard => guard::run().map(|()| HELD),
        Command::LoadClock => clock::run(up::SEED).map(|()| HELD),
        // Nothing is left behind when a signal ends it, so nobody has to wait for one.
        Command::Model(arguments) => model::run(&arguments).map(|held| if held { HELD } else { VIOLATED }),
        command => start(command, cli.folder),
    };
    ExitCode::from(result.unwrap_or_else(|error| {
        eprintln!("cleave: {error:#}");
        COULD_NOT
    }))
}

#[tokio::main]
async fn start(command: Command, folder: Option<PathBuf>) -> Result<u8> {
    let folder = match folder {
        Some(folder) => folder,
        None => output::default_folder()?,
    };
    load::allow_many_connections()?;
    match command {
        // It takes Ctrl-C as its end, and comes to it in order.
        Command::Up(Up { modes: Modes(drivers), proxies, dashboard, flaws, servers }) => {
            let wanted = up::Wanted {
                drivers,
                flaws: flaws.flaws,
                proxies: proxies || dashboard,
                infra: servers.options(),
                page: dashboard.then(crate::dashboard::Options::default),
            };
            up::run(&folder, &wanted, interrupted()).await.map(|()| HELD)
        }
        Command::Chaos(asked) => chaos::chaos(asked, &folder).await,
        Command::Audit(asked) => audit::audit(asked, &folder, interrupted()).await,
        Command::Dashboard(asked) => dashboard::dashboard(asked, &folder).await,
        Command::Replay(asked) => dashboard::play(asked, &folder).await,
        command => tokio::select! {
            result = run(command, &folder) => result,
            // Whatever was started is dropped with the other branch, and dropping ends it.
            () = interrupted() => {
                eprintln!("cleave: interrupted; stopping everything");
                Ok(COULD_NOT)
            }
        },
    }
}

async fn run(command: Command, folder: &Path) -> Result<u8> {
    match command {
        Command::Compare(arguments) => compare(arguments, folder).await,
        Command::Status(Json { json }) => up::status(folder, json.as_deref()).await,
        Command::Down => up::down(folder).await,
        Command::Logs { name, order, follow } => {
            let wanted = logs::Wanted { process: name, order, follow };
            up::logs(folder, &wanted).await.map(|()| HELD)
        }
        Command::Scale { to, json } => {
            control::commands::scale(folder, &to, json.json.as_deref()).await.map(|()| HELD)
        }
        Command::Deploy { service, json } => {
            control::commands::deploy(folder, service, json.json.as_deref()).await.map(|()| HELD)
        }
        Command::Set { to, json } => {
            control::commands::set(folder, to.as_ref(), json.json.as_deref()).await.map(|()| HELD)
        }
        Command::Fault(asked) => fault::fault(asked, folder).await,
        Command::Heal(asked) => fault::heal(asked, folder).await,
        Command::Soak(asked) => chaos::soak(asked, folder).await,
        Command::Order(asked) => order::order(asked, folder).await,
        Command::Bench(Bench::Limit { duration, clients, rounds, seed, yes, json }) => {
            let guard = Guard::start()?;
            let options = bench::Options { duration, clients, rounds, seed, yes };
            let limit = bench::limit(&guard, folder, &options).await?;
            match json.json.as_deref() {
                Some(target) => output::json(target, &limit)?,
                None => println!("{}", limit.table()),
            }
            Ok(HELD)
        }
        Command::Bench(Bench::LiveAudit(asked)) => audit::bench(asked, folder).await,
        Command::CrashMatrix(arguments) => crash_matrix(arguments, folder).await,
        Command::Flaws(arguments) => flaws(arguments, folder).await,
        Command::InDoubt { database_url, resolve, json } => {
            in_doubt::run(folder, &database_url, resolve, json.json.as_deref()).await
        }
        Command::Doctor { fix, yes, json } => doctor::run(fix, yes, json.json.as_deref()).await,
        Command::Up(_)
        | Command::Chaos(_)
        | Command::Audit(_)
        | Command::Dashboard(_)
        | Command::Replay(_)
        | Command::Guard
        | Command::LoadClock
        | Command::Model(_) => {
            unreachable!("taken before")
        }
    }
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
    match arguments.json.json.as_deref() {
        Some("-") => eprintln!("{}", scenario::table(&run)),
        _ => println!("{}", scenario::table(&run)),
    }
    if let Some(target) = arguments.json.json.as_deref() {
        output::json(target, &run)?;
    }
    eprintln!("\nThe report: {}", folder.join("report.html").display());
    Ok(exit_status(run.verdict))
}

async fn compare(mut arguments: Compare, folder: &Path) -> Result<u8> {
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
    // Standard output is for one thing: the figures for a program, if they are asked for there, or the table.
    match arguments.json.json.as_deref() {
        Some("-") => eprintln!("{table}"),
        _ => println!("{table}"),
    }
    if let Some(target) = arguments.json.json.as_deref() {
        output::json(target, &run)?;
    }
    eprintln!("\nThe report: {}", folder.join("report.html").display());
    Ok(exit_status(run.verdict))
}

async fn crash_matrix(arguments: CrashMatrix, folder: &Path) -> Result<u8> {
    let CrashMatrix { points, drivers, seeds, seed, servers, json: Json { json } } = arguments;
    let infra = servers.options();
    let options = crash_matrix::Options { points, drivers, seeds, first_seed: seed, infra };
    let matrix = crash_matrix::run(&Guard::start()?, &folder.join("crash-matrix"), &options).await?;
    match json.as_deref() {
        Some("-") => eprintln!("{}", matrix.grid()),
        _ => println!("{}", matrix.grid()),
    }
    if let Some(target) = json.as_deref() {
        output::json(target, &matrix)?;
    }
    Ok(exit_status(matrix.verdict()))
}

async fn flaws(arguments: Flaws, folder: &Path) -> Result<u8> {
    let Some(ShowFlaws::Show { names, servers, json: Json { json } }) = arguments.show else {
        match arguments.json.json.as_deref() {
            Some(target) => output::json(target, &flaws::Document::of_all())?,
            None => println!("{}", flaws::list()),
        }
        return Ok(HELD);
    };
    let silent = json.as_deref() == Some("-");
    let guard = Guard::start()?;
    let document = flaws::show(&guard, &folder.join("flaws"), &names, &servers.options(), silent).await?;
    if let Some(target) = json.as_deref() {
        output::json(target, &document)?;
    }
    Ok(if document.all_caught() { HELD } else { VIOLATED })
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

fn modes(word: &str) -> Result<Modes, String> {
    if word == "both" {
        return Ok(Modes(vec![Driver::Local, Driver::Orchestrated]));
    }
    let driver = word.parse().map_err(|error| format!("{error}, or both"))?;
    Ok(Modes(vec![driver]))
}

fn scaling(word: &str) -> Result<control::Scale, String> {
    let (service, number) = word.split_once('=').ok_or("give the service and a number, as inventory=3")?;
    let instances = number.parse().map_err(|_| format!("{number} is not a number of instances"))?;
    Ok(control::Scale { service: service.to_owned(), instances })
}

fn setting(word: &str) -> Result<control::Set, String> {
    let (name, number) = word.split_once('=').ok_or("give a name and a number, as gateway.timeout_ms=500")?;
    let value = number.parse().map_err(|_| format!("{number} is not a whole number"))?;
    Ok(control::Set { name: name.to_owned(), value })
}

fn flaw(word: &str) -> Result<String, String> {
    flaws::find(word).map(|flaw| flaw.name.to_owned()).map_err(|error| error.to_string())
}

fn postgres_url(text: &str) -> Result<String, String> {
    url(text, &["postgres", "postgresql"], "postgres://user:password@host:port/name")
}

fn amqp_url(text: &str) -> Result<String, String> {
    url(text, &["amqp"], "amqp://user:password@host:port/%2f")
}

fn url(text: &str, schemes: &[&str], form: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
    url.map(|_| text.to_owned()).ok_or_else(|| format!("give a URL as {form}"))
}

/// `200` or `200/s`.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate: f64 = number.parse().map_err(|_| "give orders per second, as 200 or 200/s".to_owned())?;
    if !(0.1..=100_000.0).contains(&rate) {
        return Err("a rate is 0.1 to 100000 orders per second".into());
    }
    Ok(rate)
}

/// `20s`, `1.5s`, `500ms`, `2m`, or seconds without a unit.
fn length(text: &str) -> Result<Duration, String> {
    match length_or_none(text)? {
        Duration::ZERO => Err("it must be longer than nothing".into()),
        length => Ok(length),
    }
}

fn length_or_none(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        _ => return Err("give a time as 20s, 500ms or 2m".into()),
    };
    let seconds = number.parse::<f64>().map_err(|_| "give a time as 20s, 500ms or 2m")? * factor;
    if !(0.0..=3600.0).contains(&seconds) {
        return Err("it may be an hour at most, and not below zero".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_and_rates_have_units() {
        assert_eq!(length("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(length("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(length("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(length("3"), Ok(Duration::from_secs(3)));
        assert_eq!(length_or_none("0"), Ok(Duration::ZERO));
        for bad in ["", "s", "0", "0s", "-1s", "1h", "2 d", "nan", "inf", "1e9s", "99999m"] {
            assert!(length(bad).is_err(), "{bad}");
        }
        assert_eq!((rate("200"), rate("200/s"), rate("0.5/s")), (Ok(200.0), Ok(200.0), Ok(0.5)));
        for bad in ["0", "-1", "nan", "inf", "1e9", "200/m", "fast", ""] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
