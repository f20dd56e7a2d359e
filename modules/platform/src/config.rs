//! A program's settings: each is a flag or an environment variable, and `--help` shows both.

use clap::{Args, CommandFactory, Parser};

use crate::crash::{self, CrashAt};
use crate::flaw::{self, Flaw};
use crate::registration::Endpoint;
use crate::telemetry;

/// The exit status for wrong usage (`EX_USAGE` in sysexits.h).
pub const USAGE: i32 = 64;

/// The settings of every program with a database.
#[derive(Debug, Clone, Args)]
pub struct ProgramSettings {
    /// The database, as postgres://user:password@host:port/name.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = postgres_url)]
    pub database_url: String,
    /// The port, and how the program registers.
    #[command(flatten)]
    pub endpoint: Endpoint,
    /// Telemetry options.
    #[command(flatten)]
    pub telemetry: telemetry::Options,
    /// Maximum number of database connections for requests. Few are better than many: on two cores eight were fastest,
    /// since more of them only wait for each other's locks on popular rows.
    #[arg(long, env = "CLEAVE_POOL", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=500))]
    pub pool: u16,
    /// Rules to break on purpose, to see what they are for; `cleave flaws` explains each.
    #[arg(long, env = "CLEAVE_FLAWS", value_enum, value_delimiter = ',', hide_possible_values = true)]
    pub flaws: Vec<Flaw>,
    /// Where to crash on purpose, as POINT, or POINT:N for the N-th pass; `cleave crash-matrix` tries them all.
    #[arg(long, env = "CLEAVE_CRASH_AT", value_name = "POINT[:N]")]
    pub crash_at: Option<CrashAt>,
    /// Bring the database up to date, and end.
    #[arg(long)]
    pub migrate_only: bool,
    /// Clock error to simulate, in milliseconds: ahead, or behind if negative.
    #[arg(
        long,
        env = "CLEAVE_CLOCK_SKEW_MS",
        default_value_t = 0,
        allow_negative_numbers = true,
        value_name = "MS"
    )]
    clock_skew_ms: i64,
}

impl ProgramSettings {
    /// Applies the flaws, crash point and clock skew. Call it after logging has started.
    pub fn break_on_purpose(&self) {
        flaw::switch_on(&self.flaws);
        contracts::clock::skew(self.clock_skew_ms);
        if let Some(at) = self.crash_at {
            crash::arm(at);
        }
    }

    /// The pool size of one HTTP worker.
    pub fn pool_per_worker(&self) -> usize {
        usize::from(self.pool).div_ceil(crate::http::workers())
    }
}

/// Parses a database URL.
pub fn postgres_url(text: &str) -> Result<String, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(text.to_owned());
    }
    Err("it must start with postgres:// and look like postgres://user:password@host:port/name".into())
}

/// Parses the program's settings. On wrong usage, prints why and exits.
pub fn read<P: Parser + CommandFactory>() -> P {
    let parsed = refuse_unknown_variables(P::command()).and_then(|()| P::try_parse());
    parsed.unwrap_or_else(|error| {
        let _ = error.print();
        std::process::exit(if error.use_stderr() { USAGE } else { 0 })
    })
}

/// Rejects unknown `CLEAVE_…` variables. clap would silently ignore a misspelt one and use the default.
fn refuse_unknown_variables(command: clap::Command) -> Result<(), clap::Error> {
    let known: Vec<String> = command
        .get_arguments()
        .filter_map(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()))
        .collect();
    let unknown = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .find(|name| name.starts_with("CLEAVE_") && !known.contains(name));
    let Some(name) = unknown else { return Ok(()) };
    let ours: Vec<_> = known.iter().filter(|name| name.starts_with("CLEAVE_")).map(String::as_str).collect();
    let message = format!(
        "the environment variable {name} is not a setting of this program, which knows {}. Unset it or fix the name\n",
        ours.join(", ")
    );
    Err(command.clone().error(clap::error::ErrorKind::UnknownArgument, message))
}

/// Ends a program: prints the error, if any, to standard error, and returns the exit status.
pub fn finish(outcome: anyhow::Result<()>) -> std::process::ExitCode {
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
