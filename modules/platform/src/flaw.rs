//! *Flaws*: the rules of correctness as switches. Each leaves one rule out, in the one place that keeps it, so that
//! anybody can see what the rule is for. All are off unless `--flaws` names them, and a process with one says so in
//! `/health/ready`. `cleave flaws` tells which invariant breaks and how to see it.
//!
//! Asking costs one relaxed load of a word that never changes.

use std::sync::atomic::{AtomicU32, Ordering};

use clap::ValueEnum;

static SWITCHED_ON: AtomicU32 = AtomicU32::new(0);

/// A rule that is left out on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Flaw {
    /// Rule 1: messages are sent when they are made, beside the transaction: a *dual write*.
    NoOutbox,
    /// Rule 2: the relay asks for rows above the last id that it saw.
    IdOrderedPolling,
    /// Rule 4: a message counts as sent before the broker has confirmed it.
    UncheckedConfirm,
    /// Rule 5: a message that no queue takes is dropped, and acked.
    NotMandatory,
    /// Rule 10: rows are removed before they are published.
    SentBeforePublished,
    /// Rule 12: a delivery is acknowledged before its effects are committed.
    AckBeforeCommit,
    /// Rule 12: nobody remembers which messages were handled.
    NoInbox,
    /// Rule 12: the inbox row is committed by itself, before the effects.
    InboxApart,
    /// Rule 13: a message counts as handled because the broker calls it redelivered.
    TrustRedelivered,
    /// Rule 17: a message that failed goes straight back to its queue.
    RequeueAtOnce,
    /// Rule 19: a compensation with nothing to undo leaves nothing behind.
    NoTombstone,
    /// Rule 21: a saga is saved over whatever another made of it meanwhile.
    NoVersionGuard,
    /// Rule 22: the order is committed first, and its saga and first message after it.
    IntentNotStored,
    /// Rule 23: an answer that takes long is taken for a no.
    TimeOutMeansFailure,
    /// Rule 26: stock is read without a lock, and taken without a guard.
    NoStockGuard,
    /// Rule 27: each order locks its products in an order of its own.
    UnsortedLocks,
    /// Rule 30: the decision to commit is kept in memory only.
    DecisionNotDurable,
    /// Rule 31: nobody looks for transactions in doubt.
    NoRecovery,
    /// Rule 31: recovery takes every prepared transaction for one of a dead process.
    RecoveryIgnoresEpoch,
}

impl Flaw {
    /// Whether it is switched on in this process.
    pub fn is_on(self) -> bool {
        SWITCHED_ON.load(Ordering::Relaxed) & (1 << self as u32) != 0
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// All that are switched on.
    pub fn switched_on() -> impl Iterator<Item = Flaw> {
        Flaw::value_variants().iter().copied().filter(|flaw| flaw.is_on())
    }
}

/// Switches flaws on, for as long as the process lives.
pub fn switch_on(flaws: &[Flaw]) {
    for flaw in flaws {
        SWITCHED_ON.fetch_or(1 << *flaw as u32, Ordering::Relaxed);
        tracing::warn!(flaw = flaw.name(), "BROKEN ON PURPOSE: a flaw is switched on");
    }
}
