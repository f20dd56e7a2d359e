//! The program `cleave`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use workbench::{doctor, guard};

/// One shop, two architectures, side by side.
#[derive(Debug, Parser)]
#[command(name = "cleave", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is on this machine, what is missing, and the one command that brings it.
    Doctor {
        /// Install what is missing.
        #[arg(long)]
        fix: bool,
        /// Install without asking.
        #[arg(long)]
        yes: bool,
        /// Write the findings as JSON to this file (`-`: standard output).
        #[arg(long, value_name = "FILE")]
        json: Option<String>,
    },
    /// Cleans up after a cleave that was killed.
    #[command(name = guard::COMMAND, hide = true)]
    Guard,
}

#[tokio::main]
async fn run(command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Doctor { fix, yes, json } => doctor::run(fix, yes, json.as_deref()).await,
        // It needs no runtime: its one thread blocks all signals.
        Command::Guard => unreachable!("main has taken it"),
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Guard => guard::run().map(|()| 0),
        command => run(command),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("cleave: {error:#}");
            ExitCode::from(2)
        }
    }
}
