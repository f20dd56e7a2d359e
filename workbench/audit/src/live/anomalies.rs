//! What is wrong at this moment, by invariant.

use std::collections::BTreeSet;

/// So many are kept by name; from there on they are only counted.
const KEPT: usize = 1_000;

/// The anomalies of one invariant: by what they are about, so that one that was mended is one no more.
#[derive(Debug, Default)]
pub(super) struct Anomalies {
    kept: BTreeSet<String>,
    beyond: u64,
    /// What can only be counted, as messages are; in words.
    counted: Option<(u64, String)>,
}

impl Anomalies {
    /// Something is wrong with this thing: an order's id, or words.
    pub fn add(&mut self, thing: String) {
        if self.kept.len() < KEPT || self.kept.contains(&thing) {
            self.kept.insert(thing);
        } else {
            self.beyond += 1;
        }
    }

    /// Nothing is wrong with it, or not any more.
    pub fn remove(&mut self, thing: &str) {
        self.kept.remove(thing);
    }

    /// So many things are wrong now that have no names.
    pub fn count(&mut self, anomalies: u64, words: impl FnOnce() -> String) {
        self.counted = (anomalies > 0).then(|| (anomalies, words()));
    }

    pub fn number(&self) -> u64 {
        self.kept.len() as u64 + self.beyond + self.counted.as_ref().map_or(0, |(number, _)| *number)
    }

    pub fn example(&self) -> Option<String> {
        let named = self.kept.first().cloned();
        named.or_else(|| self.counted.as_ref().map(|(_, words)| words.clone()))
    }
}
