//! The figures of `cleave bench limit` in a terminal: bars and a table for each number of orders in flight.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, presets};

use super::figures::{DriverFigures, Level};
use super::pgbench::SESSIONS;
use crate::words;
use report::stats::Spread;
use report::{number, spread_words, warnings};
use terminal::bars::{Bar, bars};

/// The width if the output is not a terminal.
const DEFAULT_WIDTH: u16 = 110;
/// With more drivers, the headings of their columns take two lines.
const DRIVERS_IN_ONE_LINE: usize = 3;

pub(super) fn render(levels: &[Level]) -> String {
    let drivers = levels.iter().flat_map(|level| &level.drivers).map(|of| of.driver);
    let levels = levels.iter().map(|level| {
        let heading = words::in_flight(level.in_flight, SESSIONS);
        format!("{heading}\n\n{}\n{}\n{}", throughput(level), table(level), best_split(level))
    });
    warnings(drivers, &[]) + &levels.collect::<Vec<_>>().join("\n\n")
}

/// Orders decided per second, as bars.
fn throughput(level: &Level) -> String {
    let bar = |name: String, spread: Option<Spread>| Bar {
        name,
        value: spread.map(|spread| spread.median),
        shown: spread_words(spread).0,
    };
    let drivers = level.drivers.iter().map(|of| bar(of.driver.to_string(), of.decided_per_s));
    let pgbench = bar("pgbench".to_owned(), level.pgbench_per_s);
    bars(&[pgbench].into_iter().chain(drivers).collect::<Vec<_>>())
}

/// A row of the table: its name, and the figure of a driver.
type Row = (String, fn(&DriverFigures) -> Option<Spread>);

fn rows() -> [Row; 11] {
    [
        (words::decided_per_s(), |of| of.decided_per_s),
        (words::per_s_to_pgbench(), |of| of.ratio_to_pgbench),
        (words::per_s_to_monolith(), |of| of.ratio_to_monolith),
        (words::decided_p50_ms(), |of| of.decided_p50_ms),
        (words::decided_p99_ms(), |of| of.decided_p99_ms),
        (words::p50_to_monolith(), |of| of.p50_ratio_to_monolith),
        (words::cpu_ms(), |of| of.cpu_ms),
        (words::cpu_ms_programs(), |of| of.cpu_ms_programs),
        (words::cpu_ms_servers(), |of| of.cpu_ms_servers),
        (words::cpu_to_monolith(), |of| of.cpu_ratio_to_monolith),
        (words::memory_mb(), |of| of.memory_mb),
    ]
}

fn table(level: &Level) -> Table {
    let name = |of: &DriverFigures| {
        let name = of.driver.to_string();
        if level.drivers.len() > DRIVERS_IN_ONE_LINE { name.replace(':', ":\n") } else { name }
    };
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(
            [words::median(), "pgbench".to_owned()].into_iter().chain(level.drivers.iter().map(name)),
        );
    for (row, (name, figure)) in rows().into_iter().enumerate() {
        // The other figures are those of orders, which pgbench does not have.
        let pgbench = if row == 0 { cell(level.pgbench_per_s) } else { String::new() };
        let figures = level.drivers.iter().map(|of| cell(figure(of)));
        table.add_row([name, pgbench].into_iter().chain(figures));
    }
    if level.drivers.iter().any(|of| of.not_decided > 0) {
        let orders = level.drivers.iter().map(|of| number(of.not_decided as f64));
        table.add_row([words::orders_not_decided(), String::new()].into_iter().chain(orders));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let width = table.width().unwrap_or(DEFAULT_WIDTH);
    table.set_width(width);
    table
}

/// A median with its extremes, or a dash.
fn cell(spread: Option<Spread>) -> String {
    let (median, range) = spread_words(spread);
    if range.is_empty() { median } else { format!("{median} ({range})") }
}

/// The split driver that decided most orders; empty if there is none.
fn best_split(level: &Level) -> String {
    let line = level.best_split().map(|best| {
        let (to_monolith, to_pgbench) = (cell(best.ratio_to_monolith), cell(best.ratio_to_pgbench));
        words::best_split(best.driver, to_monolith, to_pgbench)
    });
    line.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use terminal::language::{Language, has_hangul, with};
    use topology::Driver;

    use super::super::figures::Turn;
    use super::super::figures::tests::{level, turn};
    use super::*;

    fn sample() -> Level {
        level(vec![
            (Driver::Local, vec![turn(500.0, 8.0, 2.0), turn(1_000.0, 4.0, 2.0)]),
            (Driver::Choreographed, vec![turn(250.0, 16.0, 20.0), turn(500.0, 8.0, 10.0)]),
            (Driver::Tcc, vec![Turn::default(); 2]),
        ])
    }

    #[test]
    fn a_figure_that_was_not_measured_is_a_dash() {
        let text = with(Language::English, || render(&[sample()]));
        let row = |name: &str| text.lines().find(|line| line.contains(name)).unwrap().to_owned();
        let ratios = row("orders/s ÷ pgbench");
        assert!(ratios.contains("0.500") && ratios.contains("0.250"), "{text}");
        assert_eq!((ratios.matches('–').count(), row("peak memory").matches('–').count()), (1, 3), "{text}");
        assert!(row("orders decided/s").contains("1,500 (1,000–2,000)"), "{text}");
        assert!(text.contains("split:tcc           │ –\n"), "{text}");
        assert!(text.contains("best split driver: split:choreographed"), "{text}");
    }

    #[test]
    fn every_row_has_a_korean_name() {
        let text = with(Language::Korean, || render(&[sample()]));
        for (name, _) in with(Language::Korean, rows) {
            assert!(has_hangul(&name) && text.contains(&name), "{name} in {text}");
        }
        assert!(text.contains("가장 많이 결정한"), "{text}");
    }
}
