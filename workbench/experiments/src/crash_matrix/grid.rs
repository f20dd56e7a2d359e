//! The crash matrix as a table.

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::{Cell, CrashMatrix, Outcome, POINTS, Setting};
use topology::Driver;

/// Points against drivers; then each cell that is not as it should be, with the command that tries it again.
pub fn draw(matrix: &CrashMatrix) -> String {
    let drivers: Vec<Driver> = Driver::ALL
        .into_iter()
        .filter(|driver| matrix.cells.iter().any(|cell| cell.driver == *driver))
        .collect();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    let head = std::iter::once("crash point".to_owned()).chain(drivers.iter().map(ToString::to_string));
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
        "{table}\n{} crashes in {} s{}: {} held, {} violated, {} did not fire\n",
        matrix.cells.len(),
        matrix.seconds,
        setting_words(matrix.setting),
        count(Outcome::Held),
        count(Outcome::Violated),
        count(Outcome::DidNotFire)
    );
    for cell in matrix.cells.iter().filter(|cell| cell.outcome != Outcome::Held) {
        text +=
            &format!("\n{} on {}, seed {}: {}\n", cell.point, cell.driver, cell.seed, words(cell.outcome));
        for finding in &cell.findings {
            text += &format!("  {finding}\n");
        }
        text += &format!("  again: {}\n", cell.replay);
    }
    text
}

fn setting_words(setting: Setting) -> String {
    let mut words = String::new();
    if setting.instances > 1 {
        words += &format!(", {} instances of each service", setting.instances);
    }
    if setting.database_delay_ms > 0 {
        words += &format!(", databases {} ms late with each answer", setting.database_delay_ms);
    }
    words
}

/// All seeds of a point on a driver: the worst outcome, and how many of them had it.
fn summary(cells: &[&Cell]) -> String {
    let with = |outcome| cells.iter().filter(|cell| cell.outcome == outcome).count();
    let worst = [Outcome::Violated, Outcome::DidNotFire, Outcome::Held];
    match worst.into_iter().find(|outcome| with(*outcome) > 0) {
        None => "·".into(),
        Some(outcome) if with(outcome) == cells.len() => words(outcome).into(),
        Some(outcome) => format!("{} ({} of {})", words(outcome), with(outcome), cells.len()),
    }
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Held => "held",
        Outcome::Violated => "VIOLATED",
        Outcome::DidNotFire => "did not fire",
    }
}
