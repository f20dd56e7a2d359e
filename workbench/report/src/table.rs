//! The report in the terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, presets};

use super::figures::{
    FigureRow, audit_rows, comparison_words, figure_rows, has_room_for_ratios, not_measured, others,
    outcome_rows, spread_words, verdict_words, warnings,
};
use super::ladder;
use super::tax;
use super::words;
use crate::run::{Comparison, ModeRun, Run, Stage};
use audit::Verdict;

/// The width if the output is not a terminal. It fits a wide window and an e-mail.
pub(super) const DEFAULT_WIDTH: u16 = 110;

/// The whole report: figures, outcomes, audit, and then the comparison in sentences. It fits the terminal, or the given
/// width.
pub fn render(run: &Run, width: Option<u16>) -> String {
    let mut tables = ladder_table(run);
    tables.extend(figure_tables(run));
    tables.extend(tax_table(run));
    tables.extend([outcome_table(run), audit_table(run)]);
    let tables: Vec<String> = tables
        .into_iter()
        .map(|mut table| {
            let width = width.or(table.width()).unwrap_or(DEFAULT_WIDTH);
            table.set_width(width);
            table.to_string()
        })
        .collect();
    let mut text = warnings(run.modes.iter().map(|mode| mode.driver), &run.flaws);
    text += &tables.join("\n\n");
    for evidence in bad_evidence(run) {
        text += &format!("\n  {evidence}");
    }
    for sentence in not_measured(run) {
        text += &format!("\n  ? {sentence}");
    }
    text += "\n\n";
    for comparison in &run.comparison {
        text += &format!("· {}\n", comparison.sentence);
    }
    text += &format!("\n{}\n", words::verdict(verdict_words(run.verdict)));
    text
}

pub(super) fn table(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table
        // Rules between the rows would double the height of a long table.
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.into_iter().enumerate().map(|(column, text)| aligned(column, text)));
    table
}

/// Names are left-aligned, figures right-aligned.
pub(super) fn aligned(column: usize, text: String) -> Cell {
    Cell::new(text).set_alignment(if column == 0 { CellAlignment::Left } else { CellAlignment::Right })
}

fn headings(run: &Run) -> impl Iterator<Item = String> {
    run.modes.iter().map(|mode| heading(run, mode))
}

/// Narrow columns break at the colon.
fn heading(run: &Run, mode: &ModeRun) -> String {
    let heading = mode.heading();
    if has_room_for_ratios(run) { heading } else { heading.replace(':', ":\n") }
}

/// The price of each module that leaves, if the run is a ladder.
fn ladder_table(run: &Run) -> Vec<Table> {
    if run.ladder.is_empty() {
        return Vec::new();
    }
    let head = std::iter::once(words::ladder_head()).chain(run.ladder.iter().map(Stage::heading));
    let mut table = table(head);
    for row in ladder::rows(&run.ladder) {
        let cells = [row.name].into_iter().chain(row.stages.into_iter().map(with_range));
        table.add_row(cells.enumerate().map(|(column, text)| aligned(column, text)));
    }
    vec![table]
}

/// The figures and their ratios, side by side if there is room.
fn figure_tables(run: &Run) -> Vec<Table> {
    let baseline = run.modes.first().map(|mode| mode.label.as_str()).unwrap_or_default();
    let figures = |row: &FigureRow| -> Vec<String> {
        row.modes.iter().map(|spread| with_range(spread_words(*spread))).collect()
    };
    let ratios = |row: &FigureRow| -> Vec<String> {
        let words = |comparison: &Option<Comparison>| comparison.as_ref().map(comparison_words);
        row.comparisons
            .iter()
            .map(|comparison| words(comparison).map(with_range).unwrap_or_default())
            .collect()
    };
    let rows = figure_rows(run);
    let fill = |header: Vec<String>, cells: &dyn Fn(&FigureRow) -> Vec<String>| {
        let mut table = table(header);
        for row in &rows {
            let cells = [row.name.clone()].into_iter().chain(cells(row));
            table.add_row(cells.enumerate().map(|(column, text)| aligned(column, text)));
        }
        table
    };
    let median = [words::median()].into_iter().chain(headings(run));
    if has_room_for_ratios(run) {
        let over = others(run).map(|other| format!("{} ÷ {baseline}", other.heading()));
        return vec![fill(median.chain(over).collect(), &|row| [figures(row), ratios(row)].concat())];
    }
    let over = [format!("÷ {baseline}")].into_iter().chain(others(run).map(|other| heading(run, other)));
    vec![fill(median.collect(), &figures), fill(over.collect(), &ratios)]
}

pub(super) fn with_range((text, range): (String, String)) -> String {
    if range.is_empty() { text } else { format!("{text} ({range})") }
}

fn outcome_table(run: &Run) -> Table {
    let mut table = table([words::orders_all_trials()].into_iter().chain(headings(run)));
    for (name, counts) in outcome_rows(run) {
        let cells = [name].into_iter().chain(counts);
        table.add_row(cells.enumerate().map(|(column, text)| aligned(column, text)));
    }
    table
}

/// Where the time of an order goes; `None` if it was not measured.
fn tax_table(run: &Run) -> Option<Table> {
    let rows = tax::rows(run);
    if rows.is_empty() {
        return None;
    }
    let mut table = table([words::time_of_order_ms()].into_iter().chain(headings(run)));
    for row in rows {
        let cells = row.modes.into_iter().map(|cell| match cell {
            Some((ms, share)) => format!("{ms} ({share})"),
            None => words::not_measured(),
        });
        let cells = [row.name].into_iter().chain(cells);
        table.add_row(cells.enumerate().map(|(column, text)| aligned(column, text)));
    }
    Some(table)
}

fn audit_table(run: &Run) -> Table {
    let mut table = table([words::audit()].into_iter().chain(headings(run)));
    for row in audit_rows(run) {
        let verdicts =
            row.modes.iter().map(|cell| words::checked(verdict_words(cell.verdict), &cell.checked));
        let cells = [format!("{} {}", row.invariant, row.title)].into_iter().chain(verdicts);
        table.add_row(cells.enumerate().map(|(column, text)| aligned(column, text)));
    }
    table
}

/// The evidence of each invariant that did not hold.
fn bad_evidence(run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    for row in audit_rows(run) {
        for (mode, cell) in run.modes.iter().zip(&row.modes) {
            if cell.verdict != Verdict::Held {
                let verdict = verdict_words(cell.verdict);
                lines.extend(
                    cell.evidence.iter().map(|evidence| {
                        format!("{verdict}: {} {}, {evidence}", row.invariant, mode.heading())
                    }),
                );
            }
        }
    }
    lines
}
