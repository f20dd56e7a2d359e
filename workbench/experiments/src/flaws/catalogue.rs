//! All flaws. The shop's programs know them by the same names; a test compares the two lists.

use super::experiment::Experiment;
use topology::Driver;

/// A rule of correctness that the shop can leave out, and how that is seen.
#[derive(Debug)]
pub struct Flaw {
    /// Its name, as `--flaws` knows it.
    pub name: &'static str,
    /// The number of the rule that it leaves out.
    pub rule: u8,
    /// What is left out, in a sentence.
    pub says: &'static str,
    /// The invariant that must break.
    pub breaks: &'static str,
    /// The driver on which the experiment shows it.
    pub driver: Driver,
    /// What the experiment does, and what comes of it.
    pub seen: &'static str,
    pub(super) experiment: Experiment,
}

impl Flaw {
    /// The command that shows it.
    pub fn command(&self) -> String {
        format!("cargo cleave flaws show {}", self.name)
    }
}

/// Every flaw, in the order of the rules.
pub const FLAWS: &[Flaw] = &[
    Flaw {
        name: "no-outbox",
        rule: 1,
        says: "Messages are sent when they are made, beside the transaction: a dual write.",
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: "The inventory dies when it has reserved and before it has told anybody. Nobody will: its inbox knows \
               the message that it was answering, and the orders stay pending for ever. Three times over, since what \
               was sent before the commit is made again. (An orchestrator would ask again after 30 s and heal it.)",
        experiment: Experiment::Crash { process: "inventory", point: "before-publish", rounds: 3 },
    },
    Flaw {
        name: "id-ordered-polling",
        rule: 2,
        says: "The relay asks for rows above the last id that it saw, instead of for those that wait.",
        breaks: "I6",
        driver: Driver::Choreographed,
        seen: "Orders are placed by 32 customers at once, whose rows are committed in another order than their ids. \
               The relay goes past some that it cannot see yet, and they wait in the outbox for ever.",
        experiment: Experiment::Crowd,
    },
    Flaw {
        name: "unchecked-confirm",
        rule: 4,
        says: "A message counts as sent when it is written to the connection, whatever the broker says to it.",
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: "The way to the inventory is full for a moment, and the broker refuses messages (nack). Nobody listens: \
               they are gone, and their orders stay pending. A broker that dies with messages in its hands does the \
               same, but not every time.",
        experiment: Experiment::FullQueue,
    },
    Flaw {
        name: "not-mandatory",
        rule: 5,
        says: "A message that no queue takes is dropped by the broker, and acknowledged.",
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: "The inventory's queue is not bound for a moment. The messages of that moment are gone, and their orders \
               stay pending.",
        experiment: Experiment::NoQueue,
    },
    Flaw {
        name: "sent-before-published",
        rule: 10,
        says: "The relay removes rows from the outbox before it publishes them.",
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: "The inventory dies between the two: the messages are in neither outbox nor broker, and their orders \
               stay pending.",
        experiment: Experiment::Crash { process: "inventory", point: "before-publish", rounds: 1 },
    },
    Flaw {
        name: "ack-before-commit",
        rule: 12,
        says: "A delivery is acknowledged before its effects are committed.",
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: "The inventory dies before a commit. The broker believes that it is done, and never sends the messages \
               again.",
        experiment: Experiment::Crash { process: "inventory", point: "before-commit", rounds: 1 },
    },
    Flaw {
        name: "no-inbox",
        rule: 12,
        says: "Nobody remembers which messages were handled.",
        breaks: "I5",
        driver: Driver::Choreographed,
        seen: "The inventory says no to an order, which is cancelled. Then pieces come in, and the message that was \
               answered with no comes once more: now the answer is yes, and the customer of a cancelled order pays \
               and gets a parcel.",
        experiment: Experiment::LateDuplicate,
    },
    Flaw {
        name: "inbox-apart",
        rule: 12,
        says: "The inbox row is committed by itself, before the effects.",
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: "The inventory dies before it commits the effects. The messages come again, and are taken for handled.",
        experiment: Experiment::Crash { process: "inventory", point: "before-commit", rounds: 1 },
    },
    Flaw {
        name: "trust-redelivered",
        rule: 13,
        says: "A message counts as handled because the broker calls it redelivered.",
        breaks: "I1",
        driver: Driver::Choreographed,
        seen: "The inventory dies before a commit. The messages come again, are called redelivered, and are thrown \
               away though nobody has handled them.",
        experiment: Experiment::Crash { process: "inventory", point: "before-commit", rounds: 1 },
    },
    Flaw {
        name: "requeue-at-once",
        rule: 17,
        says: "A message that cannot be handled goes straight back to its queue.",
        breaks: "I6",
        driver: Driver::Choreographed,
        seen: "A message that nobody can read goes round and round as fast as it can, and is never set aside as a \
               dead letter.",
        experiment: Experiment::Poison,
    },
    Flaw {
        name: "no-tombstone",
        rule: 19,
        says: "A compensation that finds nothing to undo leaves nothing behind.",
        breaks: "I5",
        driver: Driver::Tcc,
        seen: "The command to reserve is late, and comes after the one to release: the payment was refused meanwhile. \
               The pieces stay reserved for an order that is cancelled.",
        experiment: Experiment::LateCommand,
    },
    Flaw {
        name: "no-version-guard",
        rule: 21,
        says: "A saga is saved over whatever another has made of it meanwhile.",
        breaks: "I1",
        driver: Driver::Tcc,
        seen: "Two instances of the orders service take answers to the same order at the same moment. Each saves what \
               it knows, one answer is lost, and the order waits for it for ever.",
        experiment: Experiment::TwoInstances,
    },
    Flaw {
        name: "intent-not-stored",
        rule: 22,
        says: "The order is committed first, and its saga and first message after it.",
        breaks: "I1",
        driver: Driver::Orchestrated,
        seen: "The orders service dies between the two: the order is there, and nobody knows what was to be done \
               about it.",
        experiment: Experiment::Crash { process: "orders", point: "before-saga-start", rounds: 1 },
    },
    Flaw {
        name: "time-out-means-failure",
        rule: 23,
        says: "An answer that takes long is taken for a no.",
        breaks: "I5",
        driver: Driver::Orchestrated,
        seen: "The command to schedule a parcel is on its way for longer than the orchestrator waits (2 s here). The \
               order is cancelled and paid back, and then the parcel goes out.",
        experiment: Experiment::SlowAnswer,
    },
    Flaw {
        name: "no-stock-guard",
        rule: 26,
        says: "Stock is read without a lock, and taken without a guard.",
        breaks: "I2",
        driver: Driver::Local,
        seen: "32 customers want the last 3 pieces, five times over: more pieces are sold than there were.",
        experiment: Experiment::LastPieces,
    },
    Flaw {
        name: "unsorted-locks",
        rule: 27,
        says: "Each order locks its products in an order of its own.",
        breaks: "I7",
        driver: Driver::Local,
        seen: "24 orders of the same six products, eight at once: they wait for each other in circles, until the database \
               breaks the deadlocks.",
        experiment: Experiment::PopularProducts,
    },
    Flaw {
        name: "decision-not-durable",
        rule: 30,
        says: "The decision to commit is kept in memory only.",
        breaks: "I5",
        driver: Driver::TwoPhase,
        seen: "The coordinator dies when one branch is committed. Recovery finds no decision, which means abort, and \
               rolls the others back: half of the order is there.",
        experiment: Experiment::Crash { process: "monolith", point: "after-commit-prepared", rounds: 1 },
    },
    Flaw {
        name: "no-recovery",
        rule: 31,
        says: "Nobody looks for transactions that are in doubt.",
        breaks: "I7",
        driver: Driver::TwoPhase,
        seen: "The coordinator dies between the votes and the decision. The prepared branches stay, with all their \
               locks, and whoever needs the same rows waits.",
        experiment: Experiment::Crash { process: "monolith", point: "before-decision", rounds: 1 },
    },
    Flaw {
        name: "recovery-ignores-epoch",
        rule: 31,
        says: "Recovery takes every prepared transaction for one of a dead process.",
        breaks: "I1",
        driver: Driver::TwoPhase,
        seen: "Transactions that are being worked on have to wait two seconds for their decision, prepared. Recovery \
               rolls them back meanwhile, and customers hold the ids of orders that are nowhere.",
        experiment: Experiment::SlowDecision,
    },
];
