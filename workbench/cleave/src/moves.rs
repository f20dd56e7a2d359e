//! `cleave extract` and `cleave merge`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::words;
use control::{Move, MoveDone, served};
use shop::moving::{Plan, Step};
use terminal::output;

#[derive(Debug, Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    #[serde(flatten)]
    done: &'a T,
}

/// Prints what a move of this module would take.
pub async fn plan(folder: &Path, module: String, json: Option<&str>) -> Result<()> {
    let plan: Plan = control::client(folder)?.get(&format!("/move?module={module}")).await?;
    if let Some(target) = json {
        return output::json(target, &Document { schema: "cleave.move-plan/1", done: &plan });
    }
    let Plan { module, from, to, rows, bytes, messages, databases, transactions } = plan;
    let megabytes = format!("{:.1}", bytes as f64 / 1e6);
    terminal::say!("{}", words::would_move(&module, from, to));
    terminal::say!("{}", words::would_copy(rows, megabytes));
    terminal::say!("{}", words::would_cost(messages[0], messages[1], transactions[0], transactions[1]));
    terminal::say!("{}", words::would_be_inconsistent(databases[0], databases[1]));
    terminal::say!("{}", words::would_block());
    Ok(())
}

/// Moves a module, and prints the steps.
pub async fn run(
    folder: &Path,
    module: String,
    leaves: bool,
    parallel_run: Duration,
    json: Option<&str>,
) -> Result<()> {
    let compare_ms = u64::try_from(parallel_run.as_millis()).unwrap_or(u64::MAX);
    terminal::note!("{}", words::moving(&module));
    let asked = Move { module, leaves, compare_ms };
    let done: MoveDone = control::client(folder)?.post("/move", &asked).await?;
    if let Some(target) = json {
        return output::json(target, &Document { schema: "cleave.move/1", done: &done });
    }
    let MoveDone { moved, served } = done;
    for step in &moved.steps {
        let what = match step.step {
            Step::Prepare => words::move_prepare(),
            Step::Copy => words::move_copy(),
            Step::Compare => words::move_compare(moved.compared.same, moved.compared.different),
            Step::CutOver => words::move_cut_over(format!("{:.0}", moved.pause_ms.unwrap_or_default())),
            Step::Watch => words::move_watch(),
        };
        terminal::say!("{:>8} ms  {what}", step.took_ms.round());
    }
    terminal::say!("{}", words::has_moved(&moved.module, moved.from, moved.to));
    terminal::say!("{}", served::told(served.as_ref()));
    Ok(())
}
