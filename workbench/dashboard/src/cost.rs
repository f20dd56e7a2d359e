//! What an order costs in each shop, and whether the shops differ.
//!
//! Both run at the same time, on one machine and under one load, so each [`WINDOW`] of it is a pair of trials. The
//! statistics of a comparison ([`stats`]) determine what counts as a difference. A window with a fault or a change of
//! the load is not counted.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::sample::{Cost, Shop};
use report::run::{self, Comparison, Histograms, Latency, Memory, ModeRun, Orders, Trial};
use report::stats::{self, percentile};
use topology::Driver;

/// The length of a trial, over which costs are averaged.
pub const WINDOW: Duration = Duration::from_secs(10);
/// The same in samples.
pub const SAMPLES: usize = WINDOW.as_secs() as usize;
/// The number of windows to keep. Older ones may reflect a different state of the machine and a different load.
const KEPT: usize = 30;
/// The fewest orders for which a window has figures.
const ENOUGH: u64 = 20;

/// Totals of a shop so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    /// Decided orders.
    pub decided: u64,
    /// Messages published to the broker; `None` if unknown.
    pub messages: Option<u64>,
    /// Database transactions; `None` if unknown.
    pub transactions: Option<u64>,
    /// Bytes through its proxies.
    pub bytes: Option<u64>,
    /// Processor time of its processes, in milliseconds.
    pub cpu_ms: u64,
}

/// The costs of one shop.
#[derive(Debug)]
pub struct Costs {
    driver: Driver,
    /// The latest is last.
    counters: VecDeque<Counters>,
    answered: Vec<f64>,
    decided: Vec<f64>,
    memory_mb: Option<f64>,
    trials: VecDeque<Trial>,
}

impl Costs {
    /// The costs of a shop before its first second.
    pub fn new(driver: Driver) -> Costs {
        Costs {
            driver,
            counters: VecDeque::new(),
            answered: Vec::new(),
            decided: Vec::new(),
            memory_mb: None,
            trials: VecDeque::new(),
        }
    }

    /// Adds a second: the totals at its end, and its latencies.
    pub fn second(&mut self, counters: Counters, answered: &[f64], decided: &[f64], memory_mb: Option<f64>) {
        self.counters.push_back(counters);
        if self.counters.len() > SAMPLES + 1 {
            self.counters.pop_front();
        }
        self.answered.extend(answered);
        self.decided.extend(decided);
        self.memory_mb = self.memory_mb.into_iter().chain(memory_mb).max_by(f64::total_cmp);
    }

    /// Discards the window: in this second not everything could be read.
    pub fn gap(&mut self) {
        self.counters.clear();
    }

    /// The average of the last window, or of the part that there is.
    pub fn average(&self) -> Cost {
        let (Some(before), Some(after)) = (self.counters.front(), self.counters.back()) else {
            return Cost::default();
        };
        let orders = after.decided.saturating_sub(before.decided);
        if orders < ENOUGH {
            return Cost::default();
        }
        // Rounded to hundredths, to keep recordings short.
        let each = |count: u64| (count as f64 / orders as f64 * 100.0).round() / 100.0;
        let used = |of: fn(&Counters) -> Option<u64>| Some(each(of(after)?.saturating_sub(of(before)?)));
        let messages = used(|counters| counters.messages);
        Cost {
            messages,
            // The request goes to the gateway and on to the service, and each message to the broker and from it.
            hops: messages.map(|messages| 2.0 + 2.0 * messages),
            transactions: used(|counters| counters.transactions),
            bytes: used(|counters| counters.bytes),
            cpu_ms: Some(each(after.cpu_ms.saturating_sub(before.cpu_ms))),
        }
    }

    /// Ends a window. It counts if it was undisturbed and complete; `number` pairs it with that of the other shop.
    pub fn close(&mut self, number: u64, undisturbed: bool) {
        let trial = self.trial(number).filter(|_| undisturbed);
        self.answered.clear();
        self.decided.clear();
        self.memory_mb = None;
        self.trials.extend(trial);
        if self.trials.len() > KEPT {
            self.trials.pop_front();
        }
    }

    fn trial(&self, number: u64) -> Option<Trial> {
        let complete = self.counters.len() > SAMPLES;
        let decided = self.counters.back()?.decided.saturating_sub(self.counters.front()?.decided);
        let throughput_per_s = decided as f64 / WINDOW.as_secs_f64();
        (complete && decided >= ENOUGH).then(|| Trial {
            answered_ms: latency(&self.answered),
            decided_ms: latency(&self.decided),
            ..trial(number, throughput_per_s, self.average(), self.memory_mb)
        })
    }

    /// Adds a window of a recording, which contains only averages. Figures of individual seconds are lost.
    pub fn recorded(&mut self, number: u64, shop: &Shop) {
        let cost = shop.cost;
        if cost != Cost::default() {
            let throughput = shop.throughput_per_s.unwrap_or_default();
            self.trials.push_back(trial(number, throughput, cost, shop.memory_mb));
        }
        if self.trials.len() > KEPT {
            self.trials.pop_front();
        }
    }
}

fn trial(number: u64, throughput_per_s: f64, cost: Cost, memory_mb: Option<f64>) -> Trial {
    Trial {
        trial: number,
        orders: Orders::default(),
        throughput_per_s,
        answered_ms: None,
        decided_ms: None,
        histogram: Histograms::default(),
        timeline: Vec::new(),
        schedule_error_ms: None,
        hindered: BTreeMap::new(),
        not_measured: BTreeMap::new(),
        cost_per_1000_orders: run::Cost {
            // Only of the shop's own processes: the servers are shared by both.
            cpu_s: cost.cpu_ms,
            cpu_s_shop: cost.cpu_ms,
            db_transactions: cost.transactions.map(|each| each * 1000.0),
            messages: cost.messages.map(|each| each * 1000.0),
            ..run::Cost::default()
        },
        memory_mb: Memory { total: memory_mb, ..Memory::default() },
        ready_ms: 0.0,
        tax: None,
        audit: Vec::new(),
        live: None,
    }
}

/// Compares the second shop with the first, figure by figure. Also returns the number of windows.
pub fn compare(shops: &[&Costs]) -> (Vec<Comparison>, u64) {
    let [baseline, other, ..] = shops else { return (Vec::new(), 0) };
    let run = |costs: &Costs| {
        let mut run = ModeRun::new(costs.driver, costs.driver.to_string());
        run.trials = costs.trials.iter().cloned().collect();
        run
    };
    let paired = |trial: &&Trial| other.trials.iter().any(|twin| twin.trial == trial.trial);
    let windows = baseline.trials.iter().filter(paired).count() as u64;
    let mut all = stats::compare(&[run(baseline), run(other)]);
    all.retain(|comparison| comparison.ratio.is_some());
    (all, windows)
}

fn latency(of: &[f64]) -> Option<Latency> {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |quantile| percentile(&sorted, quantile);
    Some(Latency {
        p50: at(0.5)?,
        p90: at(0.9)?,
        p99: at(0.99)?,
        max: at(1.0)?,
        mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
        count: sorted.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(driver: Driver, cpu_ms_per_order: u64, windows: u64) -> Costs {
        let mut costs = Costs::new(driver);
        for second in 0..=windows * SAMPLES as u64 {
            let decided = second * 50;
            let counters = Counters {
                decided,
                messages: Some(decided * 9),
                transactions: Some(decided * 11),
                bytes: None,
                cpu_ms: decided * cpu_ms_per_order,
            };
            costs.second(counters, &[5.0; 50], &[10.0; 50], Some(40.0));
            if second > 0 && second % SAMPLES as u64 == 0 {
                costs.close(second, true);
            }
        }
        costs
    }

    #[test]
    fn an_average_is_a_difference_by_orders() {
        let cost = costs(Driver::Orchestrated, 4, 1).average();
        assert_eq!((cost.messages, cost.hops, cost.cpu_ms), (Some(9.0), Some(20.0), Some(4.0)));
        assert_eq!(cost.bytes, None, "a figure that is not counted is not zero");
        assert_eq!(Costs::new(Driver::Local).average(), Cost::default());
    }

    #[test]
    fn a_difference_is_shown_and_none_between_equals() {
        let cpu = |other| {
            let (all, windows) =
                compare(&[&costs(Driver::Local, 2, 4), &costs(Driver::Orchestrated, other, 4)]);
            assert_eq!(windows, 4);
            all.into_iter().find(|comparison| comparison.figure == "CPU per order").unwrap().verdict
        };
        assert_eq!(cpu(6), run::Difference::Different);
        assert_eq!(cpu(2), run::Difference::NotShown);
    }

    #[test]
    fn a_disturbed_window_does_not_count() {
        let mut costs = costs(Driver::Local, 2, 1);
        costs.close(20, false);
        assert_eq!(costs.trials.len(), 1);
        costs.gap();
        costs.close(30, true);
        assert_eq!(costs.trials.len(), 1, "an incomplete window is not a trial");
    }
}
