//! The shop's catalog as a service of its own.

use std::process::ExitCode;
use std::sync::Arc;

use chassis::{Participant, Service, ServiceSettings};
use clap::Parser;
use platform::config;

/// The shop's catalog as a service of its own: a process and a database.
#[derive(Debug, Parser)]
#[command(name = "catalog-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let service = Service {
        name: "catalog",
        migrations: vec![catalog::MIGRATIONS],
        routing_keys: &["catalog.honour-prices", "catalog.release-prices"],
        reactor: Arc::new(Participant { name: "catalog", handle: catalog::handle }),
        routes: catalog::routes,
    };
    config::finish(chassis::run(config::read::<Cli>().settings, service).await)
}
