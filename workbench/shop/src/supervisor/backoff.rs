//! *Exponential back-off*: the pause before a restart grows each time a process ends again, so that restarts cannot
//! keep the machine busy.

use std::time::{Duration, Instant};

/// Pause before the first restart.
const FIRST: Duration = Duration::from_millis(100);
/// Longest pause before a restart.
const LONGEST: Duration = Duration::from_secs(10);
/// After a process has run this long, its end counts as a new failure.
const FORGIVEN: Duration = Duration::from_secs(20);

/// The back-off state of one process.
#[derive(Debug)]
pub struct Backoff {
    started: Instant,
    wait: Duration,
}

impl Backoff {
    /// For a process that was started now for the first time.
    pub fn new(now: Instant) -> Backoff {
        Backoff { started: now, wait: FIRST }
    }

    /// Records that it has ended, and returns when to restart it.
    pub fn ended(&mut self, now: Instant) -> Instant {
        if now.duration_since(self.started) >= FORGIVEN {
            self.wait = FIRST;
        }
        let due = now + self.wait;
        self.wait = (self.wait * 2).min(LONGEST);
        due
    }

    /// Records that it was restarted.
    pub fn started(&mut self, now: Instant) {
        self.started = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_are_forgiven() {
        let start = Instant::now();
        let mut backoff = Backoff::new(start);
        let mut waits = Vec::new();
        let mut now = start;
        for _ in 0..9 {
            let due = backoff.ended(now);
            waits.push((due - now).as_millis());
            backoff.started(due);
            now = due;
        }
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        let later = now + FORGIVEN;
        assert_eq!(backoff.ended(later) - later, FIRST);
    }
}
