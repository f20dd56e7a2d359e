//! The driver of a *hybrid*: a monolith that some modules have left. They run as services, each with its own database.
//!
//! A step whose module is still here runs in the current transaction, as in [`crate::local`]. A step whose module has
//! left becomes a command, as in the split shop. The orchestrator is the same one as in the orders service: see
//! docs/adr/0026-hybrids.md.

use std::sync::Arc;

use actix_web::web;
use anyhow::Context;
use chassis::{Also, Messaging, Participant, Protocol, Reacts, Service, ServiceSettings};
use contracts::{BoxError, Command};
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::EmbeddedMigrations;
use orchestrator::{CheckoutSettings, Decisions, Home, LISTENS_TO, Orchestrator, Start, place_order};
use orders::DecisionCounter;
use platform::config::ProgramSettings;
use platform::sql;

use crate::modules::{Module, dispatch};

/// Whether modules may leave, and how to reach those that have.
#[derive(Debug, Clone, clap::Args)]
pub struct HybridSettings {
    /// Let modules leave and come back (`cleave extract` and `cleave merge`). Needs --amqp-url.
    #[arg(long, env = "CLEAVE_HYBRID", requires = "amqp_url")]
    hybrid: bool,
    /// Modules that have left at the first start, such as payments,shipping. Later the database says where they are.
    #[arg(long, env = "CLEAVE_AWAY", value_name = "MODULES", value_delimiter = ',', requires = "hybrid",
          value_parser = movable)]
    away: Vec<Module>,
    /// Modules that have come home and whose queues may still hold messages.
    #[arg(long, env = "CLEAVE_SERVES", value_name = "MODULES", value_delimiter = ',', requires = "hybrid",
          value_parser = movable)]
    serves: Vec<Module>,
    #[command(flatten)]
    checkouts: CheckoutSettings,
    /// The broker of a hybrid, as amqp://user:password@host:port/vhost.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, value_parser = chassis::amqp_url)]
    amqp_url: Option<String>,
    #[command(flatten)]
    messaging: Messaging,
}

impl HybridSettings {
    /// Whether modules may leave.
    pub fn is_on(&self) -> bool {
        self.hybrid
    }
}

fn movable(name: &str) -> Result<Module, String> {
    match name.parse()? {
        Module::Orders => {
            Err("orders stays at home: it runs the checkout and calls all other modules".into())
        }
        module => Ok(module),
    }
}

/// Runs the hybrid until it is told to stop.
pub async fn run(base: ProgramSettings, hybrid: HybridSettings) -> anyhow::Result<()> {
    let HybridSettings { away, serves, checkouts, amqp_url, messaging, .. } = hybrid;
    let amqp_url = amqp_url.context("--hybrid needs --amqp-url")?;
    let settings = ServiceSettings { base, amqp_url, messaging, saga: Protocol::Orchestrated };
    let telemetry = settings.start_telemetry("monolith")?;
    first_placement(&settings.base.database_url, &away).await?;
    let answer_within = checkouts.answer_within();
    let home = Arc::new(Home::movable(Module::ALL.map(Module::name).to_vec(), LOCK, HANDLE));
    let decisions = Arc::new(Decisions::new(DecisionCounter::new(&telemetry)));
    let waited_for = web::Data::from(decisions.clone());
    let start = web::Data::new(Start { protocol: Protocol::Orchestrated, home: home.clone(), answer_within });
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        app.app_data(waited_for.clone())
            .app_data(start.clone())
            .route("/orders", web::post().to(place_order));
        Module::ALL.into_iter().for_each(|module| module.routes(app));
    });
    let reacts = Reacts::ToEvents(Arc::new(Orchestrator { decisions, home, answer_within }));
    let service = Service {
        name: "monolith",
        migrations: migrations(),
        routing_keys: LISTENS_TO,
        reacts,
        also: serves.into_iter().map(also).collect(),
        routes,
    };
    chassis::run(settings, telemetry, service).await
}

/// All modules have their tables here, also those that have left: they may come back. Those of two-phase commit are there
/// since the monolith was started without a broker.
fn migrations() -> Vec<EmbeddedMigrations> {
    let more = [orchestrator::MIGRATIONS, crate::databases::TWO_PHASE];
    Module::ALL.into_iter().map(Module::migrations).chain(more).collect()
}

/// Stores where the modules are at the first start. Later starts change nothing.
async fn first_placement(database_url: &str, away: &[Module]) -> anyhow::Result<()> {
    let tables = std::iter::once(chassis::MIGRATIONS).chain(migrations()).collect();
    platform::migrations::run(database_url, tables).await?;
    let mut connection = platform::db::connect_one(database_url).await?;
    let (names, gone): (Vec<&str>, Vec<bool>) =
        Module::ALL.into_iter().map(|module| (module.name(), away.contains(&module))).unzip();
    sql("INSERT INTO checkout.placement (module, away)
         SELECT module, away FROM unnest($1::text[], $2::boolean[]) AS first (module, away)
         ON CONFLICT (module) DO NOTHING")
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Bool>, _>(gone)
    .execute(&mut connection)
    .await?;
    Ok(())
}

/// What is left in the queue of a module that has come home is handled here.
fn also(module: Module) -> Also {
    let participant = Participant { name: module.name(), lock: LOCK, handle: HANDLE };
    let routing_keys = match module {
        Module::Catalog => catalog::COMMANDS,
        Module::Inventory => inventory::COMMANDS,
        Module::Payments => payments::COMMANDS,
        Module::Shipping => shipping::COMMANDS,
        Module::Orders => &[],
    };
    Also { name: module.name(), routing_keys, participant: Arc::new(participant) }
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
