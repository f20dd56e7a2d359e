//! The command line of `cleave chaos` and `cleave soak`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::values::{Json, driver, length, number, whole};
use super::{HELD, exit_status, interrupted};
use crate::{commands, words};
use experiments::{chaos, soak};
use servers::guard::Guard;
use terminal::output;
use topology::Driver;

#[derive(Debug, Args)]
pub(super) struct Chaos {
    /// Seed; the same seed breaks the same things.
    #[arg(long, default_value_t = 1, value_parser = number)]
    seed: u64,
    /// Time from one fault to the next; at least 1s.
    #[arg(long, default_value = "5s", value_parser = pause)]
    every: Duration,
    /// How long to continue.
    #[arg(long = "for", value_name = "TIME", default_value = "1m", value_parser = length)]
    length: Duration,
    /// Only in this shop, e.g. split:tcc.
    #[arg(long, value_parser = driver)]
    shop: Option<Driver>,
}

#[derive(Debug, Args)]
pub(super) struct Soak {
    /// Orders per shop.
    #[arg(long, default_value_t = 10_000, value_parser = whole(1..=1_000_000))]
    orders: u64,
    /// Faults per shop; more are added for kinds with too few hits.
    #[arg(long, default_value_t = 64, value_parser = whole(1..=1_000))]
    faults: u64,
    /// Seed of the faults and the orders.
    #[arg(long, default_value_t = 1, value_parser = number)]
    seed: u64,
    /// Shops, one after another.
    #[arg(long, value_delimiter = ',', default_value = "split:orchestrated", value_parser = driver)]
    modes: Vec<Driver>,
    /// Install missing programs without asking.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    json: Json,
}

/// Ctrl-C ends it normally, and it heals its faults.
pub(super) async fn chaos(Chaos { seed, every, length, shop }: Chaos, folder: &Path) -> Result<u8> {
    let wanted = chaos::ChaosOptions { seed, every, length, shop };
    let logs = chaos::run(folder, &wanted, interrupted()).await?;
    commands::tell(&logs, None)?;
    Ok(HELD)
}

pub(super) async fn soak(arguments: Soak, folder: &Path) -> Result<u8> {
    let Soak { orders, faults, seed, modes: drivers, yes, json: Json { json } } = arguments;
    // Only private servers, because it breaks them.
    let infra = servers::ServerOptions { yes, ..servers::ServerOptions::default() };
    let options = soak::SoakOptions { drivers, orders, faults: faults as usize, seed, infra };
    let soak = soak::run(&Guard::start()?, &folder.join("soak"), &options).await?;
    output::figures(json.as_deref(), soak::table(&soak), &soak)?;
    Ok(exit_status(soak.verdict))
}

/// A fault lasts up to two seconds, and faults should not pile up.
fn pause(text: &str) -> Result<Duration, String> {
    let every = length(text)?;
    if every < Duration::from_secs(1) {
        return Err(words::at_least_a_second());
    }
    Ok(every)
}
