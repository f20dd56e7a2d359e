//! Shipping as an independent service.

use std::process::ExitCode;

use chassis::{Module, ServiceSettings, run_module};
use clap::Parser;
use platform::config;

/// The shop's shipping as an independent service with its own process and database.
#[derive(Debug, Parser)]
#[command(name = "shipping-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let module = Module {
        name: "shipping",
        migrations: shipping::MIGRATIONS,
        commands: shipping::COMMANDS,
        lock: chassis::NOTHING_SHARED,
        handle: |conn, command| Box::pin(shipping::handle(conn, command)),
        hears: shipping::HEARS,
        react: shipping::react,
        routes: shipping::routes,
    };
    config::finish(run_module(config::read::<Cli>().settings, module).await)
}
