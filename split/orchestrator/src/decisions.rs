//! Passes committed decisions on to the requests that wait for them.

use contracts::{Command, OrderId};
use orders::{Decision, DecisionCounter};
use parking_lot::Mutex;

use crate::waiting::Waiting;

/// The decisions of the current transaction. Passed on to waiting requests once it is committed.
pub struct Decisions {
    waiting: Waiting,
    under_way: Mutex<Vec<(OrderId, Decision)>>,
    counter: DecisionCounter,
}

impl Decisions {
    /// No decisions yet. `counter` counts those that are committed.
    pub fn new(counter: DecisionCounter) -> Decisions {
        Decisions { waiting: Waiting::default(), under_way: Mutex::default(), counter }
    }

    /// Where requests wait for decisions.
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Starts a new transaction. Decisions of an earlier one were either passed on or rolled back.
    pub fn begin(&self) {
        self.under_way.lock().clear();
    }

    /// Adds a decision of the current transaction.
    pub fn note(&self, order: OrderId, decision: Decision) {
        self.under_way.lock().push((order, decision));
    }

    /// Passes the decisions on, after the commit.
    pub fn tell(&self) {
        for (order, decision) in self.under_way.lock().drain(..) {
            self.committed(order, decision);
        }
    }

    /// Passes a committed decision on.
    pub(crate) fn committed(&self, order: OrderId, decision: Decision) {
        self.counter.note(match &decision {
            Decision::Confirm => None,
            Decision::Cancel(refusal) => Some(refusal),
        });
        self.waiting.decided(order, decision);
    }
}

/// What a command decides about its order, if anything.
pub fn decision_in(command: &Command) -> Option<Decision> {
    match command {
        Command::ConfirmOrder { .. } => Some(Decision::Confirm),
        Command::CancelOrder { refusal, .. } => Some(Decision::Cancel(refusal.clone())),
        _ => None,
    }
}
