//! The comparison finds the differences that exist, and no others.

use report::run::{Better, Comparison, Difference};
use report::stats::{FIGURES, compare};
use topology::Driver;

use crate::sample::{Noise, mode};

fn compared(slowness: f64, trials: u64, seed: u64) -> Vec<Comparison> {
    let mut noise = Noise::new(seed);
    let baseline = mode(Driver::Local, "monolith:local", 1.0, trials, &mut noise);
    let other = mode(Driver::Orchestrated, "split:orchestrated", slowness, trials, &mut noise);
    compare(&[baseline, other])
}

fn is_different(comparison: &Comparison) -> bool {
    comparison.verdict == Difference::Different
}

/// With ten figures, at most one run in twenty may report a false difference. Over 1,000 runs, chance moves the count
/// by two points.
#[test]
fn a_mode_against_itself_is_seldom_called_different() {
    for trials in [2, 3, 5] {
        let runs = (0..1000).filter(|seed| compared(1.0, trials, *seed).iter().any(is_different)).count();
        assert!(runs <= 65, "{runs} of 1,000 runs of {trials} trials show a difference that is not there");
    }
}

#[test]
fn a_factor_of_two_is_found_in_five_noisy_trials() {
    let found = (0..200)
        .flat_map(|seed| compared(2.0, 5, seed))
        .filter(|comparison| {
            let right_way = match comparison.better {
                Better::Higher => comparison.ratio < Some(1.0),
                Better::Lower => comparison.ratio > Some(1.0),
            };
            is_different(comparison) && right_way
        })
        .count();
    let all = 200 * FIGURES.len();
    assert!(found * 10 >= all * 9, "only {found} of {all} differences were found");
}

/// Three trials are the default, so three must be enough for a difference that everyone would see.
#[test]
fn a_factor_of_three_in_cost_is_found_in_three_noisy_trials() {
    let costs = ["CPU per order", "WAL per order", "transactions per order", "peak memory", "throughput"];
    let compared = (0..200).flat_map(|seed| compared(3.0, 3, seed));
    let (found, missed): (Vec<_>, Vec<_>) =
        compared.filter(|comparison| costs.contains(&comparison.figure.as_str())).partition(is_different);
    assert!(missed.len() * 20 <= found.len(), "{} missed, {} found", missed.len(), found.len());
}

#[test]
fn one_trial_shows_nothing() {
    for comparison in compared(10.0, 1, 7) {
        assert_eq!((comparison.low, comparison.high), (None, None));
        assert!(comparison.ratio.is_some());
        assert!(!is_different(&comparison), "{}", comparison.sentence);
        assert!(comparison.sentence.english().contains("one pair of trials"), "{}", comparison.sentence);
    }
}

#[test]
fn missing_and_impossible_figures_make_no_ratio_and_no_nan() {
    let mut noise = Noise::new(3);
    let baseline = mode(Driver::Local, "monolith:local", 1.0, 3, &mut noise);
    let mut other = mode(Driver::Orchestrated, "split:orchestrated", 2.0, 3, &mut noise);
    for (trial, throughput) in other.trials.iter_mut().zip([0.0, f64::NAN, f64::INFINITY]) {
        trial.throughput_per_s = throughput;
        trial.answered_ms = None;
        trial.cost_per_1000_orders.cpu_s = None;
    }
    let comparisons = compare(&[baseline, other]);
    for figure in ["throughput", "answered p50", "CPU per order"] {
        let comparison = comparisons.iter().find(|c| c.figure == figure).expect("every figure is listed");
        assert_eq!((comparison.ratio, comparison.low, comparison.high), (None, None, None));
        assert!(comparison.sentence.english().contains("no ratio"), "{}", comparison.sentence);
    }
    assert!(!serde_json::to_string(&comparisons).expect("JSON").contains("NaN"));
}

/// The third trial of the baseline is missing; the first two must still be paired correctly.
#[test]
fn trials_are_paired_by_number() {
    let mut noise = Noise::new(5);
    let mut baseline = mode(Driver::Local, "monolith:local", 1.0, 3, &mut noise);
    let mut other = baseline.clone();
    baseline.trials.remove(0);
    other.trials.reverse();
    for comparison in compare(&[baseline, other]) {
        let ratio = comparison.ratio.expect("two pairs");
        assert!((ratio - 1.0).abs() < 1e-9, "{} of a trial with itself is {ratio}", comparison.figure);
    }
}

#[test]
fn a_sentence_names_both_shops_and_the_ratio() {
    let comparison = compared(6.0, 5, 11).into_iter().find(|c| c.figure == "decided p50").expect("listed");
    let sentence = comparison.sentence.english();
    assert!(sentence.starts_with("split:orchestrated decides the median order in "), "{sentence}");
    assert!(sentence.contains("× the time of monolith:local ("), "{sentence}");
}
