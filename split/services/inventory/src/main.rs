//! Inventory as an independent service.

use std::process::ExitCode;

use chassis::{Module, ServiceSettings, run_module};
use clap::Parser;
use platform::config;

/// The shop's inventory as an independent service with its own process and database.
#[derive(Debug, Parser)]
#[command(name = "inventory-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let module = Module {
        name: "inventory",
        migrations: inventory::MIGRATIONS,
        commands: inventory::COMMANDS,
        lock: |conn, commands| Box::pin(inventory::lock(conn, commands)),
        handle: |conn, command| Box::pin(inventory::handle(conn, command)),
        hears: inventory::HEARS,
        react: inventory::react,
        routes: inventory::routes,
    };
    config::finish(run_module(config::read::<Cli>().settings, module).await)
}
