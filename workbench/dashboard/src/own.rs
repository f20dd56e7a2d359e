//! What the dashboard itself uses.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::sample::OwnCost;

/// Measures this process.
#[derive(Debug, Default)]
pub struct Own {
    before: Option<(Instant, Duration)>,
}

impl Own {
    /// The usage now, and since the last call.
    pub fn now(&mut self, pages: u64) -> OwnCost {
        let used = used();
        let before = used.and_then(|used| self.before.replace((Instant::now(), used)));
        let cpu_percent = before.zip(used).map(|((then, before), used)| {
            let share = used.saturating_sub(before).as_secs_f64() / then.elapsed().as_secs_f64();
            (share * 10_000.0).round() / 100.0
        });
        OwnCost { cpu_percent, memory_mb: memory_mb(), pages }
    }
}

/// Processor time of all threads so far.
fn used() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let time = |value: nix::sys::time::TimeVal| {
        Duration::new(value.tv_sec().unsigned_abs(), value.tv_usec().unsigned_abs() as u32 * 1_000)
    };
    Some(time(usage.user_time()) + time(usage.system_time()))
}

fn memory_mb() -> Option<f64> {
    let pid = Pid::from_u32(std::process::id());
    let mut system = System::new().ok()?;
    let what = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    system.process(pid).map(|process| (process.memory() as f64 / 1e4).round() / 100.0)
}
