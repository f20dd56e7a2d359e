//! The shop's inventory as a service of its own.

use std::process::ExitCode;
use std::sync::Arc;

use chassis::{Participant, Service, ServiceSettings};
use clap::Parser;
use platform::config;

/// The shop's inventory as a service of its own: a process and a database.
#[derive(Debug, Parser)]
#[command(name = "inventory-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let service = Service {
        name: "inventory",
        migrations: vec![inventory::MIGRATIONS],
        routing_keys: &["inventory.reserve-stock", "inventory.release-stock"],
        reactor: Arc::new(Participant { name: "inventory", handle: inventory::handle }),
        routes: inventory::routes,
    };
    config::finish(chassis::run(config::read::<Cli>().settings, service).await)
}
