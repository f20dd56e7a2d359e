//! `cleave bench busy`: the shops on a machine that is busy with other work.
//!
//! Busy loops run at the same time, two per processor, and both shops get the same small load, far less than the
//! remaining capacity. A shop that treats slowness as failure, with leases that expire and time-outs that are too
//! short, makes more work of it and breaks down. A correct shop is only slow.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::sync::Mutex;

use super::WARM_UP;
use crate::words;
use load::client::Sender;
use load::{Arrivals, Window};
use report::trial;
use servers::binaries;
use servers::busy::{self, Busy as Evidence};
use servers::guard::Guard;
use servers::record::{self, Machine, Servers};
use servers::{Infrastructure, ServerOptions};
use shop::seed::Goods;
use shop::shared::Shared;
use shop::supervisor::Supervisor;
use shop::{Shop, ShopOptions};
use topology::{Driver, programs};

/// The goals: this share of the orders is served, and 99 % of those are decided within this many milliseconds.
const GOAL_SERVED: f64 = 0.95;
const GOAL_P99_MS: f64 = 2_000.0;
/// How long a shop may take to finish afterwards.
const DRAIN: Duration = Duration::from_secs(60);
/// Log lines of the registry about an instance that it removes, and of the supervisor about one that it ends. In this
/// experiment no process dies by itself. A silent instance is only asked last, which is no removal: rule 55 (silence).
const TAKEN_OUT: [&str; 2] = ["its port is closed, removed", "is ended"];

/// The options.
#[derive(Debug, Clone)]
pub struct BusyOptions {
    /// The shops, all at the same time.
    pub drivers: Vec<Driver>,
    /// How long the load and the loops last.
    pub duration: Duration,
    /// Orders per second, to each shop.
    pub rate_per_s: f64,
    /// Busy loops for each processor.
    pub loops_per_core: u64,
    /// Seed of the products and the orders.
    pub seed: u64,
    /// Which servers to use.
    pub infra: ServerOptions,
}

/// What was measured; `docs/bench-busy.schema.json` describes it.
#[derive(Debug, Serialize)]
pub struct Busy {
    schema: &'static str,
    started_at: DateTime<Utc>,
    commit: Option<String>,
    seed: u64,
    machine: Machine,
    servers: Servers,
    duration_s: f64,
    rate_per_s: f64,
    loops: u64,
    goal_served: f64,
    goal_p99_ms: f64,
    shops: Vec<ShopBusy>,
}

/// The result of one shop.
#[derive(Debug, Serialize)]
struct ShopBusy {
    driver: Driver,
    /// Whether there was a proxy in every link.
    proxies: bool,
    /// Orders that were to be sent.
    wanted: u64,
    /// The share of them that was accepted at one of three tries.
    served: f64,
    /// From the intended moment to the decision; null if nothing was decided.
    decided_p50_ms: Option<f64>,
    decided_p99_ms: Option<f64>,
    /// How late 99 in 100 orders were sent; null if none was.
    late_p99_ms: Option<f64>,
    /// Instances that were alive and were taken out of service or ended.
    taken_out_alive: u64,
    /// Evidence at the end that the machine was busy; null if there is none.
    busy: Option<Evidence>,
}

/// Measures without proxies and with them. Logs go below `folder`.
pub async fn busy(guard: &Guard, folder: &Path, options: &BusyOptions) -> Result<Busy> {
    let started_at = Utc::now();
    let programs = binaries::ensure_built(&programs(&options.drivers)).await?;
    let needs_broker = options.drivers.iter().any(|driver| driver.has_messages());
    let wanted = ServerOptions { needs_broker, ..options.infra.clone() };
    let mut infra = Infrastructure::find(guard, &wanted).await?;
    let logs = folder.join("bench-logs").join(started_at.format("%Y%m%dT%H%M%SZ").to_string());
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let loops = cores * options.loops_per_core;
    let mut shops = Vec::new();
    for proxied in [false, true] {
        let how = if proxied { "with" } else { "without" };
        let said = if proxied { words::with_proxies() } else { words::without_proxies() };
        let lasts = format!("{:?}", options.duration);
        terminal::note!("{}", words::busy_loops(said, loops, options.rate_per_s, lasts));
        let rig = Rig { guard, programs: &programs, logs: logs.join(how), proxied, options };
        let shared = Shared::new(Mutex::new(infra));
        shops.extend(rig.measure(&shared, loops).await?);
        infra = shared.take_back().await.with_context(words::servers_in_use)?.into_inner();
    }
    let busy = Busy {
        schema: "cleave.bench-busy/1",
        started_at,
        commit: record::commit(),
        seed: options.seed,
        machine: record::machine(),
        servers: record::servers(&infra).await?,
        duration_s: options.duration.as_secs_f64(),
        rate_per_s: options.rate_per_s,
        loops,
        goal_served: GOAL_SERVED,
        goal_p99_ms: GOAL_P99_MS,
        shops,
    };
    infra.stop().await?;
    Ok(busy)
}

/// How the shops are run: with or without proxies.
struct Rig<'a> {
    guard: &'a Guard,
    programs: &'a Path,
    logs: std::path::PathBuf,
    proxied: bool,
    options: &'a BusyOptions,
}

impl Rig<'_> {
    async fn measure(&self, infra: &Shared<Mutex<Infrastructure>>, loops: u64) -> Result<Vec<ShopBusy>> {
        let mut supervisors = Vec::new();
        for driver in &self.options.drivers {
            supervisors.push(self.start(*driver, infra).await.with_context(|| driver.to_string())?);
        }
        let crowd = Crowd::start(loops);
        let loads = supervisors.iter().map(|supervisor| self.load(supervisor));
        let measured = try_join_all(loads).await;
        let evidence = busy::now();
        drop(crowd);
        let mut shops = measured?;
        for (supervisor, of) in supervisors.into_iter().zip(&mut shops) {
            of.busy.clone_from(&evidence);
            let shop = supervisor.release().await?;
            if let Err(error) = shop.drain(DRAIN).await {
                terminal::note!("{}: {error:#}", shop.driver);
            }
            of.taken_out_alive = taken_out(&self.logs_of(shop.driver));
            shop.stop(&*infra.lock().await).await?;
        }
        Ok(shops)
    }

    fn logs_of(&self, driver: Driver) -> std::path::PathBuf {
        self.logs.join(driver.to_string().replace(':', "-"))
    }

    /// A shop as `cleave up` runs it: behind a gateway, and supervised.
    async fn start(&self, driver: Driver, infra: &Shared<Mutex<Infrastructure>>) -> Result<Supervisor> {
        let logs = self.logs_of(driver);
        let options = ShopOptions::behind_gateway(self.programs, &logs, self.proxied);
        let shop = Shop::start(self.guard, driver, &*infra.lock().await, &options).await?;
        Goods::new(self.options.seed).put_into(&shop).await?;
        Supervisor::start(shop, infra.clone(), &logs).await
    }

    async fn load(&self, supervisor: &Supervisor) -> Result<ShopBusy> {
        let (driver, address, orders) = {
            let shop = supervisor.shop().await;
            (shop.driver, shop.address.clone(), shop.databases.orders.clone())
        };
        let window = Window { from: WARM_UP, to: WARM_UP + self.options.duration };
        let sender = Sender::new(&address, true)?;
        let started_at = Utc::now() - sender.started().elapsed();
        let arrivals = Arrivals::Open { rate_per_s: self.options.rate_per_s };
        let samples = load::run(&sender, arrivals, self.options.seed, window).await?;
        let (recorded, _) = trial::read_orders(&orders).await?;
        let figures = trial::figures(&trial::settle(samples, &recorded, started_at), window);
        let failed: u64 = figures.orders.failed.values().sum();
        let wanted = figures.orders.accepted + failed;
        Ok(ShopBusy {
            driver,
            proxies: self.proxied,
            wanted,
            served: figures.orders.accepted as f64 / wanted.max(1) as f64,
            decided_p50_ms: figures.decided_ms.map(|latency| latency.p50),
            decided_p99_ms: figures.decided_ms.map(|latency| latency.p99),
            late_p99_ms: figures.schedule_error_ms.map(|late| late.p99),
            taken_out_alive: 0,
            busy: None,
        })
    }
}

/// The number of log lines of registry and supervisor about an instance that was taken out.
fn taken_out(logs: &Path) -> u64 {
    let lines = ["registry.log", "supervisor.log"].map(|name| {
        let text = std::fs::read_to_string(logs.join(name)).unwrap_or_default();
        text.lines().filter(|line| TAKEN_OUT.iter().any(|words| line.contains(words))).count() as u64
    });
    lines.iter().sum()
}

/// Loops that do nothing as fast as they can. Dropping it ends them.
struct Crowd(Arc<AtomicBool>);

impl Crowd {
    fn start(loops: u64) -> Crowd {
        let crowd = Crowd(Arc::default());
        for _ in 0..loops {
            let over = crowd.0.clone();
            thread::spawn(move || while !over.load(Ordering::Relaxed) {});
        }
        crowd
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Busy {
    /// For the terminal.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        let header = [
            words::head_shop(),
            words::head_proxies(),
            words::head_served(),
            words::p50_ms(),
            words::p99_ms(),
            words::head_late(),
            words::head_taken_out(),
            words::head_goal_busy(),
        ];
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
        let ms = |figure: Option<f64>| figure.map_or("–".to_owned(), |ms| format!("{ms:.0}"));
        for shop in &self.shops {
            let quick = shop.decided_p99_ms.is_some_and(|p99| p99 <= self.goal_p99_ms);
            let met = quick && shop.served >= self.goal_served && shop.taken_out_alive == 0;
            table.add_row([
                shop.driver.to_string(),
                if shop.proxies { words::has() } else { words::has_not() },
                words::share_of(format!("{:.1}", (shop.served * 1000.0).floor() / 10.0), shop.wanted),
                ms(shop.decided_p50_ms),
                ms(shop.decided_p99_ms),
                ms(shop.late_p99_ms),
                shop.taken_out_alive.to_string(),
                if met { words::met() } else { words::missed() },
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_logs_tell_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let registry = "{\"message\":\"its port is closed, removed\"}\n{\"message\":\"registered\"}\n\
                        {\"message\":\"silent for too long, asked last from now on\"}\n";
        std::fs::write(folder.path().join("registry.log"), registry).unwrap();
        std::fs::write(folder.path().join("supervisor.log"), "gave no answer 5 times; is ended: …\n")
            .unwrap();
        assert_eq!(taken_out(folder.path()), 2);
    }
}
