//! Destinations that did not take a message, and how long each is skipped.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a destination is skipped after the first message that it did not take.
const FIRST: Duration = Duration::from_millis(100);

/// The maximum pause, after which at the latest a queue that is back is noticed.
const LONGEST: Duration = Duration::from_secs(5);

/// Destinations that did not take a message. Kept in memory only: a service has one relay, and a restarted relay can
/// simply try again. See rule 51 (partial progress).
#[derive(Debug, Default)]
pub struct Holds(HashMap<String, Hold>);

#[derive(Debug)]
struct Hold {
    pause: Duration,
    until: Instant,
}

impl Holds {
    /// The destinations to skip for now.
    pub fn held(&self, now: Instant) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(_, hold)| hold.until > now)
            .map(|(destination, _)| destination.as_str())
            .collect()
    }

    /// Forgets all other destinations. For those that no message is waiting for.
    pub fn keep(&mut self, waited_for: impl Fn(&str) -> bool) {
        self.0.retain(|destination, _| waited_for(destination));
    }

    /// Whether every destination takes messages.
    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a destination did not take the last message that was sent to it.
    pub fn doubts(&self, destination: &str) -> bool {
        self.0.contains_key(destination)
    }

    /// Notes that a message for this destination was returned or refused. The pause doubles with each failure in a row.
    pub fn failed(&mut self, destination: &str, now: Instant) {
        let pause = self.0.get(destination).map_or(FIRST, |hold| (hold.pause * 2).min(LONGEST));
        if pause == FIRST {
            tracing::error!(
                destination,
                "messages to this destination are not taken; they wait, all others continue"
            );
        }
        self.0.insert(destination.to_owned(), Hold { pause, until: now + pause });
    }

    /// Notes that this destination took a message.
    pub fn took(&mut self, destination: &str) {
        if self.0.remove(destination).is_some() {
            tracing::info!(destination, "messages to this destination are taken again");
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
            assert_eq!(holds.held(now + FIRST), ["shipping"], "the pause is longer than the first one");
            now += LONGEST;
            assert!(holds.held(now).is_empty());
        }
        holds.keep(|destination| destination == "shipping");
        assert!(holds.doubts("shipping"), "a message is waiting for it");
        holds.took("shipping");
        assert!(holds.are_none());
        holds.failed("shipping", now);
        assert!(holds.held(now + FIRST).is_empty(), "a success resets the pause");
    }
}
