//! `cleave bench limit`: how close the shops come to the bare database.
//!
//! The reference is pgbench, PostgreSQL's own load generator, with a plain checkout: two products and twelve
//! statements, one round trip each, on a monolith's tables. It has no HTTP, no JSON and no rules, so it shows what the
//! database can do with that style of code.
//!
//! pgbench and the drivers take turns within one run, each on a fresh shop, so that changes of the machine affect all
//! of them. On another machine only the ratios are comparable.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::WARM_UP;
use crate::measured::{fresh_shop, metered_load};
use crate::words;
use figures::{Level, Turn, Turns};
use load::client::Sender;
use load::{Arrivals, Window};
use monolith::MonolithLimit;
use report::trial::{self, Figures};
use servers::guard::Guard;
use servers::record::{self, Machine, Servers};
use servers::{Infrastructure, binaries};
use shop::{Shop, ShopOptions};
use terminal::progress::Progress;
use topology::{Driver, programs};

mod figures;
mod monolith;
mod pgbench;
mod table;

/// How long a shop may take to finish after a turn.
const DRAIN: Duration = Duration::from_secs(60);

/// The options.
#[derive(Debug, Clone)]
pub struct LimitOptions {
    /// The drivers that are measured beside pgbench.
    pub drivers: Vec<Driver>,
    /// Orders in flight, one figure after the other: so many clients send their next order when the last is decided.
    pub in_flight: Vec<u64>,
    /// How long each turn lasts.
    pub duration: Duration,
    /// Turns of pgbench and of each driver, for each number of orders in flight.
    pub rounds: u64,
    /// Seed of the products and the orders.
    pub seed: u64,
    /// Whether missing programs may be installed without asking.
    pub yes: bool,
}

/// What was measured; `docs/bench-limit.schema.json` describes it.
#[derive(Debug, Serialize)]
pub struct Limit {
    schema: &'static str,
    started_at: DateTime<Utc>,
    commit: Option<String>,
    seed: u64,
    machine: Machine,
    servers: Servers,
    duration_s: f64,
    sessions: usize,
    #[serde(flatten)]
    monolith: MonolithLimit,
    levels: Vec<Level>,
}

impl Limit {
    /// For the terminal.
    pub fn text(&self) -> String {
        table::render(&self.levels)
    }
}

/// Measures pgbench and the drivers in turns. Logs go below `folder`.
pub async fn limit(guard: &Guard, folder: &Path, options: &LimitOptions) -> Result<Limit> {
    let started_at = Utc::now();
    let most = options
        .in_flight
        .iter()
        .copied()
        .max()
        .context("there is at least one number of orders in flight")?;
    if let Some(why) = load::shortage(Arrivals::Closed { clients: most }) {
        terminal::note!("{why}");
    }
    // pgbench always works on the tables of a monolith.
    let shops = [&[Driver::Local], &options.drivers[..]].concat();
    let programs = binaries::ensure_built(&programs(&shops)).await?;
    let needs_broker = shops.iter().any(|driver| driver.has_messages());
    let wanted =
        servers::ServerOptions { needs_broker, yes: options.yes, ..servers::ServerOptions::default() };
    let infra = Infrastructure::find(guard, &wanted).await?;
    let logs = folder.join("bench-logs").join(started_at.format("%Y%m%dT%H%M%SZ").to_string());
    let turns = options.rounds * (options.in_flight.len() * (options.drivers.len() + 1)) as u64;
    let progress = Progress::new(turns);
    let bench = Bench { guard, infra: &infra, options, programs, logs, progress };
    let levels = bench.measure_all().await?;
    let highest = levels.iter().max_by_key(|level| level.in_flight).context("there is at least one")?;
    let limit = Limit {
        schema: "cleave.bench-limit/1",
        started_at,
        commit: record::commit(),
        seed: options.seed,
        machine: record::machine(),
        servers: record::servers(&infra).await?,
        duration_s: options.duration.as_secs_f64(),
        sessions: pgbench::SESSIONS,
        monolith: MonolithLimit::of(highest),
        levels,
    };
    infra.stop().await?;
    Ok(limit)
}

/// Takes the turns.
struct Bench<'a> {
    guard: &'a Guard,
    infra: &'a Infrastructure,
    options: &'a LimitOptions,
    programs: PathBuf,
    logs: PathBuf,
    progress: Progress,
}

/// What a turn measures: pgbench, or a driver by its index.
#[derive(Debug, Clone, Copy)]
enum Side {
    Pgbench,
    Driver(usize),
}

impl Bench<'_> {
    async fn measure_all(&self) -> Result<Vec<Level>> {
        let LimitOptions { drivers, in_flight, rounds, .. } = self.options;
        let mut levels: Vec<Turns> =
            in_flight.iter().map(|in_flight| Turns::none_yet(*in_flight, drivers)).collect();
        for round in 1..=*rounds {
            for turns in &mut levels {
                self.one_round(round, turns).await?;
            }
        }
        self.progress.finish();
        Ok(levels.into_iter().map(Level::of).collect())
    }

    /// The order alternates: A B C, C B A, A B C …
    async fn one_round(&self, round: u64, turns: &mut Turns) -> Result<()> {
        let drivers = (0..turns.drivers.len()).map(Side::Driver);
        let mut sides: Vec<Side> = [Side::Pgbench].into_iter().chain(drivers).collect();
        if round.is_multiple_of(2) {
            sides.reverse();
        }
        for side in sides {
            let named = match side {
                Side::Pgbench => "pgbench".to_owned(),
                Side::Driver(index) => turns.drivers[index].0.to_string(),
            };
            let name = words::turn_of(round, self.options.rounds, turns.in_flight, &named);
            self.progress.phase(name.clone());
            let logs = format!("{}-in-flight-round-{round}-{}", turns.in_flight, named.replace(':', "-"));
            let logs = self.logs.join(logs);
            match side {
                Side::Pgbench => {
                    let per_s = self.pgbench(&logs).await.with_context(|| name)?;
                    turns.pgbench_per_s.push(per_s);
                }
                Side::Driver(index) => {
                    let (driver, measured) = &mut turns.drivers[index];
                    let turn = self.turn(*driver, turns.in_flight, &logs, &name).await;
                    measured.push(turn.with_context(|| name)?);
                }
            }
            self.progress.step();
        }
        Ok(())
    }

    async fn pgbench(&self, logs: &Path) -> Result<f64> {
        let shop = self.shop(Driver::Local, logs).await?;
        // A separate run, so that pgbench plans its statements again, on tables that have rows.
        pgbench::checkouts_per_s(&shop, WARM_UP).await?;
        let per_s = pgbench::checkouts_per_s(&shop, self.options.duration).await?;
        shop.stop(self.infra).await?;
        Ok(per_s)
    }

    async fn turn(&self, driver: Driver, in_flight: u64, logs: &Path, name: &str) -> Result<Turn> {
        let shop = self.shop(driver, logs).await?;
        let window = Window { from: WARM_UP, to: WARM_UP + self.options.duration };
        let arrivals = Arrivals::Closed { clients: in_flight };
        // A client is free when its order is decided.
        let sender = Sender::new(&shop.address, true)?;
        let started_at = Utc::now() - sender.started().elapsed();
        let load = metered_load(&sender, &shop, self.infra, arrivals, self.options.seed, window);
        let (samples, usage) = load.await?;
        if let Err(error) = shop.drain(DRAIN).await {
            self.progress.note(&format!("{name}: {error:#}"));
        }
        let (recorded, _) = trial::read_orders(&shop.databases.orders).await?;
        let figures = trial::figures(&trial::settle(samples, &recorded, started_at), window);
        shop.stop(self.infra).await?;
        let turn = Turn::of(&figures, usage.per_1000(figures.decided_in_window), usage.memory.total);
        if turn.not_decided > 0 {
            self.progress.note(&words::not_all_decided(name, turn.not_decided, reasons(&figures)));
        }
        Ok(turn)
    }

    /// A fresh shop, so that every turn begins with the same tables.
    async fn shop(&self, driver: Driver, logs: &Path) -> Result<Shop> {
        let options = ShopOptions::new(&self.programs, logs);
        fresh_shop(self.guard, driver, self.infra, &options, self.options.seed).await
    }
}

/// Why orders were not accepted, and how many; empty if all were.
fn reasons(figures: &Figures) -> String {
    let failed = figures.orders.failed.iter();
    failed.map(|(reason, orders)| format!("; {}: {orders}", report::reason(reason))).collect()
}
