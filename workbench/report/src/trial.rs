//! Computes the figures of a trial from the data of each order.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use contracts::{OrderId, RefusalCode};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use hdrhistogram::Histogram;

use crate::run::{Histograms, Latency, Orders, ScheduleError, Second};
use crate::stats::percentile;
use crate::words;
use load::Window;
use load::client::{Answer, Decision, Sample};
use story::tax::Moments;

/// The clock that dates a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionClock {
    /// The commit of the transaction that made it.
    Commit,
    /// The row's own `decided_at`, a little earlier than the commit: used if the server keeps no commit timestamps.
    Row,
}

/// An order in the shop's database.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its id.
    pub order_id: OrderId,
    /// Its outcome, if it is decided.
    pub decision: Option<Decision>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Reads every order from the database, by idempotency key.
pub async fn read_orders(url: &str) -> Result<(HashMap<String, Recorded>, DecisionClock)> {
    let mut connection = servers::connect(url).await.with_context(words::cannot_connect_orders)?;
    let tracked = "SELECT current_setting('track_commit_timestamp')::bool AS value";
    let tracked = diesel::sql_query(tracked).get_result::<Flag>(&mut connection).await?.value;
    let (moment, clock) = if tracked {
        ("coalesce(pg_xact_commit_timestamp(xmin), decided_at)", DecisionClock::Commit)
    } else {
        ("decided_at", DecisionClock::Row)
    };
    let rows = diesel::sql_query(format!(
        "SELECT idempotency_key, order_id, status, refusal_code, {moment} AS decided_at FROM orders.orders"
    ))
    .load::<Row>(&mut connection)
    .await
    .with_context(words::cannot_read_orders)?;
    Ok((rows.into_iter().map(Row::recorded).collect(), clock))
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    value: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    idempotency_key: String,
    #[diesel(sql_type = Uuid)]
    order_id: uuid::Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    refusal_code: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    decided_at: Option<DateTime<Utc>>,
}

impl Row {
    fn recorded(self) -> (String, Recorded) {
        let code = self.refusal_code.as_deref().and_then(RefusalCode::parse);
        let decision = Decision::read(&self.status, code);
        let decided_at = self.decided_at.filter(|_| decision.is_some());
        (self.idempotency_key, Recorded { order_id: OrderId(self.order_id), decision, decided_at })
    }
}

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

/// The figures of a load.
pub struct Figures {
    /// The outcomes of the orders.
    pub orders: Orders,
    /// The number of orders decided within the window, regardless of when they were sent.
    pub decided_in_window: u64,
    /// The same per second.
    pub throughput_per_s: f64,
    /// From the intended moment of sending to the response.
    pub answered_ms: Option<Latency>,
    /// From the intended moment of sending to the decision.
    pub decided_ms: Option<Latency>,
    /// The distributions of both.
    pub histogram: Histograms,
    /// Counts for each second.
    pub timeline: Vec<Second>,
    /// The delay of the generator.
    pub schedule_error_ms: Option<ScheduleError>,
    /// The reasons that kept the generator from sending, and how often.
    pub hindered: BTreeMap<String, u64>,
}

/// The figures of a window. It covers the orders that were planned within it.
pub fn figures(settled: &[Settled], window: Window) -> Figures {
    let measured: Vec<&Settled> =
        settled.iter().filter(|order| window.holds(order.sample.intended)).collect();
    let accepted = || measured.iter().filter(|order| order.order_id.is_some());
    let answered = Distribution::new(
        accepted()
            .filter(|order| matches!(order.sample.answer, Answer::Accepted(..)))
            .map(|order| order.sample.answered.saturating_sub(order.sample.intended)),
    );
    let decided = Distribution::new(
        accepted().filter_map(|order| Some(order.decided?.saturating_sub(order.sample.intended))),
    );
    let late = Distribution::new(
        measured
            .iter()
            .filter(|order| order.sample.was_sent())
            .map(|order| order.sample.sent.saturating_sub(order.sample.intended)),
    );
    let decided_in_window =
        settled.iter().filter(|order| order.decided.is_some_and(|moment| window.holds(moment))).count();
    Figures {
        orders: outcomes(&measured),
        decided_in_window: decided_in_window as u64,
        throughput_per_s: decided_in_window as f64 / window.seconds(),
        answered_ms: answered.latency(),
        decided_ms: decided.latency(),
        histogram: Histograms { answered: answered.buckets(), decided: decided.buckets() },
        timeline: timeline(settled, window),
        schedule_error_ms: late.lateness(),
        hindered: hindered(settled),
    }
}

/// The warm-up counts too: a generator that could not send has not warmed up anything.
fn hindered(settled: &[Settled]) -> BTreeMap<String, u64> {
    let mut hindered = BTreeMap::new();
    for order in settled {
        if let Answer::Hindered(reason) = order.sample.answer {
            *hindered.entry(reason.to_owned()).or_default() += 1;
        }
    }
    hindered
}

fn outcomes(measured: &[&Settled]) -> Orders {
    let mut orders = Orders::default();
    for order in measured {
        orders.sent += u64::from(order.sample.was_sent());
        let failure = match (&order.sample.answer, order.order_id) {
            (_, Some(_)) => None,
            (Answer::Refused(status), None) => Some(format!("HTTP {status}")),
            (Answer::Unknown(reason) | Answer::Hindered(reason), None) => Some((*reason).to_owned()),
            (Answer::NotSent | Answer::Accepted(..), None) => Some("not sent: too many in flight".to_owned()),
        };
        if let Some(reason) = failure {
            *orders.failed.entry(reason).or_default() += 1;
            continue;
        }
        orders.accepted += 1;
        match order.decision {
            Some(Decision::Confirmed) => orders.confirmed += 1,
            Some(Decision::Refused(code)) => *orders.refused.entry(code.to_string()).or_default() += 1,
            None => orders.unknown += 1,
        }
    }
    orders
}

fn timeline(settled: &[Settled], window: Window) -> Vec<Second> {
    let seconds = window.seconds().ceil() as u64;
    let mut timeline: Vec<Second> =
        (0..seconds).map(|second| Second { second, ..Second::default() }).collect();
    let mut count = |moment: Option<Duration>, field: fn(&mut Second) -> &mut u64| {
        let Some(moment) = moment.filter(|moment| window.holds(*moment)) else { return };
        *field(&mut timeline[(moment - window.from).as_secs() as usize]) += 1;
    };
    for Settled { sample, decided, .. } in settled {
        count(sample.was_sent().then_some(sample.sent), |second| &mut second.sent);
        count(matches!(sample.answer, Answer::Accepted(..)).then_some(sample.answered), |second| {
            &mut second.answered
        });
        count(*decided, |second| &mut second.decided);
    }
    timeline
}

/// Latencies in milliseconds, sorted.
struct Distribution(Vec<f64>);

impl Distribution {
    fn new(latencies: impl Iterator<Item = Duration>) -> Distribution {
        let mut sorted: Vec<f64> = latencies.map(|latency| latency.as_secs_f64() * 1000.0).collect();
        sorted.sort_by(f64::total_cmp);
        Distribution(sorted)
    }

    fn percentile(&self, share: f64) -> Option<f64> {
        percentile(&self.0, share)
    }

    fn latency(&self) -> Option<Latency> {
        let count = self.0.len();
        Some(Latency {
            p50: self.percentile(0.5)?,
            p90: self.percentile(0.9)?,
            p99: self.percentile(0.99)?,
            max: self.percentile(1.0)?,
            mean: self.0.iter().sum::<f64>() / count as f64,
            count: count as u64,
        })
    }

    fn lateness(&self) -> Option<ScheduleError> {
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| self.percentile(share));
        Some(ScheduleError { p50: p50?, p99: p99?, max: max? })
    }

    /// Counts with 1 % precision, so that a file stays small for any length of load.
    fn buckets(&self) -> Vec<(f64, u64)> {
        let mut histogram = Histogram::<u64>::new(2).expect("two digits are allowed");
        for latency in &self.0 {
            // In microseconds. The histogram resizes itself, so recording cannot fail.
            let _ = histogram.record((latency * 1000.0).round() as u64);
        }
        let upper = |value: u64| histogram.highest_equivalent(value) as f64 / 1000.0;
        histogram
            .iter_recorded()
            .map(|bucket| (upper(bucket.value_iterated_to()), bucket.count_at_value()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn buckets_hold_every_order() {
        let latencies = (1..=1000).map(|n| Duration::from_micros(n * 137));
        let distribution = Distribution::new(latencies);
        let buckets = distribution.buckets();
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), 1000);
        assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!((distribution.percentile(0.5).unwrap() - 68.5).abs() < 0.01);
        assert_eq!(Distribution(Vec::new()).latency(), None);
    }
}
