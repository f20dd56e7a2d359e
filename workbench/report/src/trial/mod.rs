//! Computes the figures of a trial from the data of each order: what the client saw, and what the shop recorded.

mod figures;
mod recorded;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::OrderId;

pub use figures::{Figures, figures};
pub use recorded::{DecisionClock, Recorded, read_orders};

use load::Window;
use load::client::{Answer, Decision, Sample};
use story::tax::Moments;

/// An order of the load, after everything has come to rest. Times count from the start of the load.
#[derive(Debug, Clone)]
pub struct Settled {
    sample: Sample,
    /// Its id, if the shop accepted it: from the response or, if none came, from the database.
    pub order_id: Option<OrderId>,
    decision: Option<Decision>,
    decided: Option<Duration>,
}

/// Combines what the client saw with what the shop recorded. `started` is the start of the load by the wall clock,
/// which the database shares.
pub fn settle(
    samples: Vec<Sample>,
    recorded: &HashMap<String, Recorded>,
    started: DateTime<Utc>,
) -> Vec<Settled> {
    let settle = |sample: Sample| {
        let record = recorded.get(&sample.key);
        let (order_id, answered_decision) = match &sample.answer {
            Answer::Accepted(order_id, decision) => (Some(*order_id), *decision),
            // The response was lost; the database shows whether the order exists.
            Answer::Unknown(_) => (record.map(|record| record.order_id), None),
            Answer::Refused(_) | Answer::NotSent | Answer::Hindered(_) => (None, None),
        };
        let recorded_decision = order_id.and(record).and_then(|record| record.decision);
        let recorded_moment = record.and_then(|record| (record.decided_at? - started).to_std().ok());
        let decided = match answered_decision {
            Some(_) => Some(sample.answered),
            None => order_id.and(recorded_moment),
        };
        Settled { order_id, decision: answered_decision.or(recorded_decision), decided, sample }
    };
    samples.into_iter().map(settle).collect()
}

/// The decided orders of a window, with the timestamps that their clients know.
pub fn moments(settled: &[Settled], window: Window, started: DateTime<Utc>) -> Vec<(uuid::Uuid, Moments)> {
    let started = started.timestamp_micros();
    let at = |moment: Duration| started + i64::try_from(moment.as_micros()).unwrap_or(i64::MAX);
    let measured = settled.iter().filter(|order| window.holds(order.sample.intended));
    let moments = measured.filter_map(|order| {
        let sample = &order.sample;
        let (intended, sent, decided) = (at(sample.intended), at(sample.sent), at(order.decided?));
        Some((order.order_id?.0, Moments { intended, sent, decided }))
    });
    moments.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use contracts::RefusalCode;

    use super::*;
    use crate::run::Second;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn sample(key: &str, intended: u64, answered: u64, answer: Answer) -> Sample {
        Sample {
            key: key.into(),
            intended: ms(intended),
            sent: ms(intended + 1),
            answered: ms(answered),
            answer,
        }
    }

    fn recorded(decision: Option<Decision>, at: u64) -> Recorded {
        let decided_at = decision.map(|_| START + ms(at));
        Recorded { order_id: OrderId::new(), decision, decided_at }
    }

    #[test]
    fn two_clocks_run_from_the_intended_moment() {
        let accepted = Answer::Accepted(OrderId::new(), None);
        let decided = Answer::Accepted(OrderId::new(), Some(Decision::Confirmed));
        let samples = vec![sample("split", 1000, 1010, accepted), sample("monolith", 1000, 1030, decided)];
        let rows = HashMap::from([
            ("split".into(), recorded(Some(Decision::Confirmed), 1500)),
            ("monolith".into(), recorded(Some(Decision::Confirmed), 1025)),
        ]);
        let figures = figures(&settle(samples, &rows, START), Window { from: ms(0), to: ms(2000) });
        let (answered, decided) = (figures.answered_ms.unwrap(), figures.decided_ms.unwrap());
        assert_eq!((answered.p50, answered.max), (10.0, 30.0));
        assert_eq!((decided.p50, decided.max), (30.0, 500.0));
        assert_eq!(figures.throughput_per_s, 1.0);
        assert_eq!(figures.schedule_error_ms.unwrap().max, 1.0);
        assert_eq!(figures.timeline[1], Second { second: 1, sent: 2, answered: 2, decided: 2 });
    }

    #[test]
    fn a_lost_answer_is_looked_up_and_never_guessed() {
        let samples = ["there", "pending", "gone"]
            .map(|key| sample(key, 0, 100, Answer::Unknown("timed out")))
            .to_vec();
        let rows = HashMap::from([
            ("there".into(), recorded(Some(Decision::Refused(RefusalCode::OutOfStock)), 50)),
            ("pending".into(), recorded(None, 0)),
        ]);
        let settled = settle(samples, &rows, START);
        let orders = figures(&settled, Window { from: ms(0), to: ms(1000) }).orders;
        assert_eq!((orders.sent, orders.accepted, orders.confirmed, orders.unknown), (3, 2, 0, 1));
        assert_eq!(orders.refused, BTreeMap::from([("out_of_stock".into(), 1)]));
        assert_eq!(orders.failed, BTreeMap::from([("timed out".into(), 1)]));
    }

    /// With `ulimit -n 256` and 500 clients nothing is measured, and no figure is zero.
    #[test]
    fn a_generator_that_could_not_send_measured_nothing() {
        let reason = "too many open files in the load generator (ulimit -n)";
        let samples = vec![sample("a", 0, 1000, Answer::Hindered(reason)); 3];
        let figures = figures(&settle(samples, &HashMap::new(), START), Window { from: ms(0), to: ms(1000) });
        assert_eq!((figures.answered_ms, figures.decided_ms, figures.schedule_error_ms), (None, None, None));
        assert_eq!(figures.orders.sent, 0);
        assert_eq!(figures.orders.failed, BTreeMap::from([(reason.to_owned(), 3)]));
        assert_eq!(figures.hindered, BTreeMap::from([(reason.to_owned(), 3)]));
    }

    #[test]
    fn the_warm_up_is_cut_off() {
        let decided = || Answer::Accepted(OrderId::new(), Some(Decision::Confirmed));
        let samples = vec![
            sample("warm-up", 900, 1100, decided()),
            sample("measured", 1000, 1999, decided()),
            sample("late", 1900, 2100, decided()),
        ];
        let figures =
            figures(&settle(samples, &HashMap::new(), START), Window { from: ms(1000), to: ms(2000) });
        assert_eq!(figures.orders.sent, 2);
        // The first two were decided within the window.
        assert_eq!(figures.decided_in_window, 2);
    }
}
