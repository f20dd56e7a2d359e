//! The figures of a window: outcomes, latencies, and counts per second.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Settled;
use crate::run::{Histograms, Latency, Orders, ScheduleError, Second};
use crate::stats::percentile;
use load::Window;
use load::client::{Answer, Decision};

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
