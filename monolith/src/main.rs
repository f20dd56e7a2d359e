#![doc = include_str!("../README.md")]

mod local;
mod modules;

use std::process::ExitCode;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use clap::Parser;
use contracts::OrderRequest;
use platform::config::{self, Settings};
use platform::health::Health;
use platform::{Pool, Problem, db, http, migrations, telemetry};

/// The shop as a monolith: every module in one process, one database, one transaction an order.
#[derive(Debug, Parser)]
#[command(name = "monolith", version)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    config::finish(run(config::read()).await)
}

async fn run(Cli { settings }: Cli) -> anyhow::Result<()> {
    telemetry::start("monolith");
    settings.break_on_purpose();
    migrations::run(&settings.database_url, modules::migrations()).await?;
    let port = settings.port;
    let routes = move |app: &mut web::ServiceConfig| {
        let pool = db::pool(&settings.database_url, settings.pool_per_worker());
        app.app_data(web::Data::new(pool))
            .configure(catalog::routes)
            .configure(inventory::routes)
            .route("/orders", web::post().to(place_order))
            .configure(orders::routes)
            .configure(payments::routes)
            .configure(shipping::routes);
    };
    http::serve(port, Health::new("monolith"), routes, http::stop_signal()).await
}

/// `POST /orders`: 201, with the order decided.
async fn place_order(
    request: HttpRequest,
    body: web::Json<OrderRequest>,
    pool: web::Data<Pool>,
) -> Result<HttpResponse, Problem> {
    let new = orders::new_order(&request, body.into_inner())?;
    let decided = local::checkout(&pool, &new).await?;
    tracing::debug!(order = %decided.order.placed.order_id, trace = http::trace_of(&request).trace_id(), "decided");
    let status = if decided.replayed { StatusCode::OK } else { StatusCode::CREATED };
    Ok(orders::order_answer(status, &decided.order, decided.replayed))
}
