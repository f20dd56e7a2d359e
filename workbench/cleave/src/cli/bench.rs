//! The command line of `cleave bench`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::HELD;
use super::audit::{self, BenchLiveAudit};
use super::values::{Json, ServerArgs, driver, length, number, rate, whole};
use experiments::bench;
use servers::guard::Guard;
use terminal::output;
use topology::Driver;

#[derive(Debug, Subcommand)]
pub(super) enum Bench {
    /// Compare the drivers over HTTP with pgbench, which runs a plain checkout on the same database server.
    Limit(Limit),
    /// Measure what the live audit costs: a saturated shop without and with it, in turns.
    LiveAudit(BenchLiveAudit),
    /// Measure the shops on a busy machine: orders served, latency, and live processes that were taken for dead.
    Busy(Busy),
    /// Measure how long it takes until orders are decided again after the broker or the database has crashed.
    Recovery(Recovery),
}

#[derive(Debug, Args)]
pub(super) struct Limit {
    /// Drivers, which take turns with pgbench. Ratios to the monolith need monolith:local among them.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "DRIVER",
        default_value = "monolith:local,split:orchestrated,split:choreographed",
        value_parser = driver
    )]
    drivers: Vec<Driver>,
    /// Orders in flight: so many clients send their next order when the last one is decided. Each number has its own
    /// turns.
    #[arg(long, value_delimiter = ',', value_name = "N", default_value = "8,64", value_parser = whole(1..=1_000))]
    in_flight: Vec<u64>,
    /// Length of each turn.
    #[arg(long, default_value = "10s", value_parser = length)]
    duration: Duration,
    /// Rounds, each with one turn of pgbench and of every driver for each number of orders in flight.
    #[arg(long, default_value_t = 3, value_parser = whole(1..=100))]
    rounds: u64,
    /// Seed of the goods and the orders.
    #[arg(long, default_value_t = 1, value_parser = number)]
    seed: u64,
    /// Install missing programs without asking.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Args)]
pub(super) struct Busy {
    /// Shops, all at the same time, e.g. monolith:two-phase or split:tcc.
    #[arg(long, value_delimiter = ',', default_value = "monolith,split", value_parser = driver)]
    modes: Vec<Driver>,
    /// Length of the load.
    #[arg(long, default_value = "60s", value_parser = length)]
    duration: Duration,
    /// Orders per second for each shop.
    #[arg(long, value_name = "N/s", default_value = "20/s", value_parser = rate)]
    rate: f64,
    /// Busy loops per processor.
    #[arg(long, default_value_t = 2, value_parser = whole(0..=64))]
    loops: u64,
    /// Seed of the goods and the orders.
    #[arg(long, default_value_t = 1, value_parser = number)]
    seed: u64,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Args)]
pub(super) struct Recovery {
    /// Shops, one after another, e.g. monolith:two-phase or split:tcc.
    #[arg(long, value_delimiter = ',', default_value = "monolith,split", value_parser = driver)]
    modes: Vec<Driver>,
    /// Number of times to kill each server.
    #[arg(long, default_value_t = 10, value_parser = whole(1..=1_000))]
    times: u64,
    /// Seed of the goods and the orders.
    #[arg(long, default_value_t = 1, value_parser = number)]
    seed: u64,
    /// Install missing programs without asking.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    json: Json,
}

pub(super) async fn bench(asked: Bench, folder: &Path) -> Result<u8> {
    match asked {
        Bench::Limit(asked) => limit(asked, folder).await,
        Bench::LiveAudit(asked) => audit::bench(asked, folder).await,
        Bench::Busy(asked) => busy(asked, folder).await,
        Bench::Recovery(asked) => recovery(asked, folder).await,
    }
}

async fn limit(asked: Limit, folder: &Path) -> Result<u8> {
    let Limit { drivers, in_flight, duration, rounds, seed, yes, json } = asked;
    let options = bench::LimitOptions { drivers, in_flight, duration, rounds, seed, yes };
    let limit = bench::limit(&Guard::start()?, folder, &options).await?;
    output::figures(json.json.as_deref(), limit.text(), &limit)?;
    Ok(HELD)
}

/// Measures what a busy machine does to the shops.
async fn busy(asked: Busy, folder: &Path) -> Result<u8> {
    let Busy { modes, duration, rate, loops, seed, servers, json } = asked;
    let options = bench::BusyOptions {
        drivers: modes,
        duration,
        rate_per_s: rate,
        loops_per_core: loops,
        seed,
        infra: servers.options(),
    };
    let busy = bench::busy(&Guard::start()?, folder, &options).await?;
    output::figures(json.json.as_deref(), busy.table(), &busy)?;
    Ok(HELD)
}

/// Measures how long the shops take after their servers died.
async fn recovery(asked: Recovery, folder: &Path) -> Result<u8> {
    let Recovery { modes, times, seed, yes, json } = asked;
    let options = bench::RecoveryOptions { drivers: modes, times, seed, yes };
    let recovery = bench::recovery(&Guard::start()?, folder, &options).await?;
    output::figures(json.json.as_deref(), recovery.table(), &recovery)?;
    Ok(HELD)
}
