//! What happened how often.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Counts, of one schedule or of many.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Schedules that were run.
    pub schedules: u64,
    /// Steps in them.
    pub steps: u64,
    /// Messages that a consumer took.
    pub deliveries: u64,
    /// Of these, messages that the inbox knew.
    pub duplicates: u64,
    /// Deliveries that overtook an older message in the same queue.
    pub reordered: u64,
    /// Crashes of services and relays, and answers that did not reach a client.
    pub crashes: u64,
    /// Times that somebody was asked again because the answer took long.
    pub asked_again: u64,
    /// Transactions that were rolled back because another had been faster.
    pub overtaken: u64,
    /// Times that a module said yes to what it had refused before.
    pub flips: u64,
    /// Actions that came after they had been undone, and found the tombstone.
    pub withdrawn: u64,
    /// Requests that repeated an earlier one.
    pub replayed: u64,
    /// How orders ended: `confirmed`, or why not.
    pub outcomes: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// One order ended so.
    pub fn ended(&mut self, outcome: &'static str) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// The sum of two.
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

    /// The counts by their names, outcomes left out.
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

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let name = |name: &str| name.replace(", ", " ").replace(' ', "_");
        let counts = self.counts().map(|(key, count)| (name(key), json!(count)));
        let mut object: serde_json::Map<String, Value> = counts.into_iter().collect();
        object.insert("outcomes".into(), json!(self.outcomes));
        Value::Object(object)
    }
}
