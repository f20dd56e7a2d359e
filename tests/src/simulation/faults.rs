//! What can go wrong in a step. 0 always means no fault.

/// How many numbers are mapped to a fault or to none.
pub const FAULTS: u32 = 16;

/// What happens to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is handled and acknowledged.
    Fine,
    /// The network delivers it a second time.
    Doubled,
    /// Everything in the queue is handled in one transaction.
    Batched,
    /// Another answer for the same checkout is handled between this one's load and its save.
    Raced,
    /// The consumer dies before the commit.
    DiesBeforeCommit,
    /// The consumer dies after the commit and before the ack.
    DiesBeforeAck,
    /// Like `Batched`, and the consumer dies after the commit and before the ack.
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

/// What happens to a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// The oldest message is published and removed.
    Fine,
    /// All pending messages are published and removed.
    All,
    /// The relay publishes everything, then dies or misses the confirms before it removes anything.
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

/// What happens to a client's request, or to asking again. Each is one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// It is committed and answered.
    Fine,
    /// The service dies before the commit.
    DiesBeforeCommit,
    /// It is committed, and the answer is lost.
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
