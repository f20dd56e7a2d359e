//! What a process waits for: a failure around it that it waits out instead of blaming a message, rule 46 (bad moments).
//! `/health/ready` and the log name it, with the moment at which it began.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use contracts::excerpt;
use parking_lot::Mutex;
use serde::Serialize;

/// How often the log repeats what is still being waited for.
const REMINDER: Duration = Duration::from_secs(10);

/// The maximum length of a reason, in bytes: rule 49 (text bounds).
const LONGEST_REASON: usize = 300;

/// What the parts of a process wait for. Cheap to clone; all clones are one list.
#[derive(Debug, Clone, Default)]
pub struct Waits(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// The length of the list, so that work that waits for nothing takes no lock.
    count: AtomicUsize,
    list: Mutex<BTreeMap<&'static str, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    wait: Wait,
    began: Instant,
    logged: Instant,
}

/// One thing that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// The part of the process that waits, such as `consumer`.
    pub part: &'static str,
    /// What it waits for, such as `database`.
    pub on: &'static str,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The last error.
    pub why: String,
}

impl Waits {
    /// A part of the process cannot continue, and will try again.
    pub fn begin(&self, part: &'static str, on: &'static str, why: impl Display) {
        let (now, why) = (Instant::now(), excerpt(&why.to_string(), LONGEST_REASON).into_owned());
        let mut list = self.0.list.lock();
        let Some(Waiting { wait, began, logged }) = list.get_mut(part) else {
            tracing::warn!(error = why, "the {part} waits for the {on}");
            let wait = Wait { part, on, since: Utc::now(), why };
            list.insert(part, Waiting { wait, began: now, logged: now });
            self.0.count.store(list.len(), Ordering::Relaxed);
            return;
        };
        if now - *logged >= REMINDER {
            *logged = now;
            tracing::warn!(
                error = why,
                "the {part} has waited for the {on} for {} s",
                began.elapsed().as_secs()
            );
        }
        // Since when it cannot continue, also if something else stands in its way by now.
        (wait.on, wait.why) = (on, why);
    }

    /// It continues.
    pub fn end(&self, part: &'static str) {
        if self.0.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut list = self.0.list.lock();
        if let Some(Waiting { wait, began, .. }) = list.remove(part) {
            self.0.count.store(list.len(), Ordering::Relaxed);
            tracing::info!("the {part} no longer waits for the {}, after {:?}", wait.on, began.elapsed());
        }
    }

    /// Everything that is waited for now.
    pub fn now(&self) -> Vec<Wait> {
        self.0.list.lock().values().map(|waiting| waiting.wait.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_keeps_its_beginning_until_it_ends() {
        let waits = Waits::default();
        waits.end("consumer");
        waits.begin("consumer", "database", "locked");
        waits.begin("relay", "broker", "refused");
        let [consumer, relay] = <[Wait; 2]>::try_from(waits.now()).unwrap();
        assert_eq!((consumer.on, relay.on, relay.why.as_str()), ("database", "broker", "refused"));
        waits.begin("consumer", "database", "x".repeat(5000));
        let still = waits.now().swap_remove(0);
        assert_eq!(still.since, consumer.since);
        assert!(still.why.starts_with("xxx") && still.why.len() < 2 * LONGEST_REASON);
        waits.begin("consumer", "broker", "gone");
        let now = waits.now().swap_remove(0);
        assert_eq!((now.on, now.since), ("broker", consumer.since), "something else stands in its way");
        waits.end("consumer");
        waits.end("relay");
        assert_eq!(waits.now(), []);
    }
}
