//! Two runs side by side.

use audit::Verdict;
use report::diff::{Diff, What, diff, render};
use report::run::{Difference, Run};
use serde_json::Value;

use crate::sample::monolith_and_split;

const SCHEMA: &str = include_str!("../../../../docs/diff.schema.json");

/// The driver and figure of every difference.
fn different(diff: &Diff) -> Vec<(&str, &str)> {
    let figures =
        diff.drivers.iter().flat_map(|driver| driver.figures.iter().map(move |figure| (driver, figure)));
    figures
        .filter(|(_, figure)| figure.comparison.verdict == Difference::Different)
        .map(|(driver, figure)| (driver.label.as_str(), figure.comparison.figure.as_str()))
        .collect()
}

/// The same run with every latency of one driver doubled.
fn slower(driver: usize) -> Run {
    let mut run = monolith_and_split();
    for trial in &mut run.modes[driver].trials {
        for latency in [&mut trial.answered_ms, &mut trial.decided_ms].into_iter().flatten() {
            for figure in [&mut latency.p50, &mut latency.p90, &mut latency.p99, &mut latency.max] {
                *figure *= 2.0;
            }
        }
    }
    run
}

#[test]
fn a_run_against_itself_shows_no_difference() {
    let run = monolith_and_split();
    let same = diff(&run, &run);
    assert_eq!(different(&same), []);
    assert_eq!(same.differs, []);
    assert_eq!((same.drivers.len(), same.verdict), (2, Verdict::Held));
    assert!(same.drivers.iter().flat_map(|driver| &driver.figures).all(|f| f.comparison.ratio == Some(1.0)));
    let shown = render(&same, Some(120));
    assert!(shown.contains("monolith:local: no difference shown"), "{shown}");
    assert!(shown.contains("are the same") && shown.contains("did not alternate"), "{shown}");
}

#[test]
fn doubled_latencies_are_shown_where_they_are_and_nowhere_else() {
    let found = diff(&monolith_and_split(), &slower(1));
    assert_eq!(
        different(&found),
        [("split:orchestrated", "answered p50"), ("split:orchestrated", "decided p50")],
        "a p99 varies too much for three trials to show a factor of two"
    );
    let shown = render(&found, Some(120));
    assert!(
        shown.contains("the second run answers the median order in 2.00× the time of the first run"),
        "{shown}"
    );
}

#[test]
fn what_differs_besides_is_said() {
    let first = monolith_and_split();
    let mut second = first.clone();
    second.machine.cores = 8;
    second.seed = 43;
    second.cleave_version = "0.2.0".to_owned();
    second.commit = None;
    second.flaws = vec!["no-outbox".to_owned()];
    second.load.duration_s = 5.0;
    second.load.mix.insert("confirmed".to_owned(), 1.0);
    second.servers.rabbitmq = None;
    second.modes[0].trials.truncate(1);
    second.modes[1].trials.truncate(1);
    second.modes[1].label = "split:tcc".to_owned();
    second.verdict = Verdict::Violated;
    let found = diff(&first, &second);
    let what: Vec<What> = found.differs.iter().map(|one| one.what).collect();
    let all = [
        What::Machine,
        What::Load,
        What::Mix,
        What::Seed,
        What::Version,
        What::Commit,
        What::Flaws,
        What::Servers,
        What::Trials,
    ];
    assert_eq!(what, all);
    assert_eq!((&found.only_in_first[..], &found.only_in_second[..]).0, ["split:orchestrated"]);
    assert_eq!(found.only_in_second, ["split:tcc"]);
    assert_eq!(found.verdict, Verdict::Violated);
    let ratio = found.drivers[0].figures[0].comparison.ratio;
    assert!(ratio.is_some(), "ratios of two machines are shown");
    let shown = render(&found, Some(120));
    for caution in [
        "8 cores",
        "as well as the programs",
        "different work",
        "fewer than two trials",
        "incorrect shop",
        "split:tcc: only in",
    ] {
        assert!(shown.contains(caution), "{caution} is missing from\n{shown}");
    }
}

#[test]
fn runs_with_nothing_in_common_are_still_answered() {
    let first = monolith_and_split();
    let mut second = first.clone();
    second.modes.clear();
    let found = diff(&first, &second);
    assert!(found.drivers.is_empty() && render(&found, Some(80)).contains("No driver is in both"));
}

#[test]
fn what_is_written_fits_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut second = slower(0);
    second.machine.cores = 8;
    second.modes[1].trials.iter_mut().for_each(|trial| trial.memory_mb.total = None);
    for diff in [diff(&monolith_and_split(), &second), diff(&second, &second)] {
        let value = serde_json::to_value(&diff).expect("JSON");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}
