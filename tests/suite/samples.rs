//! What takes too long for every run: the fixed sample of it that runs every time, and what runs it in full.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use faults::POINTS;

use crate::docs::checkout;
use crate::tidy::read;
use crate::times::Times;
use crate::{
    alone, alone_in_full, contention, crash_matrix, guides, in_every_world, in_full, on_stage, servers, soak,
};

/// What runs something in full.
enum Full {
    /// This case of the suite, on request.
    Case(&'static str),
    /// This task of Makefile.toml.
    Task(&'static str),
}

use Full::{Case, Task};

type Sample = (&'static str, String, &'static str, Full);

/// For each sample: what it is of, how much it covers, the case that runs it, and what runs all of it.
fn samples() -> Vec<Sample> {
    let mut samples = samples_of_the_shop();
    samples.extend(samples_of_texts());
    samples.extend(samples_of_long_runs());
    samples
}

fn samples_of_the_shop() -> Vec<Sample> {
    let one_per_driver =
        crash_matrix::OF_EACH.map(|(driver, point)| format!("{point} in {driver}")).join(", ");
    vec![
        (
            "crash points",
            format!("each of the {} in one driver", POINTS.len()),
            "crash_matrix::a_sample_of_all_points",
            Case("crash_matrix::every_point_of_every_driver"),
        ),
        (
            "crash points with three seeds",
            format!("each of the {} in one driver, with one seed", POINTS.len()),
            "crash_matrix::a_sample_of_all_points",
            Task("prove-matrix"),
        ),
        (
            "crash points with a second instance",
            one_per_driver.clone(),
            "crash_matrix::a_sample_with_two_instances",
            Case("crash_matrix::every_point_with_two_instances"),
        ),
        (
            "crash points with a slow database",
            one_per_driver,
            "crash_matrix::a_sample_with_a_slow_database",
            Case("crash_matrix::every_point_with_a_slow_database"),
        ),
        (
            "deadlocks",
            "every two writers of a table, without a whole shop".into(),
            "deadlocks::no_two_writers_wait_in_a_circle",
            Case("deadlocks::a_minute_of_orders_and_receipts"),
        ),
        (
            "crashes of the broker",
            format!("{} of {}", servers::CRASHES, servers::CRASHES_IN_FULL),
            "servers::the_broker_three_times",
            Case("servers::the_broker_ten_times"),
        ),
        (
            "500 buyers of one unit",
            format!("{} of {} rounds in each driver", contention::ROUNDS, contention::ROUNDS_IN_FULL),
            "contention::one_unit_and_five_hundred_buyers",
            Case("contention::one_unit_and_five_hundred_buyers_in_full"),
        ),
    ]
}

fn samples_of_texts() -> Vec<Sample> {
    vec![
        (
            "commands of the guides",
            guides::SAMPLE.join(", "),
            "guides::the_first_ones_work_when_pasted",
            Case("guides::all_others_work_when_pasted"),
        ),
        (
            "commands of the drivers' guides",
            format!("none; the same reader runs {}", guides::SAMPLE.join(", ")),
            "guides::the_first_ones_work_when_pasted",
            Case("guides::those_of_the_drivers_work_when_pasted"),
        ),
        (
            "examples in the help",
            format!("none; the same reader runs {}", guides::SAMPLE.join(", ")),
            "guides::the_first_ones_work_when_pasted",
            Case("examples::every_one_works_when_pasted"),
        ),
    ]
}

fn samples_of_long_runs() -> Vec<Sample> {
    vec![
        (
            "soak",
            format!("{} orders, {} faults", soak::ORDERS, soak::FAULTS),
            "soak::orders_live_through_faults_of_every_sort",
            Task("prove-soak"),
        ),
        (
            "model of two-phase commit",
            "one crash instead of two, no duplicates".into(),
            "two_phase_commit_holds_and_blocks",
            Task("prove-models"),
        ),
        (
            "model of the saga",
            "two participants instead of three".into(),
            "the_saga_holds_and_leaves_tombstones",
            Task("prove-models"),
        ),
        (
            "recovery from crashed servers",
            "each breakage once, in one driver".into(),
            "bench::of_recovery_is_as_described",
            Task("prove-ladders"),
        ),
        (
            "busy machine",
            "five seconds of one driver of each mode".into(),
            "bench::of_a_busy_machine_is_as_described",
            Task("prove-ladders"),
        ),
        (
            "simulation",
            format!("{} schedules", tests::simulation::SAMPLE),
            "no_schedule_violates_an_invariant",
            Task("simulate"),
        ),
    ]
}

/// Everything that only `cargo make prove` runs has a sample, and the list names what there is.
pub fn what_runs_in_full_has_a_sample() -> Result<()> {
    let (mut cases, mut tasks) = (BTreeSet::new(), BTreeSet::from(["prove-suite"]));
    let worlds = in_every_world().into_iter().map(|(name, _)| name);
    let every_time: BTreeSet<&str> =
        worlds.chain(on_stage().into_iter().chain(alone()).map(|(name, _)| name)).collect();
    let others = read(&checkout().join("tests/simulation.rs"))?
        + &read(&checkout().join("workbench/models/src/tests.rs"))?;
    let samples = samples();
    for (what, _, case, full) in &samples {
        let is_elsewhere = others.contains(&format!("#[test]\nfn {case}("));
        ensure!(every_time.contains(case) || is_elsewhere, "{what}: no run has the case {case}");
        match full {
            Case(name) => cases.insert(*name),
            Task(name) => tasks.insert(*name),
        };
    }
    let worlds = in_full().into_iter().map(|(name, _)| name);
    let ignored: BTreeSet<&str> = worlds.chain(alone_in_full().into_iter().map(|(name, _)| name)).collect();
    ensure!(cases == ignored, "samples.rs lists {cases:?}, but in full there are {ignored:?}");

    let makefile = read(&checkout().join("Makefile.toml"))?;
    let (_, prove) = makefile.split_once("[tasks.prove]").context("there is a task prove")?;
    let (_, needs) = prove.split_once("dependencies = [").context("prove runs other tasks")?;
    let needs = needs.split(']').next().unwrap_or_default().split(',');
    let needs: BTreeSet<&str> = needs.map(|task| task.trim().trim_matches('"')).collect();
    ensure!(tasks == needs, "samples.rs lists {tasks:?}, but prove runs {needs:?}");
    Ok(())
}

/// Prints the samples, if this run had one of their cases or the case above.
pub fn tell(times: &Times) {
    let samples = samples();
    if times.ran("what_runs_in_full_has_a_sample") || samples.iter().any(|(_, _, case, _)| times.ran(case)) {
        eprintln!("of these, only a fixed sample runs every time; `cargo make prove` runs all:");
        for (what, size, case, _) in samples {
            eprintln!("  {what}: {size} ({case})");
        }
    }
}
