//! The command line of `cleave crash-matrix` and `cleave flaws`.

use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::values::{Json, ServerArgs, driver, flaw, number, whole};
use super::{HELD, VIOLATED, exit_status};
use experiments::crash_matrix::Setting;
use experiments::{crash_matrix, flaws};
use servers::guard::Guard;
use terminal::output;
use topology::Driver;

#[derive(Debug, Args)]
pub(super) struct CrashMatrix {
    /// Crash points; by default all.
    #[arg(long, value_delimiter = ',', value_name = "POINT")]
    points: Vec<String>,
    /// Drivers; by default all that are meant to be correct.
    #[arg(long, value_delimiter = ',', default_values_t = Driver::CHECKED, value_parser = driver)]
    drivers: Vec<Driver>,
    /// Attempts per point and driver, each with another process, pass and orders.
    #[arg(long, default_value_t = 3, value_parser = whole(1..=1_000))]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 1, value_parser = number)]
    seed: u64,
    /// Instances of each service and of the monolith; one of them dies, and the others do its work.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(1..=4))]
    instances: u64,
    /// Delay every database response by 20 ms on average.
    #[arg(long)]
    slow_database: bool,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Flaws {
    #[command(subcommand)]
    show: Option<ShowFlaws>,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Subcommand)]
enum ShowFlaws {
    /// Run the same on a shop without and with a flaw, and show both audits side by side.
    Show {
        /// Flaws, one after another.
        #[arg(required = true, value_name = "FLAW", value_parser = flaw)]
        names: Vec<String>,
        #[command(flatten)]
        servers: ServerArgs,
        #[command(flatten)]
        json: Json,
    },
}

pub(super) async fn crash_matrix(arguments: CrashMatrix, folder: &Path) -> Result<u8> {
    let CrashMatrix { points, drivers, seeds, seed, instances, slow_database, servers, json } = arguments;
    let Json { json } = json;
    let setting = Setting {
        instances: instances as usize,
        database_delay_ms: if slow_database { Setting::SLOW_MS } else { 0 },
    };
    let infra = servers.options();
    let options = crash_matrix::MatrixOptions { points, drivers, seeds, first_seed: seed, setting, infra };
    let matrix = crash_matrix::run(&Guard::start()?, &folder.join("crash-matrix"), &options).await?;
    output::figures(json.as_deref(), matrix.grid(), &matrix)?;
    Ok(exit_status(matrix.verdict()))
}

pub(super) async fn flaws(arguments: Flaws, folder: &Path) -> Result<u8> {
    let Some(ShowFlaws::Show { names, servers, json: Json { json } }) = arguments.show else {
        match arguments.json.json.as_deref() {
            Some(target) => output::json(target, &flaws::Document::of_all())?,
            None => terminal::say!("{}", flaws::list()),
        }
        return Ok(HELD);
    };
    let silent = json.as_deref() == Some("-");
    let guard = Guard::start()?;
    let document = flaws::show(&guard, &folder.join("flaws"), &names, &servers.options(), silent).await?;
    if let Some(target) = json.as_deref() {
        output::json(target, &document)?;
    }
    Ok(if document.all_caught() { HELD } else { VIOLATED })
}
