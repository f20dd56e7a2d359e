//! Counts of what happened.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The counts of one schedule, or the sum of many.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Schedules that were run.
    pub schedules: u64,
    /// Steps in all schedules.
    pub steps: u64,
    /// Messages that a consumer received.
    pub deliveries: u64,
    /// Messages among them that were already in the inbox.
    pub duplicates: u64,
    /// Deliveries that overtook an older message in the same queue.
    pub reordered: u64,
    /// Crashes of services and relays, and responses that did not reach a client.
    pub crashes: u64,
    /// Commands that were sent again because the answer was late.
    pub asked_again: u64,
    /// Transactions that were rolled back because a concurrent one saved first.
    pub overtaken: u64,
    /// Times that a module granted what it had refused before.
    pub flips: u64,
    /// Actions that came after their compensation, and found the tombstone.
    pub withdrawn: u64,
    /// Requests that repeated an earlier one.
    pub replayed: u64,
    /// How orders ended: `confirmed`, or the refusal's code.
    pub outcomes: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts the outcome of one order.
    pub fn ended(&mut self, outcome: &'static str) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// Adds the counts of another tally.
    pub fn add(&mut self, other: &Tally) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.deliveries += other.deliveries;
        self.duplicates += other.duplicates;
        self.reordered += other.reordered;
        self.crashes += other.crashes;
        self.asked_again += other.asked_again;
        self.overtaken += other.overtaken;
        self.flips += other.flips;
        self.withdrawn += other.withdrawn;
        self.replayed += other.replayed;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
    }

    /// The counts with their names, without the outcomes.
    pub fn counts(&self) -> [(&'static str, u64); 11] {
        [
            ("schedules", self.schedules),
            ("steps", self.steps),
            ("deliveries", self.deliveries),
            ("duplicates", self.duplicates),
            ("reordered", self.reordered),
            ("crashes", self.crashes),
            ("asked again", self.asked_again),
            ("overtaken", self.overtaken),
            ("no, then yes", self.flips),
            ("withdrawn", self.withdrawn),
            ("replayed", self.replayed),
        ]
    }

    /// The same as JSON.
    pub fn to_json(&self) -> Value {
        let name = |name: &str| name.replace(", ", " ").replace(' ', "_");
        let counts = self.counts().map(|(key, count)| (name(key), json!(count)));
        let mut object: serde_json::Map<String, Value> = counts.into_iter().collect();
        object.insert("outcomes".into(), json!(self.outcomes));
        Value::Object(object)
    }
}
