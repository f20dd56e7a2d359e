//! `cleave bench live-audit`: what the live audit costs a saturated shop.
//!
//! The same shop is measured without and with the live audit, in turns whose order alternates, so that changes of the
//! machine affect both. The result is the mean of the pairs' ratios, with its interval.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use serde::Serialize;

use super::WARM_UP;
use crate::words;
use audit::Subject;
use audit::live::{Live, Pace};
use load::client::Sender;
use load::mix::Mix;
use load::{Window, closed};
use report::stats::{RatioInterval, ratio_interval};
use report::trial;
use servers::Infrastructure;
use servers::binaries;
use servers::guard::Guard;
use servers::record::{self, Machine, Servers};
use shop::seed::Goods;
use shop::{Shop, ShopOptions};
use terminal::progress::Progress;
use topology::{Driver, programs};

/// How far the ratio of two equal turns on one shop is assumed to vary around 1, on the log scale. It is less than
/// between two shops, which are started separately.
const TYPICAL: f64 = 0.05;
/// How sure the interval is.
const CONFIDENCE: f64 = 0.95;
/// How long a shop may take to finish after a turn.
const DRAIN: Duration = Duration::from_secs(60);
/// A turn sends fewer orders than this, so each has its own keys.
const ORDERS_A_TURN: u64 = 1_000_000_000;

/// The options.
#[derive(Debug, Clone)]
pub struct LiveAuditOptions {
    /// The shops, one after the other.
    pub drivers: Vec<Driver>,
    /// How long each turn lasts.
    pub duration: Duration,
    /// Clients that work at the same time.
    pub clients: u64,
    /// Pairs of turns of each shop.
    pub rounds: u64,
    /// Seed of the products and the orders.
    pub seed: u64,
    /// Which servers to use.
    pub infra: servers::ServerOptions,
}

/// What was measured; `docs/bench-live-audit.schema.json` describes it.
#[derive(Debug, Serialize)]
pub struct Cost {
    schema: &'static str,
    started_at: DateTime<Utc>,
    commit: Option<String>,
    seed: u64,
    machine: Machine,
    servers: Servers,
    duration_s: f64,
    clients: u64,
    shops: Vec<ShopCost>,
}

/// What it costs one shop.
#[derive(Debug, Serialize)]
struct ShopCost {
    driver: Driver,
    rounds: Vec<Round>,
    /// Throughput with the live audit divided by that without.
    ratio: Option<RatioInterval>,
}

/// One turn of each.
#[derive(Debug, Clone, Copy, Serialize)]
struct Round {
    without_per_s: f64,
    with_per_s: f64,
    ratio: f64,
    /// How often the live audit looked.
    looks: u64,
    /// Orders that it followed until all modules agreed.
    resolved: u64,
}

/// Measures every shop. Their logs go below `folder`.
pub async fn live_audit(guard: &Guard, folder: &Path, options: &LiveAuditOptions) -> Result<Cost> {
    let started_at = Utc::now();
    let programs = binaries::ensure_built(&programs(&options.drivers)).await?;
    let needs_broker = options.drivers.iter().any(|driver| driver.has_messages());
    let wanted = servers::ServerOptions { needs_broker, ..options.infra.clone() };
    let infra = Infrastructure::find(guard, &wanted).await?;
    let logs = folder.join("bench-logs").join(started_at.format("%Y%m%dT%H%M%SZ").to_string());
    let progress = Progress::new(options.rounds * 2 * options.drivers.len() as u64);
    let mut shops = Vec::new();
    for driver in &options.drivers {
        let shop_options = ShopOptions::new(&programs, logs.join(driver.to_string().replace(':', "-")));
        let shop = Shop::start(guard, *driver, &infra, &shop_options).await?;
        Goods::new(options.seed).put_into(&shop).await?;
        shops.push(measure(&shop, options, &progress).await.with_context(|| driver.to_string())?);
        shop.stop(&infra).await?;
    }
    progress.finish();
    let cost = Cost {
        schema: "cleave.bench-live-audit/1",
        started_at,
        commit: record::commit(),
        seed: options.seed,
        machine: record::machine(),
        servers: record::servers(&infra).await?,
        duration_s: options.duration.as_secs_f64(),
        clients: options.clients,
        shops,
    };
    infra.stop().await?;
    Ok(cost)
}

/// The order alternates: A B, B A, A B …
async fn measure(shop: &Shop, options: &LiveAuditOptions, progress: &Progress) -> Result<ShopCost> {
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        let (mut without, mut with) = (0.0, (0.0, 0, 0));
        let looked_at_first = number.is_multiple_of(2);
        for (turn, looked_at) in [looked_at_first, !looked_at_first].into_iter().enumerate() {
            let how = if looked_at { words::with_live_audit() } else { words::without_live_audit() };
            progress.phase(words::round_of(shop.driver, number, options.rounds, how));
            let from = (number * 2 + turn as u64) * ORDERS_A_TURN;
            if looked_at {
                let live = Live::start(Subject::of(shop.handle()), Pace::default());
                let throughput = saturate(shop, options, from).await?;
                let (_, recording) = live.finish().await?;
                with = (throughput, recording.series.len() as u64, recording.disagreement.resolved);
            } else {
                without = saturate(shop, options, from).await?;
            }
            shop.drain(DRAIN).await?;
            progress.step();
        }
        let (with_per_s, looks, resolved) = with;
        ensure!(resolved > 0, words::none_followed());
        rounds.push(Round {
            without_per_s: without,
            with_per_s,
            ratio: with_per_s / without,
            looks,
            resolved,
        });
    }
    let ratios: Vec<f64> = rounds.iter().map(|round| round.ratio).collect();
    Ok(ShopCost { driver: shop.driver, ratio: ratio_interval(&ratios, TYPICAL, CONFIDENCE), rounds })
}

/// Orders per second that a shop decides, saturated.
async fn saturate(shop: &Shop, options: &LiveAuditOptions, from: u64) -> Result<f64> {
    let mix = Mix::new(options.seed).starting_at(from);
    let window = Window { from: WARM_UP, to: WARM_UP + options.duration };
    let sender = Sender::new(&shop.address, true)?;
    let samples = closed::run(&sender, mix, usize::try_from(options.clients)?, window.to).await?;
    // Every client waits for the decision, so no order has to be looked up.
    let settled = trial::settle(samples, &Default::default(), Utc::now());
    Ok(trial::figures(&settled, window).throughput_per_s)
}

impl Cost {
    /// For the terminal.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
            words::head_shop(),
            words::head_round(),
            words::head_without(),
            words::head_with(),
            words::head_ratio(),
            words::head_looks(),
        ]);
        for shop in &self.shops {
            for (number, round) in shop.rounds.iter().enumerate() {
                table.add_row([
                    shop.driver.to_string(),
                    (number + 1).to_string(),
                    format!("{:.0}", round.without_per_s),
                    format!("{:.0}", round.with_per_s),
                    format!("{:.3}", round.ratio),
                    round.looks.to_string(),
                ]);
            }
            let ratio = shop.ratio.map_or("–".to_owned(), |RatioInterval { mean, low, high }| {
                format!("{mean:.3} ({low:.3}–{high:.3})")
            });
            table.add_row([shop.driver.to_string(), words::mean_95(), String::new(), String::new(), ratio]);
        }
        table
    }
}
