#![doc = include_str!("../README.md")]

mod orchestrator;
mod placing;
mod sagas;
mod waiting;

use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web;
use chassis::{Service, ServiceSettings};
use clap::Parser;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use platform::config;

use crate::orchestrator::Orchestrator;

/// The tables of the sagas.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The shop's orders as a service of its own, which drives the checkout: a process and a database.
#[derive(Debug, Parser)]
#[command(name = "orders-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let reactor = Arc::new(Orchestrator::default());
    let waiting = web::Data::from(reactor.waiting());
    let service = Service {
        name: "orders",
        migrations: vec![orders::MIGRATIONS, MIGRATIONS],
        routing_keys: orchestrator::LISTENS_TO,
        reactor,
        routes: move |app: &mut web::ServiceConfig| {
            app.app_data(waiting.clone())
                .route("/orders", web::post().to(placing::place_order))
                .configure(orders::routes);
        },
    };
    config::finish(chassis::run(config::read::<Cli>().settings, service).await)
}
