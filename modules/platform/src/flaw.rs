//! *Flaws*: the rules of correctness as switches. Each flaw disables one rule at the one place that implements it, so
//! that you can see what the rule is for. All are off unless `--flaws` names them, and `/health/ready` lists the active
//! ones. `cleave flaws` shows which invariant breaks and how to see it.
//!
//! A check costs one relaxed load of a word that rarely changes.

use std::sync::atomic::{AtomicU32, Ordering};

use clap::ValueEnum;

static SWITCHED_ON: AtomicU32 = AtomicU32::new(0);

/// A rule that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Flaw {
    /// Breaks rule 1 (outbox): messages are sent right away, outside the transaction (a *dual write*).
    NoOutbox,
    /// Breaks rule 2 (pending rows): the relay asks for rows above the last id that it saw.
    IdOrderedPolling,
    /// Breaks rule 4 (confirms): a message counts as sent before the broker confirms it.
    UncheckedConfirm,
    /// Breaks rule 5 (mandatory): the broker drops a message that no queue takes, and acks it.
    NotMandatory,
    /// Breaks rule 10 (small outbox): rows are removed before they are published.
    SentBeforePublished,
    /// Breaks rule 12 (inbox): a delivery is acknowledged before its effects are committed.
    AckBeforeCommit,
    /// Breaks rule 12 (inbox): handled messages are not recorded.
    NoInbox,
    /// Breaks rule 12 (inbox): the inbox row is committed separately, before the effects.
    InboxApart,
    /// Breaks rule 13 (redelivered flag): a message counts as handled if the broker marks it as redelivered.
    TrustRedelivered,
    /// Breaks rule 17 (requeue): a failed message goes straight back into its queue.
    RequeueAtOnce,
    /// Breaks rule 19 (tombstone): a compensation with nothing to undo leaves no tombstone.
    NoTombstone,
    /// Breaks rule 21 (compare-and-set): a saga is saved even if another process changed it in the meantime.
    NoVersionGuard,
    /// Breaks rule 22 (stored intent): the order is committed first; its saga and first message follow later.
    IntentNotStored,
    /// Breaks rule 23 (time-outs): a late reply counts as a refusal.
    TimeOutMeansFailure,
    /// Breaks rule 26 (stock guard): stock is read without a lock and taken without a guard.
    NoStockGuard,
    /// Breaks rule 27 (lock order): each order locks its products in a different order.
    UnsortedLocks,
    /// Breaks rule 30 (decision): the decision to commit is only kept in memory.
    DecisionNotDurable,
    /// Breaks rule 31 (recovery): transactions in doubt are not recovered.
    NoRecovery,
    /// Breaks rule 31 (recovery): recovery treats every prepared transaction as one of a dead process.
    RecoveryIgnoresEpoch,
}

impl Flaw {
    /// Whether the flaw is active in this process.
    pub fn is_on(self) -> bool {
        SWITCHED_ON.load(Ordering::Relaxed) & (1 << self as u32) != 0
    }

    /// The name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// All active flaws.
    pub fn switched_on() -> impl Iterator<Item = Flaw> {
        Flaw::value_variants().iter().copied().filter(|flaw| flaw.is_on())
    }
}

/// Activates flaws for the rest of the process's life.
pub fn switch_on(flaws: &[Flaw]) {
    for flaw in flaws {
        SWITCHED_ON.fetch_or(1 << *flaw as u32, Ordering::Relaxed);
        tracing::warn!(flaw = flaw.name(), "BROKEN ON PURPOSE: a flaw is switched on");
    }
}
