//! The content of both forms of the report, computed once: figures, outcomes and audits, with one column per mode.

use std::collections::{BTreeMap, BTreeSet};

use crate::run::{Comparison, Difference, ModeRun, Run};
use crate::stats::{FIGURES, Figure, Spread, range, spread, times};
use crate::words;
use audit::Verdict;
use audit::live::Disagreement;
use terminal::text::Text;
use topology::Driver;

/// One figure over all modes.
pub struct FigureRow {
    /// The figure's name and unit.
    pub name: String,
    /// Median and extremes over the trials of each mode; `None` if it was not measured.
    pub modes: Vec<Option<Spread>>,
    /// The comparison of every mode with the first; empty if this figure is not compared.
    pub comparisons: Vec<Option<Comparison>>,
}

impl Figure {
    /// Name and unit, as the heading of a row.
    pub fn heading(&self) -> String {
        let title = (self.title)();
        self.unit.map_or(title.clone(), |unit| format!("{title}, {}", unit()))
    }
}

/// The figures that are compared, and the messages, which a monolith does not have.
pub fn figure_rows(run: &Run) -> Vec<FigureRow> {
    let compared = FIGURES.iter().map(|figure| FigureRow {
        name: figure.heading(),
        modes: run.modes.iter().map(|mode| spread(mode.trials.iter().map(figure.value))).collect(),
        comparisons: others(run)
            .map(|other| {
                let found = run.comparison.iter().find(|c| c.figure == figure.name && c.other == other.label);
                found.cloned()
            })
            .collect(),
    });
    let messages = FigureRow {
        name: words::messages_per_order(),
        modes: run
            .modes
            .iter()
            .map(|mode| {
                spread(mode.trials.iter().map(|trial| Some(trial.cost_per_1000_orders.messages? / 1e3)))
            })
            .collect(),
        comparisons: others(run).map(|_| None).collect(),
    };
    compared.chain([messages]).collect()
}

/// Warnings to show before any figure: one line for the flaws, and one for each driver that is broken on purpose. Empty
/// if there are none.
pub fn warnings(drivers: impl IntoIterator<Item = Driver>, flaws: &[String]) -> String {
    let mut lines = String::new();
    if !flaws.is_empty() {
        lines += &format!("!! {}\n", words::flaws_on(flaws.join(", ")));
    }
    let broken: BTreeSet<Driver> =
        drivers.into_iter().filter(|driver| driver.is_broken_on_purpose()).collect();
    for driver in broken {
        lines += &format!("!! {}\n", words::driver_broken(driver));
    }
    lines
}

/// Why trials are no evidence, and which figures are missing and why, one sentence each.
pub fn not_measured(run: &Run) -> Vec<String> {
    let mut sentences = Vec::new();
    for (mode, trial) in run.modes.iter().flat_map(|mode| mode.trials.iter().map(move |trial| (mode, trial)))
    {
        for (reason, times) in &trial.hindered {
            let (orders, reason) = (number(*times as f64), words::reason(reason));
            sentences.push(words::trial_hindered(&mode.label, trial.trial, orders, reason));
        }
        sentences.extend(trial.not_measured.iter().map(|(figure, why)| {
            words::figure_missing(&mode.label, trial.trial, words::missing(figure), why)
        }));
    }
    sentences
}

/// Every mode except the baseline.
pub fn others(run: &Run) -> impl Iterator<Item = &ModeRun> {
    run.modes.iter().skip(1)
}

/// Whether the ratios fit beside the figures; otherwise they get their own table.
pub fn has_room_for_ratios(run: &Run) -> bool {
    run.modes.len() <= 3
}

/// The outcomes of all orders of all trials: a name, and the count for each mode.
pub fn outcome_rows(run: &Run) -> Vec<(String, Vec<String>)> {
    let mut rows: BTreeMap<(u8, String), Vec<u64>> = BTreeMap::new();
    for (column, mode) in run.modes.iter().enumerate() {
        for orders in mode.trials.iter().map(|trial| &trial.orders) {
            // The number sorts the rows by the life of an order.
            let mut add = |place: u8, name: String, count: u64| {
                rows.entry((place, name)).or_insert_with(|| vec![0; run.modes.len()])[column] += count;
            };
            add(0, words::sent(), orders.sent);
            add(1, words::accepted(), orders.accepted);
            add(2, words::confirmed(), orders.confirmed);
            for (code, count) in &orders.refused {
                add(3, words::refused(code), *count);
            }
            add(4, words::unknown(), orders.unknown);
            for (reason, count) in &orders.failed {
                add(5, words::failed(words::reason(reason)), *count);
            }
        }
    }
    let words = |counts: Vec<u64>| counts.into_iter().map(|count| number(count as f64)).collect();
    let rows = rows.into_iter().map(|((_, name), counts)| (name, words(counts)));
    rows.chain(disagreement_rows(run)).collect()
}

/// How long the databases disagreed about an order, if a live audit ran: the median of the trials' figures, and the
/// maximum of the longest.
fn disagreement_rows(run: &Run) -> Vec<(String, Vec<String>)> {
    let looked = |mode: &ModeRun| mode.trials.iter().any(|trial| trial.live.is_some());
    if !run.modes.iter().any(looked) {
        return Vec::new();
    }
    let row = |name: String, figure: fn(&Disagreement) -> Option<f64>, of: fn(Spread) -> f64| {
        let cell = |mode: &ModeRun| {
            let trials = mode.trials.iter().map(|trial| figure(&trial.live.as_ref()?.disagreement));
            spread(trials).map_or("–".to_owned(), |spread| format!("{} ms", number(of(spread))))
        };
        (words::disagreed(name), run.modes.iter().map(cell).collect())
    };
    vec![
        row("p50".to_owned(), |of| of.p50_ms, |spread| spread.median),
        row("p99".to_owned(), |of| of.p99_ms, |spread| spread.median),
        row(words::longest(), |of| of.longest_ms, |spread| spread.max),
    ]
}

/// One invariant over all modes.
pub struct AuditRow {
    /// `I1` to `I9`.
    pub invariant: String,
    /// The invariant in a few words.
    pub title: String,
    /// One cell per mode.
    pub modes: Vec<AuditCell>,
}

/// One invariant in one mode, over all of its trials.
pub struct AuditCell {
    /// The worst of the trials.
    pub verdict: Verdict,
    /// The number of checked items, over all trials.
    pub checked: String,
    /// The evidence of the trials with this verdict: all of it if the verdict is bad, otherwise that of the last trial.
    pub evidence: Vec<String>,
}

/// The audits, one row per invariant.
pub fn audit_rows(run: &Run) -> Vec<AuditRow> {
    let titles: BTreeMap<&str, &Text> = run
        .modes
        .iter()
        .flat_map(|mode| &mode.trials)
        .flat_map(|trial| &trial.audit)
        .map(|audit| (audit.invariant.as_str(), &audit.title))
        .collect();
    titles
        .into_iter()
        .map(|(invariant, title)| AuditRow {
            invariant: invariant.to_owned(),
            title: title.to_string(),
            modes: run.modes.iter().map(|mode| audit_cell(mode, invariant)).collect(),
        })
        .collect()
}

fn audit_cell(mode: &ModeRun, invariant: &str) -> AuditCell {
    let seen: Vec<_> = mode
        .trials
        .iter()
        .flat_map(|trial| trial.audit.iter().map(move |audit| (trial.trial, audit)))
        .filter(|(_, audit)| audit.invariant == invariant)
        .collect();
    let checked: u64 = seen.iter().map(|(_, audit)| audit.checked).sum();
    let verdict = Verdict::of_all(seen.iter().map(|(_, audit)| audit.verdict));
    let mut evidence: Vec<String> = seen
        .iter()
        .filter(|(_, audit)| audit.verdict == verdict)
        .map(|(trial, audit)| words::in_trial(trial, &audit.evidence))
        .collect();
    if verdict == Verdict::Held {
        evidence.drain(..evidence.len() - 1);
    }
    AuditCell { verdict, checked: number(checked as f64), evidence }
}

/// A verdict in words, with a sign that does not depend on colour.
pub fn verdict_words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Held => words::held(),
        Verdict::Violated => words::violated(),
        Verdict::NoEvidence => words::no_evidence(),
    }
}

/// A comparison for a table cell: the verdict and the interval.
pub fn comparison_words(comparison: &Comparison) -> (String, String) {
    let shown = match (comparison.verdict, comparison.ratio) {
        (Difference::Different, Some(ratio)) => times(ratio),
        (_, Some(_)) => words::none_shown(),
        (_, None) => words::no_ratio(),
    };
    let range = match (comparison.low, comparison.high, comparison.ratio) {
        (Some(low), Some(high), _) => range(low, high),
        (_, _, Some(ratio)) => words::one_trial(times(ratio)),
        _ => String::new(),
    };
    (shown, range)
}

/// A median and its extremes for a table cell. The extremes are left out if all trials agree.
pub fn spread_words(spread: Option<Spread>) -> (String, String) {
    let Some(Spread { median, min, max }) = spread else { return ("–".to_owned(), String::new()) };
    let range = if min == max { String::new() } else { format!("{}–{}", number(min), number(max)) };
    (number(median), range)
}

/// A number with about three significant digits and thousands separators: `12,345`, `12.3`, `0.123`. Whole numbers stay
/// whole.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        v if v.fract() == 0.0 => 0,
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        v if v >= 0.001 => 3,
        _ => 6,
    };
    let text = format!("{value:.decimals$}");
    let whole = text.find('.').unwrap_or(text.len());
    let mut out = String::with_capacity(text.len() + 4);
    for (at, digit) in text.char_indices() {
        let to_point = whole.saturating_sub(at);
        if at > 0 && at < whole && to_point % 3 == 0 && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_keep_about_three_digits() {
        let cases = [
            (0.0, "0"),
            (0.04217, "0.042"),
            (1.2345, "1.23"),
            (12.345, "12.3"),
            (15.0, "15"),
            (123.45, "123"),
            (1234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
            (-123_456.0, "-123,456"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
