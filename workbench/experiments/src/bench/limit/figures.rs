//! The figures of `cleave bench limit`, computed from its turns.
//!
//! A ratio is always that of two turns of the same round. What was not measured is missing in every figure that needs
//! it, by rule 62 (no zero).

use serde::Serialize;

use report::run::Cost;
use report::stats::{Spread, spread};
use report::trial::Figures;
use topology::{Driver, Mode};

/// One turn of a driver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Turn {
    /// Orders decided per second.
    pub(super) decided_per_s: Option<f64>,
    /// From sending to the decision.
    decided_p50_ms: Option<f64>,
    decided_p99_ms: Option<f64>,
    /// Processor time per order, of the shop's programs and of the servers.
    cpu_ms: Option<f64>,
    cpu_ms_programs: Option<f64>,
    cpu_ms_servers: Option<f64>,
    /// Peak memory of the shop with its servers.
    memory_mb: Option<f64>,
    /// Orders that the shop did not accept, or accepted and did not decide.
    pub(super) not_decided: u64,
}

impl Turn {
    /// The turn with these figures, this cost of 1,000 orders, and this peak memory.
    pub(super) fn of(figures: &Figures, cost: Cost, memory_mb: Option<f64>) -> Turn {
        let not_decided = figures.orders.failed.values().sum::<u64>() + figures.orders.unknown;
        // A generator that could not send has measured itself.
        if figures.decided_in_window == 0 || !figures.hindered.is_empty() {
            return Turn { not_decided, ..Turn::default() };
        }
        Turn {
            decided_per_s: Some(figures.throughput_per_s),
            decided_p50_ms: figures.decided_ms.map(|latency| latency.p50),
            decided_p99_ms: figures.decided_ms.map(|latency| latency.p99),
            // Seconds per 1,000 orders are milliseconds per order.
            cpu_ms: cost.cpu_s,
            cpu_ms_programs: cost.cpu_s_shop,
            cpu_ms_servers: cost.cpu_s_servers,
            memory_mb,
            not_decided,
        }
    }
}

/// The turns with one number of orders in flight. The n-th entries of all lists belong to the same round.
#[derive(Debug)]
pub(super) struct Turns {
    pub(super) in_flight: u64,
    /// Checkouts per second of pgbench.
    pub(super) pgbench_per_s: Vec<f64>,
    pub(super) drivers: Vec<(Driver, Vec<Turn>)>,
}

impl Turns {
    pub(super) fn none_yet(in_flight: u64, drivers: &[Driver]) -> Turns {
        let drivers = drivers.iter().map(|driver| (*driver, Vec::new())).collect();
        Turns { in_flight, pgbench_per_s: Vec::new(), drivers }
    }
}

/// The figures with one number of orders in flight.
#[derive(Debug, Serialize)]
pub(super) struct Level {
    pub(super) in_flight: u64,
    pub(super) pgbench_turns_per_s: Vec<f64>,
    pub(super) pgbench_per_s: Option<Spread>,
    pub(super) drivers: Vec<DriverFigures>,
    /// The correct split driver that decided most orders; null if none decided any.
    best_split: Option<Driver>,
}

impl Level {
    pub(super) fn of(turns: Turns) -> Level {
        let Turns { in_flight, pgbench_per_s, drivers } = turns;
        let monolith = drivers.iter().find(|(driver, _)| *driver == Driver::Local);
        let monolith = monolith.map(|(_, turns)| turns.clone()).unwrap_or_default();
        let drivers: Vec<DriverFigures> = drivers
            .into_iter()
            .map(|(driver, turns)| DriverFigures::of(driver, turns, &pgbench_per_s, &monolith))
            .collect();
        Level {
            in_flight,
            pgbench_per_s: spread(pgbench_per_s.iter().copied().map(Some)),
            pgbench_turns_per_s: pgbench_per_s,
            best_split: best_split(&drivers),
            drivers,
        }
    }

    pub(super) fn best_split(&self) -> Option<&DriverFigures> {
        self.drivers.iter().find(|of| Some(of.driver) == self.best_split)
    }
}

fn best_split(drivers: &[DriverFigures]) -> Option<Driver> {
    let split = drivers.iter().filter(|of| of.driver.mode() == Mode::Split);
    split
        .filter(|of| !of.driver.is_broken_on_purpose())
        .filter_map(|of| Some((of.driver, of.decided_per_s?.median)))
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(driver, _)| driver)
}

/// The figures of one driver over the rounds. Each is null if no round has it.
#[derive(Debug, Serialize)]
pub(super) struct DriverFigures {
    pub(super) driver: Driver,
    pub(super) turns: Vec<Turn>,
    pub(super) decided_per_s: Option<Spread>,
    /// `decided_per_s` divided by that of pgbench, and by that of `monolith:local`.
    pub(super) ratio_to_pgbench: Option<Spread>,
    pub(super) ratio_to_monolith: Option<Spread>,
    pub(super) decided_p50_ms: Option<Spread>,
    pub(super) decided_p99_ms: Option<Spread>,
    pub(super) p50_ratio_to_monolith: Option<Spread>,
    pub(super) cpu_ms: Option<Spread>,
    pub(super) cpu_ms_programs: Option<Spread>,
    pub(super) cpu_ms_servers: Option<Spread>,
    pub(super) cpu_ratio_to_monolith: Option<Spread>,
    pub(super) memory_mb: Option<Spread>,
    /// Sum over the rounds.
    pub(super) not_decided: u64,
}

impl DriverFigures {
    fn of(driver: Driver, turns: Vec<Turn>, pgbench: &[f64], monolith: &[Turn]) -> DriverFigures {
        type Figure = fn(&Turn) -> Option<f64>;
        let over = |figure: Figure| spread(turns.iter().map(figure));
        let to_monolith = |figure: Figure| ratios(turns.iter().map(figure), monolith.iter().map(figure));
        let decided_per_s: Figure = |turn| turn.decided_per_s;
        DriverFigures {
            driver,
            decided_per_s: over(decided_per_s),
            ratio_to_pgbench: ratios(turns.iter().map(decided_per_s), pgbench.iter().copied().map(Some)),
            ratio_to_monolith: to_monolith(decided_per_s),
            decided_p50_ms: over(|turn| turn.decided_p50_ms),
            decided_p99_ms: over(|turn| turn.decided_p99_ms),
            p50_ratio_to_monolith: to_monolith(|turn| turn.decided_p50_ms),
            cpu_ms: over(|turn| turn.cpu_ms),
            cpu_ms_programs: over(|turn| turn.cpu_ms_programs),
            cpu_ms_servers: over(|turn| turn.cpu_ms_servers),
            cpu_ratio_to_monolith: to_monolith(|turn| turn.cpu_ms),
            memory_mb: over(|turn| turn.memory_mb),
            not_decided: turns.iter().map(|turn| turn.not_decided).sum(),
            turns,
        }
    }
}

/// The spread of the rounds' ratios, without the rounds that lack one of the two figures.
fn ratios(
    these: impl Iterator<Item = Option<f64>>,
    those: impl Iterator<Item = Option<f64>>,
) -> Option<Spread> {
    spread(these.zip(those).map(|(this, that)| Some(this? / that?)))
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use load::Window;
    use report::trial;

    /// A turn with this throughput, this median latency and this processor time.
    pub(in super::super) fn turn(decided_per_s: f64, p50_ms: f64, cpu_ms: f64) -> Turn {
        Turn {
            decided_per_s: Some(decided_per_s),
            decided_p50_ms: Some(p50_ms),
            cpu_ms: Some(cpu_ms),
            ..Turn::default()
        }
    }

    pub(in super::super) fn level(drivers: Vec<(Driver, Vec<Turn>)>) -> Level {
        Level::of(Turns { in_flight: 8, pgbench_per_s: vec![1_000.0, 2_000.0], drivers })
    }

    fn of(level: &Level, driver: Driver) -> &DriverFigures {
        level.drivers.iter().find(|of| of.driver == driver).unwrap()
    }

    fn exactly(median: f64, min: f64, max: f64) -> Option<Spread> {
        Some(Spread { median, min, max })
    }

    #[test]
    fn ratios_are_those_of_a_round() {
        let level = level(vec![
            (Driver::Local, vec![turn(500.0, 8.0, 2.0), turn(1_000.0, 4.0, 2.0)]),
            (Driver::Orchestrated, vec![turn(125.0, 80.0, 20.0), turn(500.0, 60.0, 10.0)]),
        ]);
        let split = of(&level, Driver::Orchestrated);
        assert_eq!(split.ratio_to_pgbench, exactly(0.1875, 0.125, 0.25));
        assert_eq!(split.ratio_to_monolith, exactly(0.375, 0.25, 0.5));
        assert_eq!(split.p50_ratio_to_monolith, exactly(12.5, 10.0, 15.0));
        assert_eq!(split.cpu_ratio_to_monolith, exactly(7.5, 5.0, 10.0));
        assert_eq!(of(&level, Driver::Local).ratio_to_monolith, exactly(1.0, 1.0, 1.0));
    }

    #[test]
    fn a_missing_figure_leaves_its_round_out_and_is_never_zero() {
        let missing = Turn::default();
        let level = level(vec![
            (Driver::Local, vec![missing, turn(1_000.0, 4.0, 2.0)]),
            (Driver::Orchestrated, vec![turn(100.0, 80.0, 20.0), turn(200.0, 60.0, 10.0)]),
            (Driver::Tcc, vec![missing, missing]),
        ]);
        let split = of(&level, Driver::Orchestrated);
        assert_eq!(split.ratio_to_pgbench, exactly(0.1, 0.1, 0.1));
        assert_eq!(split.ratio_to_monolith, exactly(0.2, 0.2, 0.2));
        let tcc = of(&level, Driver::Tcc);
        assert_eq!((tcc.decided_per_s, tcc.ratio_to_pgbench, tcc.ratio_to_monolith), (None, None, None));
        assert_eq!(split.memory_mb, None, "no round has it");
        let json = serde_json::to_value(&level).unwrap();
        assert!(json["drivers"][2]["turns"][0]["decided_per_s"].is_null(), "{json}");
    }

    #[test]
    fn without_a_monolith_nothing_is_divided_by_it() {
        let level = level(vec![(Driver::Tcc, vec![turn(100.0, 80.0, 20.0), turn(200.0, 60.0, 10.0)])]);
        let tcc = of(&level, Driver::Tcc);
        assert_eq!((tcc.ratio_to_monolith, tcc.p50_ratio_to_monolith), (None, None));
        assert!(tcc.ratio_to_pgbench.is_some());
    }

    #[test]
    fn the_best_split_driver_is_a_correct_one() {
        let both = |per_s: f64| vec![turn(per_s, 9.0, 9.0); 2];
        let level = level(vec![
            (Driver::Local, both(900.0)),
            (Driver::Orchestrated, both(100.0)),
            (Driver::Choreographed, both(200.0)),
            (Driver::Naive, both(400.0)),
        ]);
        assert_eq!(level.best_split().map(|of| of.driver), Some(Driver::Choreographed));
        let none = self::level(vec![(Driver::Local, both(900.0)), (Driver::Tcc, vec![Turn::default(); 2])]);
        assert!(none.best_split().is_none());
    }

    #[test]
    fn a_turn_without_a_decision_measured_nothing() {
        let window = Window { from: Duration::ZERO, to: Duration::from_secs(1) };
        let nothing = trial::figures(&[], window);
        assert_eq!(Turn::of(&nothing, Cost::default(), Some(99.0)), Turn::default());
        let mut decided = trial::figures(&[], window);
        (decided.decided_in_window, decided.throughput_per_s) = (50, 50.0);
        decided.orders.failed.insert("HTTP 503".to_owned(), 3);
        let turn = Turn::of(&decided, Cost { cpu_s: Some(2.5), ..Cost::default() }, Some(99.0));
        assert_eq!((turn.decided_per_s, turn.cpu_ms, turn.not_decided), (Some(50.0), Some(2.5), 3));
        decided.hindered.insert("too many open files".to_owned(), 3);
        assert_eq!(Turn::of(&decided, Cost::default(), None).decided_per_s, None);
    }
}
