//! The driver of a *hybrid*: a monolith that some modules have left. They run as services, each with its own database.
//!
//! A step whose module is still here runs in the current transaction, as in [`crate::local`]. A step whose module has
//! left becomes a command, as in the split shop. The orchestrator is the same one as in the orders service: see
//! docs/adr/0027-hybrids.md.

use std::sync::Arc;

use actix_web::web;
use anyhow::bail;
use chassis::{OptionalMessaging, Protocol, Reacts, Service, ServiceSettings};
use contracts::{BoxError, Command};
use diesel_async::AsyncPgConnection;
use orchestrator::{CheckoutSettings, Decisions, Home, LISTENS_TO, Orchestrator, Start, place_order};
use orders::DecisionCounter;
use platform::config::ProgramSettings;

use crate::modules::{Module, dispatch};

/// The modules that have left, and how to reach them.
#[derive(Debug, Clone, clap::Args)]
pub struct Away {
    /// Modules that have left the monolith and run as services, such as payments,shipping. Needs --amqp-url.
    #[arg(long, env = "CLEAVE_AWAY", value_name = "MODULES", value_delimiter = ',', requires = "amqp_url")]
    away: Vec<Module>,
    #[command(flatten)]
    checkouts: CheckoutSettings,
    #[command(flatten)]
    messaging: OptionalMessaging,
}

impl Away {
    /// Whether all modules are at home.
    pub fn is_empty(&self) -> bool {
        self.away.is_empty()
    }
}

/// Runs the hybrid until it is told to stop.
pub async fn run(base: ProgramSettings, away: Away) -> anyhow::Result<()> {
    let Away { away, checkouts, messaging: OptionalMessaging(messaging) } = away;
    if away.contains(&Module::Orders) {
        bail!(
            "orders cannot leave the monolith: it owns the process, and all other modules are called from there"
        );
    }
    let Some(messaging) = messaging else { bail!("modules that have left need --amqp-url") };
    let here: Vec<Module> = Module::ALL.into_iter().filter(|module| !away.contains(module)).collect();
    let settings = ServiceSettings { base, messaging, saga: Protocol::Orchestrated };
    let telemetry = settings.start_telemetry("monolith")?;
    let answer_within = checkouts.answer_within();
    let home = Arc::new(Home::new(here.iter().map(|module| module.name()).collect(), LOCK, HANDLE));
    let decisions = Arc::new(Decisions::new(DecisionCounter::new(&telemetry)));
    let waited_for = web::Data::from(decisions.clone());
    let start = web::Data::new(Start { protocol: Protocol::Orchestrated, home: home.clone(), answer_within });
    let migrations =
        here.iter().map(|module| module.migrations()).chain([orchestrator::MIGRATIONS]).collect();
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        app.app_data(waited_for.clone())
            .app_data(start.clone())
            .route("/orders", web::post().to(place_order));
        here.iter().for_each(|module| module.routes(app));
    });
    let reacts = Reacts::ToEvents(Arc::new(Orchestrator { decisions, home, answer_within }));
    let service = Service { name: "monolith", migrations, routing_keys: LISTENS_TO, reacts, routes };
    chassis::run(settings, telemetry, service).await
}

const HANDLE: chassis::Handle = |conn, command| Box::pin(dispatch(conn, command));

const LOCK: chassis::Lock = |conn, commands| Box::pin(lock(conn, commands));

/// Locks the rows that orders share, module by module in the order of the plan. Modules that have left have no commands
/// here.
async fn lock(conn: &mut AsyncPgConnection, commands: &[&Command]) -> Result<(), BoxError> {
    let of = |module: Module| -> Vec<&Command> {
        commands.iter().copied().filter(|command| Module::of(command) == module).collect()
    };
    let (catalog, inventory, payments) = (of(Module::Catalog), of(Module::Inventory), of(Module::Payments));
    if !catalog.is_empty() {
        catalog::lock(conn, &catalog).await?;
    }
    if !inventory.is_empty() {
        inventory::lock(conn, &inventory).await?;
    }
    if !payments.is_empty() {
        payments::lock(conn, &payments).await?;
    }
    Ok(())
}
