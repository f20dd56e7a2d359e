//! All flaws. The shop's programs know them by the same names; a test compares the two lists.

use super::experiment::Experiment;
use super::texts;
use terminal::CLEAVE;
use terminal::text::Text;
use topology::Driver;

/// A rule of correctness that the shop can leave out, and an experiment that shows it.
#[derive(Debug)]
pub struct Flaw {
    /// Its name, as in `--flaws`.
    pub name: &'static str,
    /// The number of the rule that it leaves out.
    pub rule: u8,
    /// A sentence that says what is left out.
    pub says: fn() -> Text,
    /// The invariant that must break.
    pub breaks: &'static str,
    /// The driver on which the experiment shows it.
    pub driver: Driver,
    /// The experiment and its result.
    pub seen: fn() -> Text,
    pub(super) experiment: Experiment,
}

impl Flaw {
    /// The command that shows it.
    pub fn command(&self) -> String {
        format!("{CLEAVE} flaws show {}", self.name)
    }
}

/// Every flaw, in the order of the rules.
pub const FLAWS: &[Flaw] = &[
    Flaw {
        name: "no-outbox",
        rule: 1,
        says: texts::no_outbox,
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: texts::no_outbox_seen,
        experiment: Experiment::Crash { process: "inventory", point: "before-publish", rounds: 3 },
    },
    Flaw {
        name: "id-ordered-polling",
        rule: 2,
        says: texts::id_ordered_polling,
        breaks: "I6",
        driver: Driver::Choreographed,
        seen: texts::id_ordered_polling_seen,
        experiment: Experiment::Crowd,
    },
    Flaw {
        name: "unchecked-confirm",
        rule: 4,
        says: texts::unchecked_confirm,
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: texts::unchecked_confirm_seen,
        experiment: Experiment::FullQueue,
    },
    Flaw {
        name: "not-mandatory",
        rule: 5,
        says: texts::not_mandatory,
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: texts::not_mandatory_seen,
        experiment: Experiment::NoQueue,
    },
    Flaw {
        name: "sent-before-published",
        rule: 10,
        says: texts::sent_before_published,
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: texts::sent_before_published_seen,
        experiment: Experiment::Crash { process: "inventory", point: "before-publish", rounds: 1 },
    },
    Flaw {
        name: "ack-before-commit",
        rule: 12,
        says: texts::ack_before_commit,
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: texts::ack_before_commit_seen,
        experiment: Experiment::Crash { process: "inventory", point: "before-commit", rounds: 1 },
    },
    Flaw {
        name: "no-inbox",
        rule: 12,
        says: texts::no_inbox,
        breaks: "I5",
        driver: Driver::Choreographed,
        seen: texts::no_inbox_seen,
        experiment: Experiment::LateDuplicate,
    },
    Flaw {
        name: "inbox-apart",
        rule: 12,
        says: texts::inbox_apart,
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: texts::inbox_apart_seen,
        experiment: Experiment::Crash { process: "inventory", point: "before-commit", rounds: 1 },
    },
    Flaw {
        name: "trust-redelivered",
        rule: 13,
        says: texts::trust_redelivered,
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: texts::trust_redelivered_seen,
        experiment: Experiment::Crash { process: "inventory", point: "before-commit", rounds: 1 },
    },
    Flaw {
        name: "requeue-at-once",
        rule: 17,
        says: texts::requeue_at_once,
        breaks: "I6",
        driver: Driver::Choreographed,
        seen: texts::requeue_at_once_seen,
        experiment: Experiment::Poison,
    },
    Flaw {
        name: "no-tombstone",
        rule: 19,
        says: texts::no_tombstone,
        breaks: "I5",
        driver: Driver::Tcc,
        seen: texts::no_tombstone_seen,
        experiment: Experiment::LateCommand,
    },
    Flaw {
        name: "no-version-guard",
        rule: 21,
        says: texts::no_version_guard,
        breaks: "I1",
        driver: Driver::Tcc,
        seen: texts::no_version_guard_seen,
        experiment: Experiment::TwoInstances,
    },
    Flaw {
        name: "intent-not-stored",
        rule: 22,
        says: texts::intent_not_stored,
        breaks: "I1",
        driver: Driver::Orchestrated,
        seen: texts::intent_not_stored_seen,
        experiment: Experiment::Crash { process: "orders", point: "before-saga-start", rounds: 1 },
    },
    Flaw {
        name: "time-out-means-failure",
        rule: 23,
        says: texts::time_out_means_failure,
        breaks: "I5",
        driver: Driver::Orchestrated,
        seen: texts::time_out_means_failure_seen,
        experiment: Experiment::SlowAnswer,
    },
    Flaw {
        name: "no-stock-guard",
        rule: 26,
        says: texts::no_stock_guard,
        breaks: "I2",
        driver: Driver::Local,
        seen: texts::no_stock_guard_seen,
        experiment: Experiment::LastPieces,
    },
    Flaw {
        name: "unsorted-locks",
        rule: 27,
        says: texts::unsorted_locks,
        breaks: "I7",
        driver: Driver::Local,
        seen: texts::unsorted_locks_seen,
        experiment: Experiment::PopularProducts,
    },
    Flaw {
        name: "decision-not-durable",
        rule: 30,
        says: texts::decision_not_durable,
        breaks: "I5",
        driver: Driver::TwoPhase,
        seen: texts::decision_not_durable_seen,
        experiment: Experiment::Crash { process: "monolith", point: "after-commit-prepared", rounds: 1 },
    },
    Flaw {
        name: "no-recovery",
        rule: 31,
        says: texts::no_recovery,
        breaks: "I7",
        driver: Driver::TwoPhase,
        seen: texts::no_recovery_seen,
        experiment: Experiment::Crash { process: "monolith", point: "before-decision", rounds: 1 },
    },
    Flaw {
        name: "recovery-ignores-epoch",
        rule: 31,
        says: texts::recovery_ignores_epoch,
        breaks: "I1",
        driver: Driver::TwoPhase,
        seen: texts::recovery_ignores_epoch_seen,
        experiment: Experiment::SlowDecision,
    },
];
