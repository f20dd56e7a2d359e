//! The catalog as an independent service.

use std::process::ExitCode;

use chassis::{Module, ServiceSettings, run_module};
use clap::Parser;
use platform::config;

/// The shop's catalog as an independent service with its own process and database.
#[derive(Debug, Parser)]
#[command(name = "catalog-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let module = Module {
        name: "catalog",
        migrations: catalog::MIGRATIONS,
        commands: catalog::COMMANDS,
        lock: |conn, commands| Box::pin(catalog::lock(conn, commands)),
        handle: |conn, command| Box::pin(catalog::handle(conn, command)),
        hears: catalog::HEARS,
        react: catalog::react,
        routes: catalog::routes,
    };
    config::finish(run_module(config::read::<Cli>().settings, module).await)
}
