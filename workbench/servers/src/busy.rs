//! Detects an overloaded machine, on which slowness need not be the shop's fault.

use std::fmt::{Display, Formatter};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sysinfo::System;

use crate::words;

/// If some program waits for a processor for this share of the time, the machine is busy.
const WAITING: f64 = 0.6;
/// The machine is busy at this load per processor.
const LOAD: f64 = 1.5;
/// If a timer of this process is this late, it waited for a processor itself.
const LATE: Duration = Duration::from_millis(250);
/// Shorter intervals are not significant.
const STRETCH: Duration = Duration::from_millis(500);

/// The signs that the machine is busy. Unknown values are null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// Logical processors, which share the load.
    pub cores: u64,
    /// The share of about the last second in which at least one program waited for a processor, according to the
    /// kernel (pressure stall information).
    pub waiting: Option<f64>,
    /// Mean number of runnable programs over one minute.
    pub load: Option<f64>,
    /// The delay of an otherwise idle timer in this process, in milliseconds.
    pub late_ms: Option<f64>,
}

/// Repeated measurement.
#[derive(Debug, Default)]
pub struct Gauge {
    /// The time of the last measurement, and the microseconds of waiting until then.
    last: Option<(Instant, u64)>,
    waiting: Option<f64>,
}

/// The signs in a single measurement, over the last ten seconds; `None` if the machine is not busy.
pub fn now() -> Option<Busy> {
    let waiting = std::fs::read_to_string("/proc/pressure/cpu").ok().and_then(|text| read_average(&text));
    Gauge { waiting, last: None }.judge(None)
}

impl Gauge {
    /// The current signs; `None` if the machine is not busy. `late` is the delay of a timer of the caller.
    pub fn look(&mut self, late: Option<Duration>) -> Option<Busy> {
        self.measure(Instant::now(), stalled());
        self.judge(late)
    }

    fn judge(&self, late: Option<Duration>) -> Option<Busy> {
        let load = System::load_average().map_or(0.0, |load| load.one);
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        Busy {
            cores,
            waiting: self.waiting,
            // Zero if the system does not report it.
            load: (load > 0.0).then_some(load),
            late_ms: late.map(|late| late.as_secs_f64() * 1000.0),
        }
        .if_so()
    }

    fn measure(&mut self, now: Instant, stalled: Option<u64>) {
        let Some(stalled) = stalled else { return self.waiting = None };
        let Some((then, before)) = self.last else { return self.last = Some((now, stalled)) };
        let passed = now - then;
        if passed >= STRETCH {
            let waited = stalled.saturating_sub(before) as f64 / passed.as_micros() as f64;
            self.waiting = Some(waited.min(1.0));
            self.last = Some((now, stalled));
        }
    }
}

impl Busy {
    /// Returns itself if the machine is busy. The load average lags behind, so it counts only if the kernel reports
    /// nothing better.
    fn if_so(self) -> Option<Busy> {
        let late = self.late_ms.is_some_and(|late| late >= LATE.as_secs_f64() * 1000.0);
        let crowded = match self.waiting {
            Some(waiting) => waiting >= WAITING,
            None => self.load.is_some_and(|load| load > LOAD * self.cores as f64),
        };
        (late || crowded).then_some(self)
    }
}

impl Display for Busy {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let mut signs = Vec::new();
        signs.extend(self.waiting.map(|share| words::busy_waiting(format_args!("{:.0}", share * 100.0))));
        signs.extend(self.load.map(|load| words::busy_load(format_args!("{load:.1}"), self.cores)));
        let late = self.late_ms.filter(|late| *late >= 1.0);
        signs.extend(late.map(|late| words::busy_late(format_args!("{late:.0}"))));
        f.write_str(&words::busy(signs.join(", ")))
    }
}

/// Microseconds since boot in which some program waited for a processor.
fn stalled() -> Option<u64> {
    read_stalled(&std::fs::read_to_string("/proc/pressure/cpu").ok()?)
}

fn read_stalled(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    line.split(' ').find_map(|word| word.strip_prefix("total=")?.parse().ok())
}

/// The share of the last ten seconds.
fn read_average(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    let percent: f64 = line.split(' ').find_map(|word| word.strip_prefix("avg10=")?.parse().ok())?;
    Some(percent / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_account_is_read() {
        let text = "some avg10=1.53 avg60=2.10 avg300=0.00 total=4200\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(read_stalled(text), Some(4200));
        assert!((read_average(text).unwrap() - 0.0153).abs() < 1e-9);
        for damaged in ["", "some", "full total=1", "some total=x"] {
            assert_eq!(read_stalled(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn waiting_is_a_share_of_the_time_that_passed() {
        let start = Instant::now();
        let mut gauge = Gauge::default();
        gauge.measure(start, Some(1_000_000));
        assert_eq!(gauge.waiting, None, "one look is no stretch");
        gauge.measure(start + Duration::from_secs(2), Some(2_500_000));
        assert_eq!(gauge.waiting, Some(0.75));
        gauge.measure(start + Duration::from_secs(4), None);
        assert_eq!(gauge.waiting, None, "what is not told is not known");
    }

    #[test]
    fn evidence_is_what_it_takes() {
        terminal::language::set(terminal::language::Language::English);
        let quiet = Busy { cores: 2, waiting: Some(0.2), load: Some(9.0), late_ms: Some(3.0) };
        assert_eq!(quiet.clone().if_so(), None, "the load of a minute is old news");
        assert!(Busy { waiting: Some(0.9), ..quiet.clone() }.if_so().is_some());
        assert!(Busy { waiting: None, ..quiet.clone() }.if_so().is_some());
        assert!(Busy { waiting: None, load: Some(2.9), ..quiet.clone() }.if_so().is_none());
        let late = Busy { late_ms: Some(400.0), ..quiet }.if_so().unwrap();
        assert_eq!(
            late.to_string(),
            "this machine is busy: programs waited for a processor 20 % of the time, load 9.0 on 2 cores, our own clock \
             was 400 ms late"
        );
    }
}
