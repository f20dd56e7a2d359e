//! Runs simulated schedules: many of them, to find one that violates an invariant, or a single one, to read
//! it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use platform::Flaw;
use serde_json::json;
use tests::simulation::{Campaign, Case, Protocol, SIMULATED, Summary, shrink};

/// Simulates the split shop and hybrids in memory, with the real modules and sagas. The network delays, duplicates,
/// reorders and loses messages, and services crash.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Cli {
    /// Run this many schedules, over all protocols. Without it, one schedule is run and printed.
    #[arg(long, value_name = "NUMBER")]
    schedules: Option<u64>,
    /// Run only this protocol. For a single schedule the default is orchestrated.
    #[arg(long)]
    protocol: Option<Protocol>,
    /// The seed, or the first of several.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// BROKEN ON PURPOSE: leave this rule out.
    #[arg(long)]
    flaw: Option<Flaw>,
    /// Errands to leave out, by number.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', conflicts_with = "schedules")]
    without: Vec<usize>,
    /// The schedule to run instead of the seed's own.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', conflicts_with = "schedules")]
    choices: Vec<u32>,
    /// Write a machine-readable summary to this file.
    #[arg(long, value_name = "FILE", requires = "schedules")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(flaw) = cli.flaw {
        if !SIMULATED.contains(&flaw) {
            let known = SIMULATED.map(Flaw::name).join(", ");
            eprintln!("{} cannot be simulated in memory; these flaws can: {known}", flaw.name());
            return ExitCode::from(2);
        }
        println!("BROKEN ON PURPOSE: {}", flaw.name());
        if flaw == Flaw::NoTombstone {
            platform::flaw::switch_on(&[flaw]);
        }
    }
    match cli.schedules {
        Some(schedules) => many(&cli, schedules),
        None => one(&cli),
    }
}

/// Runs one schedule and prints it.
fn one(cli: &Cli) -> ExitCode {
    let case = Case {
        protocol: cli.protocol.unwrap_or(Protocol::Orchestrated),
        flaw: cli.flaw,
        seed: cli.seed,
        without: cli.without.iter().copied().collect::<BTreeSet<_>>(),
        choices: (!cli.choices.is_empty()).then(|| cli.choices.clone()),
    };
    let run = case.run(true);
    for line in &run.lines {
        println!("{line}");
    }
    println!("history {:016x}, {} steps", run.hash, run.tally.steps);
    if run.violation.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs many schedules and prints the totals. For the first that fails it prints the shortest version and the
/// command that reproduces it.
fn many(cli: &Cli, schedules: u64) -> ExitCode {
    let protocols = match cli.protocol {
        Some(protocol) => vec![protocol],
        None => vec![Protocol::Orchestrated, Protocol::Hybrid, Protocol::Choreographed, Protocol::Tcc],
    };
    let campaign = Campaign { protocols, flaw: cli.flaw, first: cli.seed, schedules };
    let begun = Instant::now();
    let tenth = (schedules / 10).max(1);
    let summary = campaign.run(|done| {
        if done / tenth > done.saturating_sub(250) / tenth {
            eprintln!("{done} of {schedules} schedules, {:.0} s", begun.elapsed().as_secs_f64());
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    print_summary(&summary, seconds);
    if let Some(first) = summary.failed.first() {
        tell_failure(first);
    }
    if let Some(file) = &cli.json
        && let Err(error) = std::fs::write(file, to_json(&summary, seconds))
    {
        eprintln!("cannot write {}: {error}", file.display());
        return ExitCode::from(2);
    }
    if summary.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_summary(summary: &Summary, seconds: f64) {
    let total = summary.total();
    for (name, count) in total.counts() {
        print!("{name:>16} {count:>10}");
        for (protocol, tally) in &summary.tallies {
            let of = tally.counts().into_iter().find(|(other, _)| *other == name);
            print!("   {protocol} {}", of.map_or(0, |(_, count)| count));
        }
        println!();
    }
    for (outcome, count) in &total.outcomes {
        println!("{outcome:>16} {count:>10}");
    }
    let speed = total.schedules as f64 / seconds;
    println!("{:>16} {:>10}", "violations", summary.failed.len());
    println!("all histories {:016x}; {seconds:.1} s, {speed:.0} schedules per second", summary.fingerprint);
}

fn tell_failure(case: &Case) {
    println!("\nseed {} of {} fails; shrinking ...", case.seed, case.protocol.name());
    let small = shrink(case);
    for line in small.run(true).lines {
        println!("  {line}");
    }
    println!("again: {}", small.command());
    println!("as it was found: {}", case.command());
}

fn to_json(summary: &Summary, seconds: f64) -> String {
    let by_protocol: serde_json::Map<_, _> =
        summary.tallies.iter().map(|(protocol, tally)| (protocol.clone(), tally.to_json())).collect();
    let failed: Vec<String> = summary.failed.iter().map(|case| shrink(case).command()).collect();
    let value = json!({
        "total": summary.total().to_json(),
        "protocols": by_protocol,
        "histories": format!("{:016x}", summary.fingerprint),
        "seconds": seconds,
        "violations": failed,
    });
    format!("{value:#}\n")
}
