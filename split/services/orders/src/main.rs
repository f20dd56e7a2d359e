#![doc = include_str!("../README.md")]

mod decisions;
mod listener;
mod orchestrator;
mod placing;
mod sagas;
mod schema;
mod waiting;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use chassis::{Choreographed, Handle, Reacts, Service, ServiceSettings};
use clap::Parser;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use orders::DecisionCounter;
use platform::config;

use crate::decisions::Decisions;
use crate::listener::Listener;
use crate::orchestrator::Orchestrator;
use crate::placing::Start;

/// The tables of the sagas.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The orders module's handler.
const HANDLE: Handle = |conn, command| Box::pin(orders::handle(conn, command));

/// The shop's orders as an independent service with its own process and database; coordinates checkouts unless they are
/// choreographed.
#[derive(Debug, Parser)]
#[command(name = "orders-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
    /// How long a reply may take before the command is sent again, in seconds.
    #[arg(long, env = "CLEAVE_ANSWER_WITHIN", value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    answer_within: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    config::finish(run(config::read()).await)
}

async fn run(Cli { settings, answer_within }: Cli) -> anyhow::Result<()> {
    let (protocol, answer_within) = (settings.saga, Duration::from_secs(answer_within));
    let telemetry = settings.start_telemetry("orders")?;
    let decisions = Arc::new(Decisions::new(DecisionCounter::new(&telemetry)));
    let waiting = web::Data::from(decisions.waiting());
    let start = web::Data::new(Start { protocol, answer_within });
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        app.app_data(waiting.clone())
            .app_data(start.clone())
            .route("/orders", web::post().to(placing::place_order))
            .configure(orders::routes);
    });
    let (name, migrations) = ("orders", vec![orders::MIGRATIONS, MIGRATIONS]);
    let (routing_keys, reacts) = if protocol.is_choreographed() {
        let module =
            Choreographed { name, react: orders::react, lock: chassis::NOTHING_SHARED, handle: HANDLE };
        (orders::HEARS, Reacts::ToEvents(Arc::new(Listener { module, decisions })))
    } else {
        let orchestrator = Orchestrator { decisions, answer_within };
        (orchestrator::LISTENS_TO, Reacts::ToEvents(Arc::new(orchestrator)))
    };
    chassis::run(settings, telemetry, Service { name, migrations, routing_keys, reacts, routes }).await
}
