#![doc = include_str!("../README.md")]

mod balance;
mod breaker;
mod budget;
mod bulkhead;
mod call;
mod dependency;
mod fallback;
mod limits;
mod metrics;
mod placement;
mod proxy;
mod routes;
mod upstreams;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{HttpResponse, web};
use clap::Parser;
use platform::health::Health;
use platform::listen::Listen;
use platform::registration::http_url;
use platform::registry::{self, Snapshot};
use platform::telemetry::{self, Telemetry};
use platform::{config, http};
use reqwest::Url;
use tokio::sync::watch;

use crate::dependency::Dependency;
use crate::fallback::LastGood;
use crate::metrics::Metrics;
use crate::placement::Placement;
use crate::proxy::Upstream;
use crate::routes::{PREFIXES, Routes};

/// The shop's API gateway, in front of services or monoliths.
#[derive(Debug, Clone, Parser)]
#[command(name = "gateway", version)]
struct Cli {
    #[command(flatten)]
    at: Listen,
    /// Registry that knows the services' addresses, e.g. http://127.0.0.1:8000.
    #[arg(long, env = "CLEAVE_REGISTRY", value_name = "URL", value_parser = http_url, required_unless_present = "upstream")]
    registry: Option<Url>,
    /// Address of a service, e.g. catalog=http://catalog:8080, instead of a registry. Its name is looked up every second,
    /// and each address that it has is an instance.
    #[arg(long, env = "CLEAVE_UPSTREAM", value_name = "SERVICE=URL", value_delimiter = ',',
          value_parser = upstreams::named, conflicts_with = "registry")]
    upstream: Vec<upstreams::Named>,
    /// JSON file with settings, by name, that the gateway follows. With a registry, that has them.
    #[arg(long, env = "CLEAVE_SETTINGS", value_name = "FILE", requires = "upstream")]
    settings: Option<PathBuf>,
    /// What is behind the gateway.
    #[arg(long, env = "CLEAVE_ROUTES", value_enum, default_value_t = Routes::Split)]
    routes: Routes,
    /// Modules that have left the monolith behind this gateway and run as services, such as payments,shipping.
    #[arg(long, env = "CLEAVE_AWAY", value_name = "MODULES", value_delimiter = ',', value_parser = placement::movable)]
    away: Vec<&'static str>,
    #[command(flatten)]
    telemetry: telemetry::Options,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    config::finish(run(config::read()).await)
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let telemetry = Telemetry::start("gateway", "gateway", &cli.telemetry)?;
    let modules = PREFIXES.into_iter().map(|(_, module)| module);
    let (services, at_first): (Vec<&str>, Vec<&str>) = match cli.routes {
        Routes::Split => (modules.clone().collect(), modules.collect()),
        Routes::Monolith => {
            let away = cli.away.iter().copied();
            let movable = modules.filter(|module| *module != "orders");
            (movable.chain(["monolith"]).collect(), away.chain(["monolith"]).collect())
        }
    };
    let heard = match cli.registry {
        Some(registry) => registry::follow(registry),
        None => upstreams::follow(upstreams::one_each(cli.upstream, &at_first)?, cli.settings)?,
    };
    let placement = Arc::new(Placement::new(cli.routes, cli.away, heard.clone()));
    let dependencies: Arc<[_]> =
        services.into_iter().map(|service| Arc::new(Dependency::new(service))).collect();
    let has_instances = Arc::new(AtomicBool::new(false));
    let health = Health::new("gateway").needing("instances", has_instances.clone());
    let last_good = Arc::new(LastGood::default());
    let metrics = Metrics::new(&telemetry, &dependencies, &placement);

    let (known, placed, described) = (dependencies.clone(), placement.clone(), routes::described());
    let routes = Arc::new(move |app: &mut web::ServiceConfig| {
        app.app_data(web::Data::from(known.clone()))
            .app_data(web::Data::from(placed.clone()))
            .route("/health/dependencies", web::get().to(report_dependencies))
            .route("/health/placement", web::get().to(report_placement));
        // One client per worker, since a worker drives the connections that it uses.
        let client = call::client();
        for (prefix, module) in PREFIXES {
            let upstream = Upstream {
                module,
                placement: placed.clone(),
                dependencies: known.clone(),
                client: client.clone(),
                metrics: metrics.clone(),
                last_good: (prefix == "/products").then(|| last_good.clone()),
            };
            let upstream = web::Data::new(upstream);
            for path in described.iter().filter(|path| path.starts_with(prefix)) {
                app.service(web::resource(path).app_data(upstream.clone()).to(proxy::forward));
            }
            // Paths that are not in the description go to the service too, which knows best what to respond.
            app.service(web::scope(prefix).app_data(upstream).default_service(web::to(proxy::forward)));
        }
    });
    let served = tokio::select! {
        served = http::serve(cli.at, &telemetry, health, None, routes) => served,
        () = follow(heard, &dependencies, &placement, &has_instances) => {
            unreachable!("it follows for as long as the process lives")
        }
    };
    telemetry.finish().await;
    served
}

/// Passes the registry's state on to the dependencies. The gateway is ready once each of them has had an instance, and
/// stays ready: if one service loses all its instances, requests to the others must still come through.
async fn follow(
    mut heard: watch::Receiver<Snapshot>,
    dependencies: &[Arc<Dependency>],
    placement: &Placement,
    has_instances: &AtomicBool,
) {
    while heard.changed().await.is_ok() {
        let word = heard.borrow_and_update().clone();
        let known: Vec<&str> = dependencies
            .iter()
            .filter_map(|dependency| dependency.heard(&word).then_some(dependency.service))
            .collect();
        if placement.services().iter().all(|service| known.contains(service)) {
            has_instances.store(true, Ordering::Relaxed);
        }
    }
}

/// `GET /health/dependencies`: the gateway's view of each service.
async fn report_dependencies(
    dependencies: web::Data<[Arc<Dependency>]>,
    placement: web::Data<Placement>,
) -> HttpResponse {
    let services = placement.services();
    let used = dependencies.iter().filter(|dependency| services.contains(&dependency.service));
    HttpResponse::Ok().json(used.map(|dependency| dependency.report()).collect::<Vec<_>>())
}

/// `GET /health/placement`: where the modules are, and what waits.
async fn report_placement(placement: web::Data<Placement>) -> HttpResponse {
    HttpResponse::Ok().json(placement.report())
}
