//! Destinations that did not take a message, and how long each is left alone.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a destination is left alone after the first message that it did not take.
const FIRST: Duration = Duration::from_millis(100);

/// The longest that it is left alone: a queue that is back is noticed after this at the latest.
const LONGEST: Duration = Duration::from_secs(5);

/// What the relay knows of destinations that did not take a message. Kept in memory: one relay publishes for a service,
/// and one that starts anew may just as well try (rule 51).
#[derive(Debug, Default)]
pub struct Holds(HashMap<String, Hold>);

#[derive(Debug)]
struct Hold {
    pause: Duration,
    until: Instant,
}

impl Holds {
    /// The destinations that are not to be tried yet.
    pub fn held(&self, now: Instant) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(_, hold)| hold.until > now)
            .map(|(destination, _)| destination.as_str())
            .collect()
    }

    /// Whether a destination did not take the last message that was sent there.
    pub fn doubts(&self, destination: &str) -> bool {
        self.0.contains_key(destination)
    }

    /// A message came back from here, or was refused: each time in a row the pause doubles.
    pub fn failed(&mut self, destination: &str, now: Instant) {
        let pause = self.0.get(destination).map_or(FIRST, |hold| (hold.pause * 2).min(LONGEST));
        if pause == FIRST {
            tracing::error!(destination, "these messages are not taken; they wait, and all others go on");
        }
        self.0.insert(destination.to_owned(), Hold { pause, until: now + pause });
    }

    /// A message was taken here.
    pub fn took(&mut self, destination: &str) {
        if self.0.remove(destination).is_some() {
            tracing::info!(destination, "messages are taken again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_left_alone_for_longer_each_time_and_never_for_long() {
        let (mut holds, began) = (Holds::default(), Instant::now());
        holds.failed("shipping", began);
        assert_eq!(holds.held(began), ["shipping"]);
        assert!(holds.held(began + FIRST).is_empty(), "it is tried again");
        let mut now = began + FIRST;
        for _ in 0..20 {
            holds.failed("shipping", now);
            assert_eq!(holds.held(now + FIRST), ["shipping"], "for longer than the first time");
            now += LONGEST;
            assert!(holds.held(now).is_empty());
        }
        holds.took("shipping");
        holds.failed("shipping", now);
        assert!(holds.held(now + FIRST).is_empty(), "what was taken since counts");
    }
}
