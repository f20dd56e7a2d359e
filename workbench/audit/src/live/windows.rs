//! The distribution of window lengths, in constant space.

use chrono::TimeDelta;
use hdrhistogram::Histogram;

use super::Disagreement;

/// One day in microseconds, as the upper bound of the histogram.
const LONGEST_US: u64 = 24 * 3600 * 1_000_000;

/// The windows of all orders on which the modules now agree.
pub(super) struct Windows {
    lengths: Histogram<u64>,
    longest_us: u64,
}

impl Windows {
    pub fn new() -> Windows {
        let lengths = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("these bounds are in order");
        Windows { lengths, longest_us: 0 }
    }

    pub fn add(&mut self, length: TimeDelta) {
        // Negative only if a clock was set back in between.
        let us = length.num_microseconds().unwrap_or_default().max(0).unsigned_abs();
        self.lengths.saturating_record(us);
        self.longest_us = self.longest_us.max(us);
    }

    pub fn disagreement(&self, orders_now: u64) -> Disagreement {
        let resolved = self.lengths.len();
        let ms = |us: u64| (resolved > 0).then_some(us as f64 / 1000.0);
        // The end of a bucket may lie beyond the longest window in it.
        let percentile = |share| ms(self.lengths.value_at_quantile(share).min(self.longest_us));
        Disagreement {
            orders_now,
            resolved,
            p50_ms: percentile(0.5),
            p99_ms: percentile(0.99),
            longest_ms: ms(self.longest_us),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_not_zero_and_zero_is() {
        let mut windows = Windows::new();
        assert_eq!(windows.disagreement(0), Disagreement::default());
        for _ in 0..10 {
            windows.add(TimeDelta::zero());
        }
        let zero = Some(0.0);
        let all_zero =
            Disagreement { orders_now: 2, resolved: 10, p50_ms: zero, p99_ms: zero, longest_ms: zero };
        assert_eq!(windows.disagreement(2), all_zero);
    }

    #[test]
    fn percentiles_are_of_the_windows() {
        let mut windows = Windows::new();
        for ms in 1..=100 {
            windows.add(TimeDelta::milliseconds(ms));
        }
        let Disagreement { p50_ms, p99_ms, longest_ms, .. } = windows.disagreement(0);
        let near = |found: Option<f64>, ms: f64| (found.unwrap() - ms).abs() < ms / 500.0;
        assert!(near(p50_ms, 50.0) && near(p99_ms, 99.0), "{p50_ms:?} {p99_ms:?}");
        assert_eq!(longest_ms, Some(100.0));
    }
}
