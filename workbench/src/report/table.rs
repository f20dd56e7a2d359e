//! The report in the terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, presets};

use super::figures::{
    audit_rows, comparison_words, figure_rows, others, outcome_rows, spread_words, verdict_words,
};
use crate::run::{Run, Verdict};

/// The width where the output is not a terminal: it fits a wide window and a mail.
const DEFAULT_WIDTH: u16 = 110;

/// The whole report: figures, outcomes, audit, and then the comparison in sentences. It fits the terminal,
/// or the width that is given.
pub fn render(run: &Run, width: Option<u16>) -> String {
    let tables = [figure_table(run), outcome_table(run), audit_table(run)].map(|mut table| {
        let width = width.or(table.width()).unwrap_or(DEFAULT_WIDTH);
        table.set_width(width);
        table.to_string()
    });
    let mut text = tables.join("\n\n");
    for evidence in bad_evidence(run) {
        text += &format!("\n  {evidence}");
    }
    text += "\n\n";
    for comparison in &run.comparison {
        text += &format!("· {}\n", comparison.sentence);
    }
    text += &format!("\nVerdict: {}\n", verdict_words(run.verdict));
    text
}

fn table(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table
        // Rules between the rows would double the height of a long table.
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.into_iter().enumerate().map(|(column, text)| aligned(column, text)));
    table
}

/// Names to the left, figures to the right.
fn aligned(column: usize, text: String) -> Cell {
    Cell::new(text).set_alignment(if column == 0 { CellAlignment::Left } else { CellAlignment::Right })
}

fn labels(run: &Run) -> impl Iterator<Item = String> {
    run.modes.iter().map(|mode| mode.label.clone())
}

fn figure_table(run: &Run) -> Table {
    let baseline = labels(run).next().unwrap_or_default();
    let header = ["median (min–max)".to_owned()]
        .into_iter()
        .chain(labels(run))
        .chain(others(run).map(|other| format!("{} ÷ {baseline}", other.label)));
    let mut table = table(header);
    for row in figure_rows(run) {
        let modes = row.modes.into_iter().map(|spread| with_range(spread_words(spread)));
        let comparisons = row
            .comparisons
            .iter()
            .map(|comparison| comparison.as_ref().map(comparison_words).map(with_range).unwrap_or_default());
        let cells = [row.name].into_iter().chain(modes).chain(comparisons);
        table.add_row(cells.enumerate().map(|(column, text)| aligned(column, text)));
    }
    table
}

fn with_range((text, range): (String, String)) -> String {
    if range.is_empty() { text } else { format!("{text} ({range})") }
}

fn outcome_table(run: &Run) -> Table {
    let mut table = table(["orders, all trials".to_owned()].into_iter().chain(labels(run)));
    for (name, counts) in outcome_rows(run) {
        let cells = [name].into_iter().chain(counts);
        table.add_row(cells.enumerate().map(|(column, text)| aligned(column, text)));
    }
    table
}

fn audit_table(run: &Run) -> Table {
    let mut table = table(["audit".to_owned()].into_iter().chain(labels(run)));
    for row in audit_rows(run) {
        let verdicts = row
            .modes
            .iter()
            .map(|cell| format!("{} ({} checked)", verdict_words(cell.verdict), cell.checked));
        let cells = [format!("{} {}", row.invariant, row.title)].into_iter().chain(verdicts);
        table.add_row(cells.enumerate().map(|(column, text)| aligned(column, text)));
    }
    table
}

/// What was seen where an invariant did not hold.
fn bad_evidence(run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    for row in audit_rows(run) {
        for (mode, cell) in run.modes.iter().zip(&row.modes) {
            if cell.verdict != Verdict::Held {
                let verdict = verdict_words(cell.verdict);
                lines.extend(
                    cell.evidence
                        .iter()
                        .map(|evidence| format!("{verdict}: {} {}, {evidence}", row.invariant, mode.label)),
                );
            }
        }
    }
    lines
}
