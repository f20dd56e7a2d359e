#![doc = include_str!("../README.md")]

mod databases;
mod decided;
mod hybrid;
mod local;
mod modules;
mod two_phase;

use std::process::ExitCode;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, guard, web};
use clap::{Parser, ValueEnum};
use contracts::OrderRequest;
use orders::{DecisionCounter, NewOrder, PlaceError};
use platform::config::{self, ProgramSettings};
use platform::health::Health;
use platform::http::Routes;
use platform::registration::Endpoint;
use platform::telemetry::{self, Scope, Telemetry};
use platform::{Pool, Problem, Waits, db, http};

use databases::{Databases, ModuleUrls, Pools};
use decided::Decided;
use hybrid::HybridSettings;
use modules::Module;
use two_phase::{Coordinator, Name, TwoPhase};

/// The shop as a monolith: every module in one process. Each order is one local transaction on one database, or a
/// two-phase commit with one branch per module.
#[derive(Debug, Parser)]
#[command(name = "monolith", version)]
struct Cli {
    #[command(flatten)]
    settings: ProgramSettings,
    /// How the steps of an order form one transaction.
    #[arg(long, env = "CLEAVE_TRANSACTION", value_enum, default_value_t = Transaction::Local)]
    transaction: Transaction,
    /// Name of this process as a coordinator of two-phase commits. Processes on the same database need different names.
    #[arg(long, env = "CLEAVE_COORDINATOR", value_name = "NAME", default_value = "monolith")]
    coordinator: Name,
    #[command(flatten)]
    modules: ModuleUrls,
    #[command(flatten)]
    hybrid: HybridSettings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transaction {
    /// One local transaction on one database.
    Local,
    /// Two-phase commit with one branch per module, on one or several databases.
    TwoPhase,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli: Cli = config::read();
    if let (Transaction::Local, Some(module)) = (cli.transaction, cli.modules.first()) {
        eprintln!(
            "error: --{module}-database-url needs --transaction two-phase: a local transaction cannot span two \
             databases"
        );
        return ExitCode::from(config::USAGE as u8);
    }
    if cli.transaction != Transaction::Local && cli.hybrid.is_on() {
        eprintln!(
            "error: --hybrid cannot be combined with --transaction two-phase: the services have no part in its branches"
        );
        return ExitCode::from(config::USAGE as u8);
    }
    config::finish(run(cli).await)
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    if cli.hybrid.is_on() {
        return hybrid::run(cli.settings, cli.hybrid).await;
    }
    let telemetry =
        Telemetry::start("monolith", cli.settings.endpoint.instance("monolith"), &cli.settings.telemetry)?;
    cli.settings.break_on_purpose();
    let databases = cli.modules.or(&cli.settings.database_url);
    databases.migrate().await?;
    if cli.settings.migrate_only {
        return Ok(());
    }
    let served = match cli.transaction {
        Transaction::Local => serve_local(cli.settings, &telemetry).await,
        Transaction::TwoPhase => serve_two_phase(cli.settings, cli.coordinator, databases, &telemetry).await,
    };
    telemetry.finish().await;
    served
}

async fn serve_local(settings: ProgramSettings, telemetry: &Telemetry) -> anyhow::Result<()> {
    let endpoint = settings.endpoint.clone();
    let (observed, counter) = (telemetry.clone(), DecisionCounter::new(telemetry));
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        let pool = db::pool(&settings.database_url, settings.pool_per_worker());
        observed.pools().inspect(|pools| pools.watch("requests", &pool));
        app.app_data(web::Data::new(counter.clone()));
        app.app_data(web::Data::new(pool.clone()))
            .app_data(web::Data::new(Driver::Local(pool)))
            .route("/orders", web::post().to(place_order));
        Module::ALL.into_iter().for_each(|module| module.routes(app));
    });
    serve(&endpoint, telemetry, Waits::default(), routes).await
}

async fn serve_two_phase(
    settings: ProgramSettings,
    name: Name,
    databases: Databases,
    telemetry: &Telemetry,
) -> anyhow::Result<()> {
    let coordinator = Coordinator::new(name);
    let connections = settings.pool_per_worker() * http::workers();
    let recovery = two_phase::start(&coordinator, &databases, connections).await?;
    let endpoint = settings.endpoint.clone();
    let (observed, counter) = (telemetry.clone(), DecisionCounter::new(telemetry));
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        let pools = databases.pools(settings.pool_per_worker());
        observed.pools().inspect(|known| pools.all().iter().for_each(|pool| known.watch("requests", pool)));
        app.app_data(web::Data::new(counter.clone()));
        let driver = Driver::TwoPhase(TwoPhase::new(coordinator.clone(), pools.clone(), &databases));
        app.app_data(web::Data::new(pools.all().to_vec()))
            .app_data(web::Data::new(driver))
            .route("/orders", web::post().to(place_order));
        Module::ALL.into_iter().for_each(|module| routes_on(app, module, &pools));
    });
    let waits = recovery.waits.clone();
    let (stopped, until_stopped) = tokio::sync::oneshot::channel::<()>();
    let served = async {
        let served = serve(&endpoint, telemetry, waits, routes).await;
        drop(stopped);
        served
    };
    let (served, ()) = tokio::join!(served, recovery.watch(async { _ = until_stopped.await }));
    served
}

async fn serve(
    endpoint: &Endpoint,
    telemetry: &Telemetry,
    waits: Waits,
    routes: Routes,
) -> anyhow::Result<()> {
    let registration = endpoint.registration("monolith");
    let health = Health::new("monolith").waiting(waits);
    http::serve(endpoint.at, telemetry, health, registration, routes).await
}

/// Registers a module's endpoints with the pool of the module's own database.
fn routes_on(app: &mut web::ServiceConfig, module: Module, pools: &Pools) {
    let its_paths = guard::fn_guard(move |request| request.head().uri.path().starts_with(module.path()));
    let pool = web::Data::new(pools.of(module).clone());
    app.service(web::scope("").guard(its_paths).app_data(pool).configure(|app| module.routes(app)));
}

/// How this process decides orders.
enum Driver {
    Local(Pool),
    TwoPhase(TwoPhase),
}

impl Driver {
    async fn checkout(&self, waits: &Waits, new: &NewOrder, within: &Scope) -> Result<Decided, PlaceError> {
        match self {
            Driver::Local(pool) => local::checkout(pool, waits, new, within).await,
            Driver::TwoPhase(driver) => {
                driver.checkout(waits, new, within).await.map_err(two_phase::told_apart)
            }
        }
    }
}

/// `POST /orders`: 201 with the decided order.
async fn place_order(
    request: HttpRequest,
    body: web::Json<OrderRequest>,
    driver: web::Data<Driver>,
    counter: web::Data<DecisionCounter>,
    health: web::Data<Health>,
) -> Result<HttpResponse, Problem> {
    let new = orders::new_order(&request, body.into_inner())?;
    let scope = http::scope_of(&request).of(new.placed.order_id);
    telemetry::note_order(new.placed.order_id);
    let id = new.placed.order_id;
    let decided = driver.checkout(health.waits(), &new, &scope).await;
    let decided = decided.map_err(|error| orders::not_placed(error, &new.key))?;
    // If the ids are equal, an earlier attempt of this same request stored the order and only its reply was lost.
    let replayed = decided.replayed && decided.order.placed.order_id != id;
    tracing::debug!(order = %decided.order.placed.order_id, trace = scope.context().trace_id(), "decided");
    if !replayed {
        counter.note(decided.order.refusal.as_ref());
    }
    let status = if replayed { StatusCode::OK } else { StatusCode::CREATED };
    Ok(orders::order_answer(status, &decided.order, replayed))
}
