//! The shop's shipping as a service of its own.

use std::process::ExitCode;
use std::sync::Arc;

use chassis::{Participant, Service, ServiceSettings};
use clap::Parser;
use platform::config;

/// The shop's shipping as a service of its own: a process and a database.
#[derive(Debug, Parser)]
#[command(name = "shipping-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let service = Service {
        name: "shipping",
        migrations: vec![shipping::MIGRATIONS],
        routing_keys: &["shipping.schedule-shipment"],
        reactor: Arc::new(Participant { name: "shipping", handle: shipping::handle }),
        routes: shipping::routes,
    };
    config::finish(chassis::run(config::read::<Cli>().settings, service).await)
}
