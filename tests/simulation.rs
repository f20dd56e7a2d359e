//! A short run of the simulation. `cargo run --release -p tests --bin simulate` runs a hundred times as many
//! schedules.

use std::collections::BTreeSet;
use std::process::Command;

use platform::Flaw;
use tests::simulation::{Campaign, Case, Protocol, SAMPLE, SIMULATED, Summary, shrink};

const PROTOCOLS: [Protocol; 4] =
    [Protocol::Orchestrated, Protocol::Hybrid, Protocol::Choreographed, Protocol::Tcc];

fn campaign(flaw: Option<Flaw>, schedules: u64) -> Summary {
    Campaign { protocols: PROTOCOLS.to_vec(), flaw, first: 1, schedules }.run(|_| ())
}

/// No schedule violates an invariant, and each kind of disturbance happened often enough to mean something.
#[test]
fn no_schedule_violates_an_invariant() {
    let summary = campaign(None, SAMPLE);
    let commands: Vec<String> = summary.failed.iter().map(|case| shrink(case).command()).collect();
    assert!(commands.is_empty(), "these schedules violate an invariant:\n{}", commands.join("\n"));
    assert_eq!(summary.tallies.len(), PROTOCOLS.len());
    for (protocol, tally) in &summary.tallies {
        let coordinated = protocol != "choreographed";
        for (what, count) in tally.counts() {
            // Only a coordinator asks again. Only a command that was asked again can be overtaken, or granted
            // after a refusal.
            let needs_coordinator = ["asked again", "overtaken", "no, then yes", "withdrawn"].contains(&what);
            let rare = what == "overtaken" && ["orchestrated", "hybrid"].contains(&protocol.as_str());
            assert!(
                count > 0 || rare || (needs_coordinator && !coordinated),
                "{protocol}: {what} never happened"
            );
        }
        let outcomes: BTreeSet<&str> = tally.outcomes.keys().copied().collect();
        for outcome in
            ["confirmed", "insufficient_funds", "out_of_stock", "price_changed", "region_not_served"]
        {
            assert!(outcomes.contains(outcome), "{protocol}: no order ended {outcome}");
        }
    }
}

/// The seed alone determines the history, on any machine and with any number of threads.
#[test]
fn the_same_seed_gives_the_same_history() {
    let (first, second) = (campaign(None, 600), campaign(None, 600));
    assert_eq!(first.fingerprint, second.fingerprint);
    let other = Campaign { protocols: PROTOCOLS.to_vec(), flaw: None, first: 2, schedules: 600 }.run(|_| ());
    assert_ne!(first.fingerprint, other.fingerprint);

    for protocol in PROTOCOLS {
        let case = Case::new(protocol, None, 7);
        let told = case.run(true);
        assert!(!told.lines.is_empty());
        assert_eq!(told.hash, case.run(false).hash, "with and without lines");
        let replayed = Case { choices: Some(told.choices.clone()), ..case }.run(true);
        assert_eq!(replayed.lines, told.lines, "the choices determine the schedule");
    }
}

/// For each rule that can be left out, some schedule violates an invariant. The tombstone is a switch of the
/// whole process, so it is tested in a process of its own below.
#[test]
fn a_rule_that_is_left_out_is_missed() {
    for flaw in SIMULATED.into_iter().filter(|flaw| *flaw != Flaw::NoTombstone) {
        let mut cases =
            (1..3000).flat_map(|seed| PROTOCOLS.map(|protocol| Case::new(protocol, Some(flaw), seed)));
        assert!(
            cases.any(|case| case.run(false).violation.is_some()),
            "no schedule fails with the flaw {}",
            flaw.name()
        );
    }
}

/// A failing schedule is shrunk, and the command printed for it reproduces the failure.
#[test]
fn a_failure_is_cut_down_and_told() {
    let simulate = |arguments: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_simulate")).args(arguments.split(' ')).output();
        let output = output.expect("simulate can be run");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, said) = simulate("--flaw no-tombstone --schedules 3000");
    assert_eq!(code, Some(1), "{said}");
    let printed = |start: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(start));
        line.and_then(|line| line.split_once(" -- "))
            .unwrap_or_else(|| panic!("{start} is missing: {said}"))
            .1
    };
    let (code, small) = simulate(printed("again: "));
    assert_eq!(code, Some(1), "{small}");
    let (code, whole) = simulate(printed("as it was found: "));
    assert_eq!(code, Some(1), "{whole}");
    let violated =
        |told: &str| told.lines().find_map(|line| Some(line.split_once(" violated")?.0.to_owned()));
    assert!(violated(&small).is_some() && violated(&small) == violated(&whole), "{small}");
    assert!(small.lines().count() < whole.lines().count(), "{small}");
    assert_eq!(simulate("--flaw requeue-at-once").0, Some(2), "a flaw that cannot be simulated");
}
