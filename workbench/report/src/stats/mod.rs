//! Which figures are compared, and when a difference counts as one.
//!
//! Trial *i* of one mode is paired with trial *i* of the other, which ran next to it, so that changes of the machine
//! mostly cancel out. Ratios are averaged on the log scale, where twice and half are equally far from 1, and get a
//! Student-t interval.
//!
//! The interval is adjusted twice. First, many figures are compared at once, and some would look different by chance.
//! So each interval is widened (Bonferroni) until the chance of any false "different" in the whole run is 5 %. Second,
//! three trials show little of how much a figure varies: on their own they would have to differ tenfold. So an
//! assumption of how much it varies counts as well, like [`KNOWN_BEFORE`] more trials. This is a *moderated* t interval
//! (after G. Smyth, *Linear models and empirical Bayes methods*, 2004, with a prior that is fixed and not estimated).
//! Trials that vary more than usual still widen it.

mod figures;
mod student;

use std::fmt::Display;

use terminal::text::Text;

use crate::run::{Comparison, Difference, ModeRun, Trial};
use crate::words;

pub use figures::{FIGURES, Figure};
use student::student_t;

/// The chance per run that modes which do not differ are reported as different.
const FALSE_ALARMS: f64 = 0.05;

/// The degrees of freedom that the assumption counts for.
const KNOWN_BEFORE: usize = 4;

/// The smallest effect of interest: a ratio in this range never counts as a difference.
const TOO_SMALL_TO_MATTER: std::ops::RangeInclusive<f64> = 0.95..=1.05;

/// Compares every mode with the first, figure by figure.
pub fn compare(modes: &[ModeRun]) -> Vec<Comparison> {
    let Some((baseline, others)) = modes.split_first() else { return Vec::new() };
    let confidence = confidence(others.len());
    let baseline = Side { name: &baseline.label, trials: &baseline.trials };
    others
        .iter()
        .map(|other| Side { name: &other.label, trials: &other.trials })
        .flat_map(|other| FIGURES.iter().map(move |figure| compare_one(figure, baseline, other, confidence)))
        .collect()
}

/// The confidence of each interval if this many pairs of modes are compared by every figure.
pub(crate) fn confidence(pairs: usize) -> f64 {
    1.0 - FALSE_ALARMS / (FIGURES.len() * pairs.max(1)) as f64
}

/// One side of a comparison with its name.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) name: &'a dyn Display,
    pub(crate) trials: &'a [Trial],
}

/// Compares two sides by one figure.
pub(crate) fn compare_one(figure: &Figure, baseline: Side, other: Side, confidence: f64) -> Comparison {
    let log_ratios: Vec<f64> = baseline
        .trials
        .iter()
        .filter_map(|a| {
            // By number and not by position: a trial that is missing on one side must not shift the others.
            let b = other.trials.iter().find(|b| b.trial == a.trial)?;
            Some(usable((figure.value)(b))?.ln() - usable((figure.value)(a))?.ln())
        })
        .collect();
    let ratio = mean(&log_ratios).map(f64::exp).filter(|ratio| ratio.is_finite());
    let interval = log_interval(&log_ratios, figure.typical, confidence)
        .map(|(low, high)| (low.exp(), high.exp()))
        .filter(|(_, high)| high.is_finite());
    Comparison {
        figure: figure.name.to_owned(),
        better: figure.better,
        baseline: baseline.name.to_string(),
        other: other.name.to_string(),
        ratio,
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high),
        verdict: judge(ratio, interval),
        sentence: sentence(figure, baseline.name, other.name, ratio, interval),
    }
}

/// A figure that can be part of a ratio: present, finite and above zero.
fn usable(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value > 0.0)
}

fn judge(ratio: Option<f64>, interval: Option<(f64, f64)>) -> Difference {
    match (ratio, interval) {
        (Some(ratio), Some((low, high)))
            if (high < 1.0 || low > 1.0) && !TOO_SMALL_TO_MATTER.contains(&ratio) =>
        {
            Difference::Different
        }
        _ => Difference::NotShown,
    }
}

fn sentence(
    figure: &Figure,
    baseline: &dyn Display,
    other: &dyn Display,
    ratio: Option<f64>,
    interval: Option<(f64, f64)>,
) -> Text {
    let name = || Text::of(figure.title);
    let Some(ratio) = ratio else { return words::no_pair(name(), other, baseline) };
    let seen = times(ratio);
    let Some((low, high)) = interval else { return words::one_pair(name(), other, baseline, seen) };
    let range = range(low, high);
    if judge(Some(ratio), interval) == Difference::Different {
        let sentence = (figure.differs)(other, seen.trim_end_matches('×'), baseline);
        return words::with_range(sentence, range);
    }
    let sentence = words::not_shown(name(), other, baseline, seen, range);
    if !TOO_SMALL_TO_MATTER.contains(&ratio) {
        words::too_varied(sentence)
    } else if high < 1.0 || low > 1.0 {
        words::too_small(sentence)
    } else {
        sentence
    }
}

/// An interval of ratios for people: `0.40–0.60×`.
pub fn range(low: f64, high: f64) -> String {
    format!("{}–{}", times(low).trim_end_matches('×'), times(high))
}

/// A ratio for people: `0.42×`, `12.3×`.
pub fn times(ratio: f64) -> String {
    match ratio {
        r if r < 0.001 => "<0.001×".to_owned(),
        r if r < 0.1 => format!("{r:.3}×"),
        r if r < 10.0 => format!("{r:.2}×"),
        r if r < 100.0 => format!("{r:.1}×"),
        r if r <= 1000.0 => format!("{r:.0}×"),
        _ => ">1000×".to_owned(),
    }
}

/// Median and extremes of a figure over the trials.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// The middle value, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

/// The spread of the values that are present and finite; `None` if there are none.
pub fn spread(values: impl IntoIterator<Item = Option<f64>>) -> Option<Spread> {
    let mut sorted: Vec<f64> = values.into_iter().flatten().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    let middle = sorted.len() / 2;
    let median =
        if sorted.len() % 2 == 1 { sorted[middle] } else { sorted[middle - 1].midpoint(sorted[middle]) };
    Some(Spread { median, min, max })
}

/// The mean of ratios on the log scale, with its interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RatioInterval {
    /// The geometric mean: 1 means no difference, 2 twice as much.
    pub mean: f64,
    /// The lower end of the interval, as a ratio.
    pub low: f64,
    /// The upper end of the interval, as a ratio.
    pub high: f64,
}

/// The interval of some ratios, which are assumed to vary by `typical`; `None` for fewer than two.
pub fn ratio_interval(ratios: &[f64], typical: f64, confidence: f64) -> Option<RatioInterval> {
    let logs: Option<Vec<f64>> = ratios.iter().map(|ratio| Some(usable(Some(*ratio))?.ln())).collect();
    let logs = logs?;
    let (low, high) = log_interval(&logs, typical, confidence)?;
    Some(RatioInterval { mean: mean(&logs)?.exp(), low: low.exp(), high: high.exp() })
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The moderated Student-t interval of the mean; `None` for fewer than two values.
fn log_interval(values: &[f64], typical: f64, confidence: f64) -> Option<(f64, f64)> {
    let mean = mean(values)?;
    let freedom = values.len() - 1;
    if freedom == 0 {
        return None;
    }
    let seen: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let known = KNOWN_BEFORE as f64 * typical.powi(2);
    let variance = (seen + known) / (freedom + KNOWN_BEFORE) as f64;
    let half_width = student_t(confidence, freedom + KNOWN_BEFORE) * (variance / values.len() as f64).sqrt();
    Some((mean - half_width, mean + half_width))
}

/// The smallest of the sorted values that at least this share of them does not exceed; `None` if there are none. Exact,
/// without a histogram: there are only thousands of values.
pub fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sure_but_small_difference_is_not_called_different() {
        assert_eq!(judge(Some(1.03), Some((1.02, 1.04))), Difference::NotShown);
        assert_eq!(judge(Some(1.30), Some((1.20, 1.40))), Difference::Different);
        assert_eq!(judge(Some(0.50), Some((0.40, 0.60))), Difference::Different);
        assert_eq!(judge(Some(2.00), Some((0.90, 4.40))), Difference::NotShown);
        assert_eq!(judge(Some(2.00), None), Difference::NotShown);
        assert_eq!(judge(None, None), Difference::NotShown);
    }

    #[test]
    fn three_trials_can_show_a_difference_and_trials_that_vary_cannot() {
        let interval = |ratios: [f64; 3]| log_interval(&ratios.map(f64::ln), 0.1, 0.995).unwrap();
        let (low, high) = interval([2.0, 2.1, 1.9]);
        assert!(low.exp() > 1.5 && high.exp() < 2.8, "{} {}", low.exp(), high.exp());
        assert!(interval([2.0, 8.0, 0.5]).0 < 0.0);
        assert!(interval([1.0, 1.0, 1.0]).0 < 0.0, "equal by luck is not equal for sure");
    }

    #[test]
    fn ratios_have_an_interval_around_their_geometric_mean() {
        let RatioInterval { mean, low, high } = ratio_interval(&[0.5, 2.0, 1.0], 0.05, 0.95).unwrap();
        assert!((mean - 1.0).abs() < 1e-9 && low < 1.0 && high > 1.0, "{mean} {low} {high}");
        assert_eq!(ratio_interval(&[1.0], 0.05, 0.95), None, "one ratio cannot vary");
        assert_eq!(ratio_interval(&[1.0, 0.0], 0.05, 0.95), None, "nothing was decided in one of them");
    }

    #[test]
    fn a_spread_skips_what_is_missing() {
        let values = [Some(4.0), None, Some(1.0), Some(f64::NAN), Some(3.0), Some(2.0)];
        assert_eq!(spread(values), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(spread([None]), None);
    }

    #[test]
    fn percentiles() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&sorted, 0.5), percentile(&sorted, 0.99)), (Some(50.0), Some(99.0)));
        assert_eq!((percentile(&sorted, 1.0), percentile(&[], 0.5)), (Some(100.0), None));
        assert_eq!(percentile(&[7.0], 0.01), Some(7.0));
    }
}
