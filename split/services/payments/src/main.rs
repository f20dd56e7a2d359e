//! Payments as an independent service.

use std::process::ExitCode;

use chassis::{Module, ServiceSettings, run_module};
use clap::Parser;
use platform::config;

/// The shop's payments as an independent service with its own process and database.
#[derive(Debug, Parser)]
#[command(name = "payments-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let module = Module {
        name: "payments",
        migrations: payments::MIGRATIONS,
        commands: payments::COMMANDS,
        lock: |conn, commands| Box::pin(payments::lock(conn, commands)),
        handle: |conn, command| Box::pin(payments::handle(conn, command)),
        hears: payments::HEARS,
        react: payments::react,
        routes: payments::routes,
    };
    config::finish(run_module(config::read::<Cli>().settings, module).await)
}
