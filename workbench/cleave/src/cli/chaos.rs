//! `cleave chaos` and `cleave soak`: the words of the command line.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::words::{Json, length};
use super::{HELD, exit_status, interrupted};
use crate::commands;
use experiments::{chaos, soak};
use servers::guard::Guard;
use terminal::output;
use topology::Driver;

#[derive(Debug, Args)]
pub(super) struct Chaos {
    /// The same seed breaks the same things.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// From one fault to the next.
    #[arg(long, default_value = "5s", value_parser = pause)]
    every: Duration,
    /// How long it goes on.
    #[arg(long = "for", value_name = "TIME", default_value = "1m", value_parser = length)]
    length: Duration,
    /// Only in this shop, as split:tcc.
    #[arg(long)]
    shop: Option<Driver>,
}

#[derive(Debug, Args)]
pub(super) struct Soak {
    /// Orders for each shop.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    orders: u64,
    /// Faults for each shop; some are added for kinds that met something too seldom.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    faults: u64,
    /// Seed of the faults and the orders.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The shops, one after the other.
    #[arg(long, value_delimiter = ',', default_value = "split:orchestrated")]
    modes: Vec<Driver>,
    /// Install missing programs without asking.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    json: Json,
}

/// It takes Ctrl-C as its end, and heals what it broke.
pub(super) async fn chaos(Chaos { seed, every, length, shop }: Chaos, folder: &Path) -> Result<u8> {
    let wanted = chaos::Wanted { seed, every, length, shop };
    let logs = chaos::run(folder, &wanted, interrupted()).await?;
    commands::tell(&logs, None)?;
    Ok(HELD)
}

pub(super) async fn soak(arguments: Soak, folder: &Path) -> Result<u8> {
    let Soak { orders, faults, seed, modes: drivers, yes, json: Json { json } } = arguments;
    // Only servers of its own: it breaks them.
    let infra = servers::Options { yes, ..servers::Options::default() };
    let options = soak::Options { drivers, orders, faults: faults as usize, seed, infra };
    let soak = soak::run(&Guard::start()?, &folder.join("soak"), &options).await?;
    output::figures(json.as_deref(), soak::table(&soak), &soak)?;
    Ok(exit_status(soak.verdict))
}

/// A fault lasts up to two seconds, and they are not to pile up.
fn pause(text: &str) -> Result<Duration, String> {
    let every = length(text)?;
    if every < Duration::from_secs(1) {
        return Err("give at least 1s".into());
    }
    Ok(every)
}
