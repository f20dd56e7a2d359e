//! What makes a comparison trustworthy: which figures are compared, and when a difference may be called one.
//!
//! Trial *i* of one mode is paired with trial *i* of the other, which ran next to it: the machine's own ups
//! and downs then mostly cancel. Ratios are averaged on the log scale, where twice and half are equally far
//! from one, and get a Student-t interval. Many figures are compared at once, and with twenty chances in a
//! hundred *something* would look different by luck; so each interval is widened (Bonferroni) until the
//! chance of any false "different" in the whole run is 5 %.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use crate::run::{Better, Comparison, Difference, ModeRun, Trial};

/// The chance, over a whole run, that modes which do not differ are called different.
const FALSE_ALARMS: f64 = 0.05;

/// The smallest effect of interest: a ratio in this range is no news, however sure.
const TOO_SMALL_TO_MATTER: std::ops::RangeInclusive<f64> = 0.95..=1.05;

/// A figure that modes are compared by.
pub struct Figure {
    /// Its name in tables.
    pub name: &'static str,
    /// The unit of its value; empty for a count.
    pub unit: &'static str,
    /// Which way is good.
    pub better: Better,
    /// Reads it from a trial; `None` where it was not measured.
    pub value: fn(&Trial) -> Option<f64>,
    /// The words of a sentence before and after the ratio: *split* spends *2.1×* the time of *monolith*.
    words: (&'static str, &'static str),
}

/// Every figure that is compared.
pub const FIGURES: [Figure; 10] = [
    Figure {
        name: "throughput",
        unit: "orders/s",
        better: Better::Higher,
        value: |trial| Some(trial.throughput_per_s),
        words: ("decides orders at", "the rate of"),
    },
    Figure {
        name: "answered p50",
        unit: "ms",
        better: Better::Lower,
        value: |trial| (trial.answered_ms.count > 0).then_some(trial.answered_ms.p50),
        words: ("answers the median order in", "the time of"),
    },
    Figure {
        name: "answered p99",
        unit: "ms",
        better: Better::Lower,
        value: |trial| (trial.answered_ms.count > 0).then_some(trial.answered_ms.p99),
        words: ("answers 99 of 100 orders within", "the time of"),
    },
    Figure {
        name: "decided p50",
        unit: "ms",
        better: Better::Lower,
        value: |trial| (trial.decided_ms.count > 0).then_some(trial.decided_ms.p50),
        words: ("decides the median order in", "the time of"),
    },
    Figure {
        name: "decided p99",
        unit: "ms",
        better: Better::Lower,
        value: |trial| (trial.decided_ms.count > 0).then_some(trial.decided_ms.p99),
        words: ("decides 99 of 100 orders within", "the time of"),
    },
    Figure {
        name: "CPU per order",
        unit: "ms",
        better: Better::Lower,
        // Seconds per 1,000 are milliseconds per one.
        value: |trial| trial.cost_per_1000_orders.cpu_s,
        words: ("spends", "the processor time per order of"),
    },
    Figure {
        name: "transactions per order",
        unit: "",
        better: Better::Lower,
        value: |trial| Some(trial.cost_per_1000_orders.db_transactions? / 1e3),
        words: ("runs", "the database transactions per order of"),
    },
    Figure {
        name: "WAL per order",
        unit: "kB",
        better: Better::Lower,
        value: |trial| Some(trial.cost_per_1000_orders.wal_bytes? / 1e6),
        words: ("writes", "the write-ahead log per order of"),
    },
    Figure {
        name: "peak memory",
        unit: "MB",
        better: Better::Lower,
        value: |trial| Some(trial.memory_mb.total),
        words: ("holds", "the memory of"),
    },
    Figure {
        name: "time to ready",
        unit: "ms",
        better: Better::Lower,
        value: |trial| Some(trial.ready_ms),
        words: ("is ready in", "the time of"),
    },
];

/// Compares every mode with the first, figure by figure.
pub fn compare(modes: &[ModeRun]) -> Vec<Comparison> {
    let Some((baseline, others)) = modes.split_first() else { return Vec::new() };
    let confidence = 1.0 - FALSE_ALARMS / (FIGURES.len() * others.len()) as f64;
    others
        .iter()
        .flat_map(|other| FIGURES.iter().map(move |figure| compare_one(figure, baseline, other, confidence)))
        .collect()
}

fn compare_one(figure: &Figure, baseline: &ModeRun, other: &ModeRun, confidence: f64) -> Comparison {
    let log_ratios: Vec<f64> = baseline
        .trials
        .iter()
        .filter_map(|a| {
            // By number and not by position: a trial that is missing on one side must not shift the rest.
            let b = other.trials.iter().find(|b| b.trial == a.trial)?;
            Some(usable((figure.value)(b))?.ln() - usable((figure.value)(a))?.ln())
        })
        .collect();
    let ratio = mean(&log_ratios).map(f64::exp).filter(|ratio| ratio.is_finite());
    let interval = log_interval(&log_ratios, confidence)
        .map(|(low, high)| (low.exp(), high.exp()))
        .filter(|(_, high)| high.is_finite());
    let verdict = judge(ratio, interval);
    Comparison {
        figure: figure.name.to_owned(),
        better: figure.better,
        baseline: baseline.label.clone(),
        other: other.label.clone(),
        ratio,
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high),
        verdict,
        sentence: sentence(figure, &baseline.label, &other.label, ratio, interval),
    }
}

/// A figure that a ratio can be made of: there, finite and above zero.
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
    baseline: &str,
    other: &str,
    ratio: Option<f64>,
    interval: Option<(f64, f64)>,
) -> String {
    let name = figure.name;
    let Some(ratio) = ratio else {
        return format!(
            "{name}: no trial has a figure for both {other} and {baseline}, so there is no ratio"
        );
    };
    let seen = times(ratio);
    let Some((low, high)) = interval else {
        return format!(
            "{name}: no difference shown between {other} and {baseline}; {seen} was seen, but one pair of trials \
             cannot tell a difference from chance"
        );
    };
    let range = format!("{}–{}", times(low).trim_end_matches('×'), times(high));
    if judge(Some(ratio), interval) == Difference::Different {
        let (before, after) = figure.words;
        return format!("{other} {before} {seen} {after} {baseline} ({range})");
    }
    let why = if !TOO_SMALL_TO_MATTER.contains(&ratio) {
        "; the trials vary too much to tell"
    } else if high < 1.0 || low > 1.0 {
        "; it is below 5 %, too small to matter"
    } else {
        ""
    };
    format!("{name}: no difference shown between {other} and {baseline} ({seen}, {range}){why}")
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

/// The median of some trials' figures, and their extremes.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// The middle value, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

/// The spread of the values that are there and finite; `None` if none is.
pub fn spread(values: impl IntoIterator<Item = Option<f64>>) -> Option<Spread> {
    let mut sorted: Vec<f64> = values.into_iter().flatten().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (&min, &max) = (sorted.first()?, sorted.last()?);
    let middle = sorted.len() / 2;
    let median =
        if sorted.len() % 2 == 1 { sorted[middle] } else { sorted[middle - 1].midpoint(sorted[middle]) };
    Some(Spread { median, min, max })
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The Student-t interval of the mean; `None` for fewer than two values.
fn log_interval(values: &[f64], confidence: f64) -> Option<(f64, f64)> {
    let mean = mean(values)?;
    let freedom = values.len() - 1;
    if freedom == 0 {
        return None;
    }
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / freedom as f64;
    let half_width = student_t(confidence, freedom) * (variance / values.len() as f64).sqrt();
    Some((mean - half_width, mean + half_width))
}

/// The `t` for which a Student-t variable of so many degrees of freedom lies in `-t..t` with this
/// probability. Bisection on the angle, `t = √ν tan θ`, which maps the infinite range to a finite one.
fn student_t(probability: f64, freedom: usize) -> f64 {
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if student_t_within(middle, freedom) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    (freedom as f64).sqrt() * low.tan()
}

/// The probability of `-t..t` for `t = √ν tan θ`: for whole degrees of freedom a finite sum (Abramowitz and
/// Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4).
fn student_t_within(angle: f64, freedom: usize) -> f64 {
    let (sin, cos) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    let mut term = if odd { cos } else { 1.0 };
    let mut sum = 0.0;
    for n in (if odd { 3 } else { 2 }..=freedom).step_by(2) {
        sum += term;
        term *= cos * cos * (n - 1) as f64 / n as f64;
    }
    if odd { FRAC_2_PI * (angle + sin * sum) } else { sin * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided 95 % and 99.5 % points from the usual tables.
    #[test]
    fn student_t_agrees_with_the_tables() {
        let table = [
            (1, 12.706, 127.321),
            (2, 4.303, 14.089),
            (3, 3.182, 7.453),
            (4, 2.776, 5.598),
            (5, 2.571, 4.773),
            (9, 2.262, 3.690),
            (10, 2.228, 3.581),
            (30, 2.042, 3.030),
            (120, 1.980, 2.860),
        ];
        for (freedom, at_95, at_995) in table {
            assert!((student_t(0.95, freedom) - at_95).abs() < 0.001, "{freedom} degrees, 95 %");
            assert!((student_t(0.995, freedom) - at_995).abs() < 0.001, "{freedom} degrees, 99.5 %");
        }
    }

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
    fn a_spread_skips_what_is_missing() {
        let values = [Some(4.0), None, Some(1.0), Some(f64::NAN), Some(3.0), Some(2.0)];
        assert_eq!(spread(values), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(spread([None]), None);
    }
}
