//! Every crash point, in one of its drivers or in all of them. `cleave crash-matrix` does the same with more
//! seeds.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use audit::Verdict;
use experiments::crash_matrix::{self, MatrixOptions, Setting};
use faults::POINTS;
use futures_util::future::try_join_all;
use tests::{DRIVERS, Driver, Stage};

use crate::docs;

/// Each point in only one driver: the one with the fewest points so far. So every point and every driver is
/// tried, but not every combination.
pub async fn a_sample_of_all_points(stage: &Stage) -> Result<Option<String>> {
    let mut sample = DRIVERS.map(|driver| (driver, Vec::new()));
    for point in POINTS {
        let has_it = sample.iter_mut().filter(|(driver, _)| !point.processes(*driver).is_empty());
        let (_, points) =
            has_it.min_by_key(|(_, points)| points.len()).context("every point has a driver")?;
        points.push(point.name.to_owned());
    }
    ensure!(sample.iter().all(|(_, points)| !points.is_empty()), "a driver is left out: {sample:?}");
    let parts = sample.map(|(driver, points)| hold(stage, points, vec![driver], Setting::PLAIN));
    try_join_all(parts).await?;
    Ok(None)
}

/// One crash per driver, at points where another instance must finish what the dead one had begun: a message from the
/// queue, a message to relay, an answer to store, a decision.
pub async fn a_sample_with_two_instances(stage: &Stage) -> Result<Option<String>> {
    each(stage, TWO_INSTANCES).await
}

/// The same points, where a process now dies in the middle of something slow.
pub async fn a_sample_with_a_slow_database(stage: &Stage) -> Result<Option<String>> {
    each(stage, SLOW_DATABASE).await
}

const TWO_INSTANCES: Setting = Setting { instances: 2, ..Setting::PLAIN };
const SLOW_DATABASE: Setting = Setting { database_delay_ms: Setting::SLOW_MS, ..Setting::PLAIN };

/// For the samples: a point for each driver, at which something is left to finish.
pub const OF_EACH: [(Driver, &str); 7] = [
    (Driver::Local, "before-commit"),
    (Driver::TwoPhase, "after-decision"),
    (Driver::Orchestrated, "after-saga-save"),
    (Driver::Choreographed, "after-confirm"),
    (Driver::Tcc, "after-inbox-row"),
    (Driver::HYBRIDS[0], "before-saga-advance"),
    (Driver::HYBRIDS[2], "after-outbox-write"),
];

async fn each(stage: &Stage, setting: Setting) -> Result<Option<String>> {
    let parts = OF_EACH.map(|(driver, point)| hold(stage, vec![point.to_owned()], vec![driver], setting));
    try_join_all(parts).await?;
    Ok(None)
}

pub async fn every_point_of_every_driver(stage: &Stage) -> Result<Option<String>> {
    hold(stage, Vec::new(), DRIVERS.to_vec(), Setting::PLAIN).await?;
    Ok(None)
}

pub async fn every_point_with_two_instances(stage: &Stage) -> Result<Option<String>> {
    hold(stage, Vec::new(), DRIVERS.to_vec(), TWO_INSTANCES).await?;
    Ok(None)
}

pub async fn every_point_with_a_slow_database(stage: &Stage) -> Result<Option<String>> {
    hold(stage, Vec::new(), DRIVERS.to_vec(), SLOW_DATABASE).await?;
    Ok(None)
}

/// All invariants hold after a crash at each of these points in each of these drivers.
async fn hold(stage: &Stage, points: Vec<String>, drivers: Vec<Driver>, setting: Setting) -> Result<()> {
    let infra = servers::ServerOptions::default();
    let options = MatrixOptions { points, drivers, seeds: 1, first_seed: 1, setting, infra };
    let logs = tempfile::tempdir()?;
    let (guard, programs) = (stage.guard().await?, stage.programs().await?);
    let matrix =
        crash_matrix::on(guard, stage.infrastructure().await?, programs, logs.path(), &options).await?;
    ensure!(matrix.verdict() == Verdict::Held, "{}", matrix.grid());
    let document = serde_json::to_value(&matrix)?;
    let told = (&document["instances"], &document["database_delay_ms"]);
    ensure!(told == (&setting.instances.into(), &setting.database_delay_ms.into()), "{document}");
    docs::fits(&document, "crash-matrix.schema.json")
}

/// The workbench has its own list of names, which must match the programs'.
pub fn the_workbench_knows_every_point() -> Result<()> {
    use clap::ValueEnum;
    let of_the_programs: BTreeSet<String> =
        platform::CrashPoint::value_variants().iter().map(|point| point.name()).collect();
    let of_the_workbench: BTreeSet<String> = POINTS.iter().map(|point| point.name.to_owned()).collect();
    ensure!(of_the_programs == of_the_workbench, "{of_the_programs:?}\n{of_the_workbench:?}");
    Ok(())
}
