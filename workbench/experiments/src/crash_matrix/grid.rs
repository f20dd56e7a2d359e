//! The crash matrix as a table.

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::{Cell, CellOutcome, CrashMatrix, POINTS, Setting};
use crate::words;
use topology::Driver;

/// A table of points and drivers, followed by each cell that is not as expected, with the command that tries it again.
pub fn draw(matrix: &CrashMatrix) -> String {
    let mut drivers: Vec<Driver> = matrix.cells.iter().map(|cell| cell.driver).collect();
    drivers.sort_unstable();
    drivers.dedup();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    let head = std::iter::once(words::crash_point()).chain(drivers.iter().map(ToString::to_string));
    table.set_header(head);
    for point in POINTS.iter().map(|point| point.name) {
        let of = |driver: Driver| -> Vec<&Cell> {
            matrix.cells.iter().filter(|cell| cell.point == point && cell.driver == driver).collect()
        };
        if drivers.iter().all(|driver| of(*driver).is_empty()) {
            continue;
        }
        let row = drivers.iter().map(|driver| summary(&of(*driver)));
        table.add_row(std::iter::once(point.to_owned()).chain(row));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Center);
    }
    let count = |outcome| matrix.cells.iter().filter(|cell| cell.outcome == outcome).count();
    let mut text = format!(
        "{table}\n{}\n",
        words::crashes(
            matrix.cells.len(),
            matrix.seconds,
            setting(matrix.setting),
            count(CellOutcome::Held),
            count(CellOutcome::Violated),
            count(CellOutcome::DidNotFire),
        )
    );
    for cell in matrix.cells.iter().filter(|cell| cell.outcome != CellOutcome::Held) {
        text += &format!("\n{}\n", words::cell(&cell.point, cell.driver, cell.seed, said(cell.outcome)));
        for finding in &cell.findings {
            text += &format!("  {finding}\n");
        }
        text += &format!("  {}\n", words::again(&cell.replay));
    }
    text
}

/// How the shops differ from plain ones; empty if they do not.
fn setting(Setting { instances, database_delay_ms }: Setting) -> String {
    let mut text = String::new();
    if instances > 1 {
        text += &words::with_instances(instances);
    }
    if database_delay_ms > 0 {
        text += &words::with_slow_database(database_delay_ms);
    }
    text
}

/// All seeds of a point on a driver: the worst outcome, and how many of them had it.
fn summary(cells: &[&Cell]) -> String {
    let with = |outcome| cells.iter().filter(|cell| cell.outcome == outcome).count();
    let worst = [CellOutcome::Violated, CellOutcome::DidNotFire, CellOutcome::Held];
    match worst.into_iter().find(|outcome| with(*outcome) > 0) {
        None => "·".into(),
        Some(outcome) if with(outcome) == cells.len() => said(outcome),
        Some(outcome) => words::some_of(said(outcome), with(outcome), cells.len()),
    }
}

fn said(outcome: CellOutcome) -> String {
    match outcome {
        CellOutcome::Held => words::cell_held(),
        CellOutcome::Violated => words::cell_violated(),
        CellOutcome::DidNotFire => words::cell_silent(),
    }
}
