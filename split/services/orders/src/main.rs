//! The program. What it does is in the library, so that tests can run the same code on connections that they control.

use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web;
use chassis::{Choreographed, Reacts, Service, ServiceSettings};
use clap::Parser;
use orchestrator::{CheckoutSettings, Decisions, LISTENS_TO, MIGRATIONS, Orchestrator, Start, place_order};
use orders::DecisionCounter;
use orders_service::{HANDLE, Listener, home};
use platform::config;

/// The shop's orders as an independent service with its own process and database; coordinates checkouts unless they are
/// choreographed.
#[derive(Debug, Parser)]
#[command(name = "orders-service", version)]
struct Cli {
    #[command(flatten)]
    settings: ServiceSettings,
    #[command(flatten)]
    checkouts: CheckoutSettings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    config::finish(run(config::read()).await)
}

async fn run(Cli { settings, checkouts }: Cli) -> anyhow::Result<()> {
    let (protocol, answer_within) = (settings.saga, checkouts.answer_within());
    let telemetry = settings.start_telemetry("orders")?;
    let decisions = Arc::new(Decisions::new(DecisionCounter::new(&telemetry)));
    let home = Arc::new(home());
    let waited_for = web::Data::from(decisions.clone());
    let start = web::Data::new(Start { protocol, home: home.clone(), answer_within });
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        app.app_data(waited_for.clone())
            .app_data(start.clone())
            .route("/orders", web::post().to(place_order))
            .configure(orders::routes);
    });
    let (name, migrations) = ("orders", vec![orders::MIGRATIONS, MIGRATIONS]);
    let (routing_keys, reacts) = if protocol.is_choreographed() {
        let module =
            Choreographed { name, react: orders::react, lock: chassis::NOTHING_SHARED, handle: HANDLE };
        (orders::HEARS, Reacts::ToEvents(Arc::new(Listener { module, decisions })))
    } else {
        (LISTENS_TO, Reacts::ToEvents(Arc::new(Orchestrator { decisions, home, answer_within })))
    };
    chassis::run(
        settings,
        telemetry,
        Service { name, migrations, routing_keys, reacts, also: Vec::new(), routes },
    )
    .await
}
