//! `cleave crash-matrix`: every crash point, on every driver that has it, more than once.
//!
//! A *cell* is one crash: in a shop under load, one process crashes at a point and is restarted. Then the shop is
//! drained and audited. The cells of one driver run one after the other on one shop, and the drivers side by side, so that the
//! servers and the databases are set up once for many crashes.

mod grid;
mod lane;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::words;
use audit::Verdict;
use faults::{POINTS, Point};
use lane::Lane;
use servers::Infrastructure;
use servers::binaries;
use servers::guard::Guard;
use terminal::progress::Progress;
use terminal::text::Text;
use topology::Driver;

/// The format of the JSON.
pub const SCHEMA: &str = "cleave.crash-matrix/1";

/// The options.
#[derive(Debug, Clone)]
pub struct MatrixOptions {
    /// The points, by name; all of them if there are none.
    pub points: Vec<String>,
    /// The drivers.
    pub drivers: Vec<Driver>,
    /// How often each point is tried on each driver, each time with another seed.
    pub seeds: u64,
    /// The first of those seeds. It says which process dies, at which pass, under which orders.
    pub first_seed: u64,
    /// The kind of shops.
    pub setting: Setting,
    /// Which servers to use.
    pub infra: servers::ServerOptions,
}

/// The shops in which the processes die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Instances of each service and of the monolith. If there are several, one dies, and the others do its work
    /// until the load is over.
    pub instances: usize,
    /// Average delay of every database response in milliseconds; 0 for none.
    pub database_delay_ms: u64,
}

impl Setting {
    /// One instance of everything, and no delay.
    pub const PLAIN: Setting = Setting { instances: 1, database_delay_ms: 0 };
    /// The delay of a slow database. An order then takes seconds instead of milliseconds, which is still far below
    /// every time limit.
    pub const SLOW_MS: u64 = 20;
}

/// The results of all crashes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrashMatrix {
    /// [`SCHEMA`].
    pub schema: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub seconds: f64,
    /// The kind of shops.
    #[serde(flatten)]
    pub setting: Setting,
    /// One for each crash that was tried.
    pub cells: Vec<Cell>,
}

/// One crash: a driver was killed at a point, and audited after its recovery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    /// The crash point.
    pub point: String,
    /// The driver.
    pub driver: Driver,
    /// Decides which process dies, and at which pass of the point.
    pub seed: u64,
    /// Which process was to die.
    pub process: String,
    /// At which pass of the point.
    pub pass: u64,
    /// The outcome.
    pub outcome: CellOutcome,
    /// What the audit found wrong, by invariant.
    pub findings: Vec<Text>,
    /// Orders that were accepted while it went on.
    pub orders: u64,
    /// How long it took.
    pub seconds: f64,
    /// The command that tries this crash again.
    pub replay: String,
}

/// The outcome of a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellOutcome {
    /// The process died there, came back, and all invariants hold.
    Held,
    /// The process died there, and an invariant does not hold.
    Violated,
    /// The process never came to the point: nothing was shown.
    DidNotFire,
}

impl CrashMatrix {
    /// The worst of all cells. No cell at all is no evidence.
    pub fn verdict(&self) -> Verdict {
        let any = |outcome| self.cells.iter().any(|cell| cell.outcome == outcome);
        match () {
            () if any(CellOutcome::Violated) => Verdict::Violated,
            () if any(CellOutcome::DidNotFire) || self.cells.is_empty() => Verdict::NoEvidence,
            () => Verdict::Held,
        }
    }

    /// Points against drivers, and what went wrong.
    pub fn grid(&self) -> String {
        grid::draw(self)
    }
}

/// Tries all that is asked for. The processes write their logs to a new folder below `folder`.
pub async fn run(guard: &Guard, folder: &Path, options: &MatrixOptions) -> Result<CrashMatrix> {
    let logs = folder.join(Utc::now().format("%Y%m%dT%H%M%SZ").to_string());
    let points = faults::chosen_points(&options.points)?;
    let programs = binaries::ensure_built(&topology::programs(&options.drivers)).await?;
    let needs_broker = options.drivers.iter().any(|driver| driver.has_messages());
    let infra =
        Infrastructure::find(guard, &servers::ServerOptions { needs_broker, ..options.infra.clone() })
            .await?;
    let matrix = cells(guard, &infra, &programs, &logs, &points, options).await?;
    infra.stop().await?;
    Ok(matrix)
}

/// Tries all cells on running servers.
pub async fn on(
    guard: &Guard,
    infra: &Infrastructure,
    programs: &Path,
    logs: &Path,
    options: &MatrixOptions,
) -> Result<CrashMatrix> {
    cells(guard, infra, programs, logs, &faults::chosen_points(&options.points)?, options).await
}

async fn cells(
    guard: &Guard,
    infra: &Infrastructure,
    programs: &Path,
    logs: &Path,
    points: &[&'static Point],
    options: &MatrixOptions,
) -> Result<CrashMatrix> {
    let (started_at, began) = (Utc::now(), Instant::now());
    let setting = options.setting;
    let seeds = options.first_seed..options.first_seed + options.seeds;
    let plan = |driver: Driver| -> Vec<_> {
        let existing = points.iter().filter(move |point| !point.processes(driver).is_empty());
        existing.flat_map(|point| seeds.clone().map(move |seed| (*point, seed))).collect()
    };
    let steps: usize = options.drivers.iter().map(|driver| plan(*driver).len()).sum();
    if steps == 0 {
        bail!(words::no_point_in_drivers());
    }
    let progress = Progress::new(steps as u64);
    let lanes = options.drivers.iter().map(|driver| {
        let logs = logs.join(driver.to_string().replace(':', "-"));
        let (plan, progress) = (plan(*driver), &progress);
        async move {
            if plan.is_empty() {
                return Ok(Vec::new());
            }
            let programs = programs.to_owned();
            let lane = Lane { guard, infra, programs, logs, driver: *driver, setting, progress };
            lane.run(&plan).await.with_context(|| words::crashes_of(driver))
        }
    });
    let cells = try_join_all(lanes).await?.into_iter().flatten().collect();
    progress.finish();
    let seconds = seconds(began.elapsed());
    Ok(CrashMatrix { schema: SCHEMA.to_owned(), started_at, seconds, setting, cells })
}

/// With the precision that means something.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}
