//! The command line of `cleave diff`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::exit_status;
use super::values::Json;
use report::diff::{diff, render};
use report::run::Run;
use terminal::output;

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The baseline: the folder of a run of `cleave compare`, as .cleave/runs/latest, or its run.json.
    #[arg(value_name = "RUN")]
    first: PathBuf,
    /// The run to compare with it.
    #[arg(value_name = "RUN")]
    second: PathBuf,
    #[command(flatten)]
    json: Json,
}

pub(super) fn run(asked: &Diff) -> Result<u8> {
    let diff = diff(&Run::read(&asked.first)?, &Run::read(&asked.second)?);
    output::figures(asked.json.json.as_deref(), render(&diff, None), &diff)?;
    Ok(exit_status(diff.verdict))
}
