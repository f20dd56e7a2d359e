//! `cleave bench limit`: how close the monolith over HTTP comes to the bare database.
//!
//! The reference is pgbench, PostgreSQL's own load generator, with a plain checkout: two products and twelve
//! statements, one round trip each, on the monolith's own tables. It has no HTTP, no JSON and no rules, so it shows
//! what the database can do with that style of code. The two take turns within one run. On another machine only their
//! ratio is comparable.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use reqwest::Url;
use serde::Serialize;
use tokio::process::Command;

use crate::words;
use load::client::Sender;
use load::mix::{Mix, ZIPF_EXPONENT};
use load::{Window, closed};
use report::stats::{Spread, spread};
use report::trial;
use servers::binaries;
use servers::guard::Guard;
use servers::record::{self, Machine, Servers};
use servers::{Infrastructure, PostgresPrograms};
use shop::seed::{CUSTOMERS, Goods, POOR, PRODUCTS, SOLD_OUT};
use shop::{Shop, ShopOptions};
use terminal::progress::Progress;
use topology::{Driver, Mode};

mod busy;
mod live_audit;
mod recovery;

pub use busy::{Busy, Options as BusyOptions, busy};
pub use live_audit::{Cost, Options as LiveAuditOptions, live_audit};
pub use recovery::{Options as RecoveryOptions, Recovery, recovery};

/// The checkout that pgbench runs.
const SCRIPT: &str = include_str!("checkout.sql");
/// As many sessions as the monolith's pool has. With more, both wait for their own locks on the popular rows.
const SESSIONS: usize = 8;
/// Before each measured part over HTTP, and once before the first round of pgbench.
const WARM_UP: Duration = Duration::from_secs(2);
/// A round of HTTP sends fewer orders than this, so each has its own keys.
const ORDERS_A_ROUND: u64 = 1_000_000_000;

/// The options.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long each round lasts.
    pub duration: Duration,
    /// Clients of the monolith.
    pub clients: u64,
    /// Rounds of each of the two.
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
    clients: u64,
    sessions: usize,
    rounds: Vec<Round>,
    pgbench_per_s: Spread,
    monolith_per_s: Spread,
    ratio: Spread,
}

/// One round of each.
#[derive(Debug, Clone, Copy, Serialize)]
struct Round {
    pgbench_per_s: f64,
    monolith_per_s: f64,
    ratio: f64,
}

/// Measures both, in turns, on one monolith and its database. Its log goes below `folder`.
pub async fn limit(guard: &Guard, folder: &Path, options: &Options) -> Result<Limit> {
    let started_at = Utc::now();
    let programs = binaries::ensure_built(Mode::Monolith.programs()).await?;
    let infra =
        Infrastructure::find(guard, &servers::Options { yes: options.yes, ..servers::Options::default() })
            .await?;
    let logs = folder.join("bench-logs").join(started_at.format("%Y%m%dT%H%M%SZ").to_string());
    let shop_options = ShopOptions::new(&programs, logs);
    let shop = Shop::start(guard, Driver::Local, &infra, &shop_options).await?;
    Goods::new(options.seed).put_into(&shop).await?;

    let progress = Progress::new(options.rounds * 2);
    progress.phase(words::warming_up());
    pgbench(&shop, WARM_UP).await?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        let round = one_round(&shop, options, number, &progress).await?;
        rounds.push(round);
    }
    progress.finish();

    let limit = Limit {
        schema: "cleave.bench-limit/1",
        started_at,
        commit: record::commit(),
        seed: options.seed,
        machine: record::machine(),
        servers: record::servers(&infra).await?,
        duration_s: options.duration.as_secs_f64(),
        clients: options.clients,
        sessions: SESSIONS,
        pgbench_per_s: over(&rounds, |round| round.pgbench_per_s)?,
        monolith_per_s: over(&rounds, |round| round.monolith_per_s)?,
        ratio: over(&rounds, |round| round.ratio)?,
        rounds,
    };
    shop.stop(&infra).await?;
    infra.stop().await?;
    Ok(limit)
}

/// The order alternates: A B, B A, A B …
async fn one_round(shop: &Shop, options: &Options, number: u64, progress: &Progress) -> Result<Round> {
    let (mut bare, mut http) = (0.0, 0.0);
    let pgbench_first = !number.is_multiple_of(2);
    for pgbench_now in [pgbench_first, !pgbench_first] {
        if pgbench_now {
            progress.phase(words::round_pgbench(number, options.rounds));
            bare = pgbench(shop, options.duration).await?;
        } else {
            progress.phase(words::round_monolith(number, options.rounds));
            http = monolith(shop, options, number).await?;
        }
        progress.step();
    }
    Ok(Round { pgbench_per_s: bare, monolith_per_s: http, ratio: http / bare })
}

/// Orders per second that the monolith decides, saturated.
async fn monolith(shop: &Shop, options: &Options, number: u64) -> Result<f64> {
    let mix = Mix::new(options.seed).starting_at(number * ORDERS_A_ROUND);
    let window = Window { from: WARM_UP, to: WARM_UP + options.duration };
    let sender = Sender::new(&shop.address, true)?;
    let samples = closed::run(&sender, mix, usize::try_from(options.clients)?, window.to).await?;
    // Every response of the monolith contains the decision, so no order has to be looked up.
    let settled = trial::settle(samples, &Default::default(), Utc::now());
    let figures = trial::figures(&settled, window);
    if !figures.orders.failed.is_empty() {
        bail!(words::monolith_failed(format!("{:?}", figures.orders.failed)));
    }
    Ok(figures.throughput_per_s)
}

/// Checkouts per second that pgbench does.
async fn pgbench(shop: &Shop, length: Duration) -> Result<f64> {
    let program = PostgresPrograms::find().and_then(|programs| programs.pgbench());
    let program = program.with_context(words::no_pgbench)?;
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(script.path(), SCRIPT)?;
    let url = Url::parse(&shop.databases.orders)?;
    let output = Command::new(program)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={SESSIONS}"))
        .arg(format!("--time={}", length.as_secs_f64().ceil()))
        .arg(format!("--define=products={}", PRODUCTS - SOLD_OUT))
        .arg(format!("--define=customers={}", CUSTOMERS - POOR))
        .arg(format!("--define=exponent={ZIPF_EXPONENT}"))
        .arg("--file")
        .arg(script.path())
        // In the environment, because every user of the machine can read a command line.
        .env("PGHOST", url.host_str().unwrap_or_default())
        .env("PGPORT", url.port().unwrap_or(5432).to_string())
        .env("PGUSER", url.username())
        .env("PGPASSWORD", url.password().unwrap_or_default())
        .env("PGDATABASE", url.path().trim_start_matches('/'))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| words::cannot_run("pgbench"))?;
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!(words::program_failed("pgbench", complained));
    }
    per_second(&said).with_context(|| words::no_speed(&said))
}

/// From `tps = 2345.678 (without initial connection time)`.
fn per_second(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
}

fn over(rounds: &[Round], figure: fn(&Round) -> f64) -> Result<Spread> {
    spread(rounds.iter().map(|round| Some(figure(round)))).context("there is at least one round")
}

impl Limit {
    /// For the terminal.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
            words::head_round(),
            words::head_pgbench(),
            words::head_monolith(),
            words::head_ratio(),
        ]);
        for (number, round) in self.rounds.iter().enumerate() {
            table.add_row([
                (number + 1).to_string(),
                format!("{:.0}", round.pgbench_per_s),
                format!("{:.0}", round.monolith_per_s),
                format!("{:.2}", round.ratio),
            ]);
        }
        let whole = |spread: Spread| format!("{:.0} ({:.0}–{:.0})", spread.median, spread.min, spread.max);
        let Spread { median, min, max } = self.ratio;
        table.add_row([
            words::median(),
            whole(self.pgbench_per_s),
            whole(self.monolith_per_s),
            format!("{median:.2} ({min:.2}–{max:.2})"),
        ]);
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_is_understood() {
        let said = "number of failed transactions: 0 (0.000%)\ntps = 2345.678901 (without initial connection time)\n";
        assert_eq!(per_second(said), Some(2345.678901));
        assert_eq!(per_second("tps = \n"), None);
    }

    #[test]
    fn the_script_has_twelve_statements() {
        let statements = SCRIPT.lines().filter(|line| !line.starts_with("--") && !line.starts_with("\\set"));
        let ends = statements.filter(|line| line.ends_with(';') || line.ends_with("\\gset")).count();
        assert_eq!(ends, 12);
    }
}
