#![doc = include_str!("../README.md")]

mod proxy;

use std::process::ExitCode;

use actix_web::web;
use clap::Parser;
use platform::health::Health;
use platform::{config, http, telemetry};
use reqwest::Url;

use crate::proxy::Upstream;

/// The one door of the split shop.
#[derive(Debug, Clone, Parser)]
#[command(name = "gateway", version)]
struct Cli {
    /// The TCP port on 127.0.0.1; 0 takes a free one, which the first line on standard output names.
    #[arg(long, env = "CLEAVE_PORT", default_value_t = 0)]
    port: u16,
    /// Where the catalog service is, as http://127.0.0.1:8001.
    #[arg(long, env = "CLEAVE_CATALOG")]
    catalog: Url,
    /// Where the inventory service is.
    #[arg(long, env = "CLEAVE_INVENTORY")]
    inventory: Url,
    /// Where the orders service is.
    #[arg(long, env = "CLEAVE_ORDERS")]
    orders: Url,
    /// Where the payments service is.
    #[arg(long, env = "CLEAVE_PAYMENTS")]
    payments: Url,
    /// Where the shipping service is.
    #[arg(long, env = "CLEAVE_SHIPPING")]
    shipping: Url,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    config::finish(run(config::read()).await)
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    telemetry::start("gateway");
    let port = cli.port;
    let routes = move |app: &mut web::ServiceConfig| {
        // A client for each worker: its connections are driven by the worker that uses them.
        let client = proxy::client();
        let mut forward = |prefix: &str, service: &'static str, address: &Url| {
            let upstream = Upstream { service, address: address.clone(), client: client.clone() };
            app.service(
                web::scope(prefix)
                    .app_data(web::Data::new(upstream))
                    .default_service(web::to(proxy::forward)),
            );
        };
        forward("/products", "catalog", &cli.catalog);
        forward("/stock", "inventory", &cli.inventory);
        forward("/orders", "orders", &cli.orders);
        forward("/wallets", "payments", &cli.payments);
        forward("/shipments", "shipping", &cli.shipping);
    };
    http::serve(port, Health::new("gateway"), routes, http::stop_signal()).await
}
