//! A diff as text for a terminal.

use comfy_table::Table;

use super::{Diff, DriverDiff, RunHead, What};
use crate::figures::{comparison_words, spread_words, verdict_words};
use crate::run::Difference;
use crate::stats::FIGURES;
use crate::table::{self, DEFAULT_WIDTH, with_range};
use crate::words;

impl What {
    fn title(self) -> String {
        match self {
            What::Machine => words::what_machine(),
            What::Load => words::what_load(),
            What::Mix => words::what_mix(),
            What::Seed => words::what_seed(),
            What::Version => words::what_version(),
            What::Commit => words::what_commit(),
            What::Flaws => words::what_flaws(),
            What::Servers => words::what_servers(),
            What::Trials => words::what_trials(),
        }
    }
}

/// The diff as text. It fits the terminal, or the given width.
pub fn render(diff: &Diff, width: Option<u16>) -> String {
    let mut lines =
        vec![head(words::first(), &diff.first), head(words::second(), &diff.second), String::new()];
    let differs = diff.differs.iter();
    lines.extend(differs.map(|one| words::differs(one.what.title(), &one.first, &one.second)));
    if diff.differs.is_empty() {
        lines.push(words::nothing_differs());
    }
    lines.extend(diff.only_in_first.iter().map(|driver| words::only_in(driver, words::first_run())));
    lines.extend(diff.only_in_second.iter().map(|driver| words::only_in(driver, words::second_run())));
    lines.extend(diff.cautions.iter().map(|caution| format!("! {caution}")));
    for driver in &diff.drivers {
        lines.push(String::new());
        let (first, second) = (verdict_words(driver.first), verdict_words(driver.second));
        lines.push(words::driver_verdicts(&driver.label, first, second));
        let mut table = table_of(driver);
        let width = width.or(table.width()).unwrap_or(DEFAULT_WIDTH);
        lines.push(table.set_width(width).to_string());
        let different =
            driver.figures.iter().filter(|figure| figure.comparison.verdict == Difference::Different);
        let sentences: Vec<String> =
            different.map(|figure| format!("· {}", figure.comparison.sentence)).collect();
        lines.extend(sentences.is_empty().then(|| format!("· {}", words::no_difference_in(&driver.label))));
        lines.extend(sentences);
    }
    lines.join("\n")
}

fn head(which: String, run: &RunHead) -> String {
    let started = run.started_at.format("%Y-%m-%d %H:%M UTC");
    words::run_line(which, started, &run.cleave_version, run.seed)
}

fn table_of(driver: &DriverDiff) -> Table {
    let mut table =
        table::table([words::figure(), words::first(), words::second(), words::second_over_first()]);
    for (figure, row) in FIGURES.iter().zip(&driver.figures) {
        let cells = [
            figure.heading(),
            with_range(spread_words(row.first)),
            with_range(spread_words(row.second)),
            with_range(comparison_words(&row.comparison)),
        ];
        table.add_row(cells.into_iter().enumerate().map(|(column, text)| table::aligned(column, text)));
    }
    table
}
