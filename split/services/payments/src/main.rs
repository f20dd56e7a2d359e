//! The shop's payments as a service of its own.

use std::process::ExitCode;
use std::sync::Arc;

use chassis::{Participant, Service, ServiceSettings};
use clap::Parser;
use platform::config;

/// The shop's payments as a service of its own: a process and a database.
#[derive(Debug, Parser)]
#[command(name = "payments-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let service = Service {
        name: "payments",
        migrations: vec![payments::MIGRATIONS],
        routing_keys: &["payments.capture-payment", "payments.refund-payment"],
        reactor: Arc::new(Participant { name: "payments", handle: payments::handle }),
        routes: payments::routes,
    };
    config::finish(chassis::run(config::read::<Cli>().settings, service).await)
}
