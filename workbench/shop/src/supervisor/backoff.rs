//! *Exponential back-off*: a process that keeps ending is started ever more seldom, so that it cannot keep the machine
//! busy with nothing but starts.

use std::time::{Duration, Instant};

/// Before the first restart.
const FIRST: Duration = Duration::from_millis(100);
/// Before any restart, at most.
const LONGEST: Duration = Duration::from_secs(10);
/// Whoever has run so long had a fresh misfortune, and not the same one again.
const FORGIVEN: Duration = Duration::from_secs(20);

/// How long one process has to wait before it is started again.
#[derive(Debug)]
pub struct Backoff {
    started: Instant,
    wait: Duration,
}

impl Backoff {
    /// For a process that was started now, for the first time.
    pub fn new(now: Instant) -> Backoff {
        Backoff { started: now, wait: FIRST }
    }

    /// It has ended: when to start it again.
    pub fn ended(&mut self, now: Instant) -> Instant {
        if now.duration_since(self.started) >= FORGIVEN {
            self.wait = FIRST;
        }
        let due = now + self.wait;
        self.wait = (self.wait * 2).min(LONGEST);
        due
    }

    /// It was started again.
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
