//! Runs many schedules in parallel.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use platform::Flaw;

use super::case::{Case, Protocol};
use super::tally::Tally;

/// How many schedules a thread takes at a time.
const CHUNK: u64 = 250;

/// A campaign ends early after this many violations.
const ENOUGH: usize = 5;

/// A range of schedules.
pub struct Campaign {
    /// The seeds are divided among these protocols.
    pub protocols: Vec<Protocol>,
    /// The rule that is left out on purpose.
    pub flaw: Option<Flaw>,
    /// The first seed.
    pub first: u64,
    /// How many schedules, over all protocols.
    pub schedules: u64,
}

/// The result of a campaign.
#[derive(Default)]
pub struct Summary {
    /// Counts of what happened, per protocol.
    pub tallies: BTreeMap<String, Tally>,
    /// The sum of all history hashes. It does not depend on how schedules were spread over threads.
    pub fingerprint: u64,
    /// Schedules that violated an invariant, at most a few, because the campaign ends early.
    pub failed: Vec<Case>,
}

impl Campaign {
    /// Runs all schedules, on every core. `progress` receives the number of finished schedules.
    pub fn run(&self, progress: impl Fn(u64) + Sync) -> Summary {
        let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let summary = Mutex::new(Summary::default());
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                        let to = (from + CHUNK).min(self.schedules);
                        if from >= to {
                            return;
                        }
                        let part = self.part(from, to);
                        let mut summary = summary.lock();
                        summary.add(part);
                        if summary.failed.len() >= ENOUGH {
                            next.store(self.schedules, Ordering::Relaxed);
                        }
                        progress(done.fetch_add(to - from, Ordering::Relaxed) + to - from);
                    }
                });
            }
        });
        summary.into_inner()
    }

    fn part(&self, from: u64, to: u64) -> Summary {
        let mut part = Summary::default();
        let protocols = self.protocols.len() as u64;
        for number in from..to {
            let protocol = self.protocols[(number % protocols) as usize];
            let case = Case::new(protocol, self.flaw, self.first + number / protocols);
            let run = case.run(false);
            part.tallies.entry(protocol.name()).or_default().add(&run.tally);
            part.fingerprint = part.fingerprint.wrapping_add(run.hash);
            if run.violation.is_some() {
                part.failed.push(case);
            }
        }
        part
    }
}

impl Summary {
    fn add(&mut self, part: Summary) {
        for (protocol, tally) in &part.tallies {
            self.tallies.entry(protocol.clone()).or_default().add(tally);
        }
        self.fingerprint = self.fingerprint.wrapping_add(part.fingerprint);
        self.failed.extend(part.failed);
        self.failed.sort_by_key(|case| case.seed);
    }

    /// The counts over all protocols.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.tallies.values().for_each(|tally| total.add(tally));
        total
    }
}
