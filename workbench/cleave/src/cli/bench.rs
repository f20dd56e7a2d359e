//! `cleave bench busy` and `bench recovery`: the words of the command line.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::HELD;
use super::words::{Json, ServerArgs, length, rate};
use experiments::bench;
use servers::guard::Guard;
use terminal::output;
use topology::Driver;

/// What is measured.
#[derive(Debug, Args)]
pub(super) struct Busy {
    /// The shops, all at the same time, as monolith:two-phase or split:tcc.
    #[arg(long, value_delimiter = ',', default_value = "monolith,split")]
    modes: Vec<Driver>,
    /// How long the load lasts.
    #[arg(long, default_value = "60s", value_parser = length)]
    duration: Duration,
    /// Orders per second, to each shop.
    #[arg(long, value_name = "N/s", default_value = "20/s", value_parser = rate)]
    rate: f64,
    /// Busy loops for each processor.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=64))]
    loops: u64,
    /// Seed of the goods and the orders.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    json: Json,
}

/// What is measured.
#[derive(Debug, Args)]
pub(super) struct Recovery {
    /// The shops, one after the other, as monolith:two-phase or split:tcc.
    #[arg(long, value_delimiter = ',', default_value = "monolith,split")]
    modes: Vec<Driver>,
    /// How often each server is killed.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    times: u64,
    /// Seed of the goods and the orders.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Install missing programs without asking.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    json: Json,
}

/// Measures what a busy machine does to the shops.
pub(super) async fn busy(asked: Busy, folder: &Path) -> Result<u8> {
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
pub(super) async fn recovery(asked: Recovery, folder: &Path) -> Result<u8> {
    let Recovery { modes, times, seed, yes, json } = asked;
    let options = bench::RecoveryOptions { drivers: modes, times, seed, yes };
    let recovery = bench::recovery(&Guard::start()?, folder, &options).await?;
    output::figures(json.json.as_deref(), recovery.table(), &recovery)?;
    Ok(HELD)
}
