//! The current anomalies, by invariant.

use std::collections::BTreeSet;

use terminal::text::Text;

/// The maximum number of anomalies kept by name. Beyond it they are only counted.
const KEPT: usize = 1_000;

/// The anomalies of one invariant by subject, so that each can be removed when it is repaired.
#[derive(Debug, Default)]
pub(super) struct Anomalies {
    kept: BTreeSet<Text>,
    beyond: u64,
    /// Anomalies that are only counted, such as messages, with a description.
    counted: Option<(u64, Text)>,
}

impl Anomalies {
    /// Records an anomaly of this subject: an order's id, or a description.
    pub fn add(&mut self, thing: Text) {
        if self.kept.len() < KEPT || self.kept.contains(&thing) {
            self.kept.insert(thing);
        } else {
            self.beyond += 1;
        }
    }

    /// Removes the anomaly of this subject, if there is one.
    pub fn remove(&mut self, thing: &Text) {
        self.kept.remove(thing);
    }

    /// Sets the number of anomalies that have no names.
    pub fn count(&mut self, anomalies: u64, words: impl FnOnce() -> Text) {
        self.counted = (anomalies > 0).then(|| (anomalies, words()));
    }

    pub fn number(&self) -> u64 {
        self.kept.len() as u64 + self.beyond + self.counted.as_ref().map_or(0, |(number, _)| *number)
    }

    pub fn example(&self) -> Option<Text> {
        let named = self.kept.first().cloned();
        named.or_else(|| self.counted.as_ref().map(|(_, words)| words.clone()))
    }
}
