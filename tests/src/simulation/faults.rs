//! What can go wrong with a step. 0 is always that nothing does.

/// So many numbers stand for a fault or for none.
pub const FAULTS: u32 = 16;

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is handled and acknowledged.
    Fine,
    /// The network has another copy of it.
    Doubled,
    /// All that waits in the queue is handled in one transaction.
    Batched,
    /// Another answer for the same checkout is handled between this one's load and its save.
    Raced,
    /// The consumer dies before the commit.
    DiesBeforeCommit,
    /// The consumer dies after the commit and before the ack.
    DiesBeforeAck,
    /// The same, with all that waits in the queue in one transaction.
    BatchDiesBeforeAck,
}

impl From<u32> for Delivery {
    fn from(fault: u32) -> Delivery {
        match fault {
            9 => Delivery::Doubled,
            10 => Delivery::Batched,
            11 | 12 => Delivery::Raced,
            13 => Delivery::DiesBeforeCommit,
            14 => Delivery::DiesBeforeAck,
            15 => Delivery::BatchDiesBeforeAck,
            _ => Delivery::Fine,
        }
    }
}

/// What becomes of a publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// The oldest message is published and removed.
    Fine,
    /// All that waits is.
    All,
    /// The relay dies, or does not get its confirm, between publishing all of it and removing it.
    DiesBeforeRemoval,
}

impl From<u32> for Publishing {
    fn from(fault: u32) -> Publishing {
        match fault {
            9..=12 => Publishing::All,
            13..=15 => Publishing::DiesBeforeRemoval,
            _ => Publishing::Fine,
        }
    }
}

/// What becomes of a client's request, or of asking again: one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// It is committed and answered.
    Fine,
    /// The service dies before the commit.
    DiesBeforeCommit,
    /// It is committed, and the answer gets lost.
    AnswerLost,
}

impl From<u32> for Transaction {
    fn from(fault: u32) -> Transaction {
        match fault {
            10..=12 => Transaction::DiesBeforeCommit,
            13..=15 => Transaction::AnswerLost,
            _ => Transaction::Fine,
        }
    }
}
