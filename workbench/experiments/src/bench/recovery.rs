//! `cleave bench recovery`: how long after something was broken a shop decides orders again.
//!
//! A server is killed as in a power cut, and restarted on the same data. The clock starts when it responds, and stops
//! when an order that was placed after that is decided. A table or a command is out of reach for a while. The clock
//! starts when it is back, and stops when an order that needs it is decided. Meanwhile orders that do not need it are
//! timed, too. A busy machine increases the figures. So they are printed and recorded here, and no test depends on them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use serde::Serialize;

use super::breakage::{Breakage, LASTS};
use crate::words;
use load::client::{Answer, Sender};
use load::mix::{Intended, Mix};
use report::stats::{Spread, spread};
use servers::binaries;
use servers::busy::{self, Busy};
use servers::guard::Guard;
use servers::record::{self, Machine, Servers};
use servers::{Infrastructure, ServerOptions};
use shop::seed::Goods;
use shop::{Shop, ShopOptions};
use terminal::language::seconds;
use terminal::progress::Progress;
use topology::{Driver, Mode, programs};

/// The goal for an order that does not need what is broken.
const GOAL_OTHERS: Duration = Duration::from_secs(2);
/// The goal for a shop.
const GOAL: Duration = Duration::from_secs(5);
/// A shop that takes longer hangs.
const BOUND: Duration = Duration::from_secs(120);
/// The interval between orders.
const AGAIN: Duration = Duration::from_millis(20);

/// The options.
#[derive(Debug, Clone)]
pub struct RecoveryOptions {
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
    goal_others_s: f64,
    shops: Vec<ShopRecovery>,
}

/// One shop in which one thing was broken.
#[derive(Debug, Serialize)]
struct ShopRecovery {
    driver: Driver,
    /// `broker`, `database`, `table` or `binding`.
    broken: &'static str,
    /// One figure per time, in seconds.
    took_s: Vec<f64>,
    median_s: f64,
    max_s: f64,
    /// The slowest order that did not need what was broken; null where all orders need it.
    others_max_s: Option<f64>,
}

/// Breaks every shop in every way. Logs go below `folder`.
pub async fn recovery(guard: &Guard, folder: &Path, options: &RecoveryOptions) -> Result<Recovery> {
    let started_at = Utc::now();
    let programs = binaries::ensure_built(&programs(&options.drivers)).await?;
    let logs = folder.join("bench-logs").join(started_at.format("%Y%m%dT%H%M%SZ").to_string());
    let needs_broker = options.drivers.iter().any(|driver| driver.has_messages());
    let wanted = ServerOptions { needs_broker, yes: options.yes, ..ServerOptions::default() };
    let mut infra = Infrastructure::find(guard, &wanted).await?;
    let rounds: u64 = options.drivers.iter().map(|driver| broken_in(*driver).len() as u64).sum();
    let progress = Progress::new(rounds * options.times);
    let mut shops = Vec::new();
    for driver in &options.drivers {
        let shop_options = ShopOptions::new(&programs, logs.join(driver.to_string().replace(':', "-")));
        let shop = Shop::start(guard, *driver, &infra, &shop_options).await?;
        Goods::new(options.seed).put_into(&shop).await?;
        let mut customer = Customer::new(&shop, options.seed)?;
        for broken in broken_in(*driver) {
            let of_shop = async {
                let mut measured = Vec::new();
                for time in 1..=options.times {
                    progress.phase(words::breaks(driver, called(broken), time, options.times));
                    measured.push(match *broken {
                        "broker" | "database" => end(&mut infra, broken, &mut customer).await?,
                        _ => disturb(&shop, broken, &mut customer).await?,
                    });
                    progress.step();
                }
                anyhow::Ok(measured)
            };
            let measured = of_shop.await.with_context(|| format!("{driver}, {}", called(broken)))?;
            let took_s: Vec<f64> = measured.iter().map(|one| one.took_s).collect();
            let of_all = spread(took_s.iter().copied().map(Some)).context("it was broken at least once")?;
            let Spread { median, max, .. } = of_all;
            let others_max_s = measured.iter().filter_map(|one| one.others_s).reduce(f64::max);
            let (driver, median_s, max_s) = (*driver, median, max);
            shops.push(ShopRecovery { driver, broken, took_s, median_s, max_s, others_max_s });
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
        goal_others_s: GOAL_OTHERS.as_secs_f64(),
        shops,
    };
    infra.stop().await?;
    Ok(recovery)
}

/// The name of this for people.
fn called(broken: &str) -> String {
    match broken {
        "broker" => words::broker(),
        "database" => words::database(),
        "table" => words::table(),
        _ => words::binding(),
    }
}

fn broken_in(driver: Driver) -> &'static [&'static str] {
    match (driver, driver.mode()) {
        (_, Mode::Monolith) => &["database", "table"],
        // It loses what the broker returns.
        (Driver::Naive, _) => &["broker", "database", "table"],
        (_, Mode::Split | Mode::Hybrid) => &["broker", "database", "table", "binding"],
    }
}

struct Measured {
    took_s: f64,
    others_s: Option<f64>,
}

/// Kills a server. Returns the seconds from its return until an order was decided.
async fn end(infra: &mut Infrastructure, server: &str, customer: &mut Customer) -> Result<Measured> {
    customer.is_served(None).await?;
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
    customer.is_served(None).await?;
    Ok(Measured { took_s: back.elapsed().as_secs_f64(), others_s: None })
}

/// Takes something away that only some orders need. Returns the seconds from its return until an order that waited for
/// it was decided, and the longest that one of the others took meanwhile.
async fn disturb(shop: &Shop, what: &str, customer: &mut Customer) -> Result<Measured> {
    customer.is_served(None).await?;
    let broken = Breakage::begin(shop, what).await?;
    let mut other = customer.clone();
    let needs = async {
        customer.is_served(Some(Intended::Confirmed)).await?;
        anyhow::Ok(Instant::now())
    };
    let others = async {
        let (began, mut longest) = (Instant::now(), 0_f64);
        while began.elapsed() < LASTS {
            let sent = Instant::now();
            other.is_served(Some(Intended::PriceChanged)).await?;
            longest = longest.max(sent.elapsed().as_secs_f64());
            tokio::time::sleep(AGAIN).await;
        }
        broken.end().await?;
        anyhow::Ok((Instant::now(), longest))
    };
    let (served, (back, longest)) = tokio::try_join!(needs, others)?;
    customer.orders = other.orders.max(customer.orders);
    Ok(Measured { took_s: served.saturating_duration_since(back).as_secs_f64(), others_s: Some(longest) })
}

/// Sends one order after another.
#[derive(Clone)]
struct Customer {
    sender: Sender,
    mix: Mix,
    orders: u64,
}

impl Customer {
    fn new(shop: &Shop, seed: u64) -> Result<Customer> {
        let sender = Sender::new(&shop.address, true)?;
        Ok(Customer { sender, mix: Mix::new(seed), orders: 0 })
    }

    /// Waits until an order of this kind is decided, either way.
    async fn is_served(&mut self, intended: Option<Intended>) -> Result<()> {
        let began = Instant::now();
        loop {
            let order = self.mix.order(self.orders);
            self.orders += 1;
            if intended.is_some_and(|intended| order.intended != intended) {
                continue;
            }
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
            words::head_broken(),
            words::head_times(),
            words::head_median_s(),
            words::head_longest_s(),
            words::head_others_s(),
            words::head_goal_s(),
        ];
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
        for shop in &self.shops {
            let others_met = shop.others_max_s.is_none_or(|longest| longest <= self.goal_others_s);
            let met = shop.max_s <= self.goal_s && others_met;
            table.add_row([
                shop.driver.to_string(),
                called(shop.broken),
                shop.took_s.len().to_string(),
                format!("{:.2}", shop.median_s),
                format!("{:.2}", shop.max_s),
                shop.others_max_s.map_or("–".to_owned(), |longest| format!("{longest:.2}")),
                if met { words::met() } else { words::missed() },
            ]);
        }
        table
    }
}
