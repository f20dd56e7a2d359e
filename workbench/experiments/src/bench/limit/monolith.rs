//! The monolith over HTTP against pgbench: what stood in the JSON before other drivers were measured, and still does.

use serde::Serialize;

use super::figures::Level;
use report::stats::Spread;
use topology::Driver;

/// The figures of `monolith:local` with the most orders in flight; null if it was not measured.
#[derive(Debug, Serialize)]
pub(super) struct MonolithLimit {
    clients: u64,
    rounds: Vec<Round>,
    pgbench_per_s: Option<Spread>,
    monolith_per_s: Option<Spread>,
    ratio: Option<Spread>,
}

/// One round of both.
#[derive(Debug, Serialize)]
struct Round {
    pgbench_per_s: f64,
    monolith_per_s: Option<f64>,
    ratio: Option<f64>,
}

impl MonolithLimit {
    pub(super) fn of(level: &Level) -> MonolithLimit {
        let monolith = level.drivers.iter().find(|of| of.driver == Driver::Local);
        let round = |(number, pgbench_per_s): (usize, &f64)| {
            let turn = monolith.and_then(|of| of.turns.get(number));
            let monolith_per_s = turn.and_then(|turn| turn.decided_per_s);
            let ratio = monolith_per_s.map(|per_s| per_s / pgbench_per_s);
            Round { pgbench_per_s: *pgbench_per_s, monolith_per_s, ratio }
        };
        MonolithLimit {
            clients: level.in_flight,
            rounds: level.pgbench_turns_per_s.iter().enumerate().map(round).collect(),
            pgbench_per_s: level.pgbench_per_s,
            monolith_per_s: monolith.and_then(|of| of.decided_per_s),
            ratio: monolith.and_then(|of| of.ratio_to_pgbench),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::{level, turn};
    use super::*;

    #[test]
    fn the_monolith_has_its_place_and_none_if_it_was_not_measured() {
        let json = |driver: Driver| {
            let level = level(vec![(driver, vec![turn(500.0, 8.0, 2.0), turn(500.0, 8.0, 2.0)])]);
            serde_json::to_value(MonolithLimit::of(&level)).unwrap()
        };
        let measured = json(Driver::Local);
        assert_eq!((&measured["clients"], &measured["ratio"]["min"]), (&8.into(), &0.25.into()));
        assert_eq!(
            (&measured["rounds"][0]["ratio"], &measured["rounds"][1]["ratio"]),
            (&0.5.into(), &0.25.into())
        );
        let other = json(Driver::Tcc);
        assert!(other["ratio"].is_null() && other["rounds"][0]["monolith_per_s"].is_null(), "{other}");
        assert_eq!(other["rounds"][0]["pgbench_per_s"], 1_000.0);
    }
}
