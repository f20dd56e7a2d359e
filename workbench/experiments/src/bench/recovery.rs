//! `cleave bench recovery`: how long after its broker or database is back a shop decides orders again.
//!
//! The server is killed as in a power cut, and restarted on the same data. The clock starts when it responds, and stops
//! when an order that was placed after that is decided. A busy machine increases the figures. So they are printed and
//! recorded here, and no test depends on them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::words;
use load::client::{Answer, Sender};
use load::mix::Mix;
use report::stats::{Spread, spread};
use servers::binaries;
use servers::busy::{self, Busy};
use servers::guard::Guard;
use servers::record::{self, Machine, Servers};
use servers::{Infrastructure, Options as ServerOptions};
use shop::seed::Goods;
use shop::{Shop, ShopOptions};
use terminal::language::seconds;
use terminal::progress::Progress;
use topology::{Driver, programs};

/// The goal for a shop.
const GOAL: Duration = Duration::from_secs(5);
/// A shop that takes longer hangs.
const BOUND: Duration = Duration::from_secs(120);
/// The interval between orders.
const AGAIN: Duration = Duration::from_millis(20);

/// The options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The shops, one after the other.
    pub drivers: Vec<Driver>,
    /// How often each server is ended.
    pub times: u64,
    /// Seed of the products and the orders.
    pub seed: u64,
    /// Whether missing programs may be installed without asking.
    pub yes: bool,
}

/// What was measured; `docs/bench-recovery.schema.json` describes it.
#[derive(Debug, Serialize)]
pub struct Recovery {
    schema: &'static str,
    started_at: DateTime<Utc>,
    commit: Option<String>,
    seed: u64,
    machine: Machine,
    servers: Servers,
    /// Evidence at the end that the machine was busy; null if there is none.
    busy: Option<Busy>,
    goal_s: f64,
    shops: Vec<ShopRecovery>,
}

/// One shop after the death of one server.
#[derive(Debug, Serialize)]
struct ShopRecovery {
    driver: Driver,
    /// `broker` or `database`.
    server: &'static str,
    /// One figure per kill, in seconds.
    took_s: Vec<f64>,
    median_s: f64,
    max_s: f64,
}

/// Ends the servers under every shop. Logs go below `folder`.
pub async fn recovery(guard: &Guard, folder: &Path, options: &Options) -> Result<Recovery> {
    let started_at = Utc::now();
    let programs = binaries::ensure_built(&programs(&options.drivers)).await?;
    let logs = folder.join("bench-logs").join(started_at.format("%Y%m%dT%H%M%SZ").to_string());
    let needs_broker = options.drivers.iter().any(|driver| driver.has_messages());
    let wanted = ServerOptions { needs_broker, yes: options.yes, ..ServerOptions::default() };
    let mut infra = Infrastructure::find(guard, &wanted).await?;
    let rounds: u64 = options.drivers.iter().map(|driver| servers_of(*driver).len() as u64).sum();
    let progress = Progress::new(rounds * options.times);
    let mut shops = Vec::new();
    for driver in &options.drivers {
        let shop_options = ShopOptions::new(&programs, logs.join(driver.to_string().replace(':', "-")));
        let shop = Shop::start(guard, *driver, &infra, &shop_options).await?;
        Goods::new(options.seed).put_into(&shop).await?;
        let mut customer = Customer::new(&shop, options.seed)?;
        for server in servers_of(*driver) {
            let took = end(&mut infra, server, &mut customer, options.times, &progress);
            let took_s = took.await.with_context(|| words::after_death(driver, called(server)))?;
            let of_all = spread(took_s.iter().copied().map(Some)).context("it was ended at least once")?;
            let Spread { median, max, .. } = of_all;
            shops.push(ShopRecovery { driver: *driver, server, took_s, median_s: median, max_s: max });
        }
        shop.stop(&infra).await?;
    }
    progress.finish();
    let recovery = Recovery {
        schema: "cleave.bench-recovery/1",
        started_at,
        commit: record::commit(),
        seed: options.seed,
        machine: record::machine(),
        servers: record::servers(&infra).await?,
        busy: busy::now(),
        goal_s: GOAL.as_secs_f64(),
        shops,
    };
    infra.stop().await?;
    Ok(recovery)
}

/// The name of this server for people.
fn called(server: &str) -> String {
    if server == "broker" { words::broker() } else { words::database() }
}

fn servers_of(driver: Driver) -> &'static [&'static str] {
    match driver.has_messages() {
        true => &["broker", "database"],
        false => &["database"],
    }
}

/// Kills a server again and again. Returns the seconds from its return until an order was decided.
async fn end(
    infra: &mut Infrastructure,
    server: &str,
    customer: &mut Customer,
    times: u64,
    progress: &Progress,
) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    customer.is_served().await?;
    for time in 1..=times {
        progress.phase(words::dies(customer.driver, called(server), time, times));
        if server == "broker" {
            let broker = infra.rabbitmq.as_mut().and_then(|broker| broker.running.private());
            let broker = broker.with_context(words::private_only)?;
            broker.kill_hard()?;
            broker.restart().await?;
        } else {
            let database = infra.postgres.running.private().with_context(words::private_only)?;
            database.kill_hard()?;
            database.restart().await?;
        }
        let back = Instant::now();
        customer.is_served().await?;
        took.push(back.elapsed().as_secs_f64());
        progress.step();
    }
    Ok(took)
}

/// Sends one order after another.
struct Customer {
    driver: Driver,
    sender: Sender,
    mix: Mix,
    orders: u64,
}

impl Customer {
    fn new(shop: &Shop, seed: u64) -> Result<Customer> {
        let sender = Sender::new(&shop.address, true)?;
        Ok(Customer { driver: shop.driver, sender, mix: Mix::new(seed), orders: 0 })
    }

    /// Waits until an order is decided, either way.
    async fn is_served(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            let order = self.mix.order(self.orders);
            self.orders += 1;
            let sent = tokio::time::timeout(BOUND, self.sender.send_once(&order)).await;
            match sent.with_context(words::no_answer)? {
                Answer::Accepted(_, Some(_)) => return Ok(()),
                Answer::Refused(status) if (400..500).contains(&status) && status != 409 && status != 429 => {
                    bail!(words::order_refused(status));
                }
                _ => {}
            }
            ensure!(began.elapsed() < BOUND, words::not_decided(seconds(BOUND)));
            tokio::time::sleep(AGAIN).await;
        }
    }
}

impl Recovery {
    /// For the terminal.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        let header = [
            words::head_shop(),
            words::head_died(),
            words::head_times(),
            words::head_median_s(),
            words::head_longest_s(),
            words::head_goal_s(),
        ];
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
        for shop in &self.shops {
            table.add_row([
                shop.driver.to_string(),
                called(shop.server),
                shop.took_s.len().to_string(),
                format!("{:.2}", shop.median_s),
                format!("{:.2}", shop.max_s),
                if shop.max_s <= self.goal_s { words::met() } else { words::missed() },
            ]);
        }
        table
    }
}
