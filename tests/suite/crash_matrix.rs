//! Every crash point of every driver, once. `cleave crash-matrix` does the same with more seeds.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use experiments::crash_matrix::{self, Options};
use faults::POINTS;
use tests::{DRIVERS, Stage};

use audit::Verdict;

use crate::docs;

pub async fn every_point_of_every_driver(stage: &Stage) -> Result<Option<String>> {
    let _alone = stage.alone().await;
    let options = Options {
        points: Vec::new(),
        drivers: DRIVERS.to_vec(),
        seeds: 1,
        first_seed: 1,
        infra: servers::Options::default(),
    };
    let logs = tempfile::tempdir()?;
    let (guard, programs) = (stage.guard().await?, stage.programs().await?);
    let matrix =
        crash_matrix::on(guard, stage.infrastructure().await?, programs, logs.path(), &options).await?;
    ensure!(matrix.verdict() == Verdict::Held, "{}", matrix.grid());
    docs::fits(&serde_json::to_value(&matrix)?, "crash-matrix.schema.json")?;
    Ok(None)
}

/// The workbench knows the points by name only.
pub fn the_workbench_knows_every_point() -> Result<()> {
    use clap::ValueEnum;
    let of_the_programs: BTreeSet<String> =
        platform::CrashPoint::value_variants().iter().map(|point| point.name()).collect();
    let of_the_workbench: BTreeSet<String> = POINTS.iter().map(|point| point.name.to_owned()).collect();
    ensure!(of_the_programs == of_the_workbench, "{of_the_programs:?}\n{of_the_workbench:?}");
    Ok(())
}
