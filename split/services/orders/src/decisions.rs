//! From the commit of a decision to the requests that wait for it.

use std::sync::Arc;

use contracts::{Command, OrderId};
use orders::{Decision, DecisionCounter};
use parking_lot::Mutex;

use crate::waiting::Waiting;

/// What the transaction under way decides. Told to those who wait once it is committed.
pub struct Decisions {
    waiting: Arc<Waiting>,
    under_way: Mutex<Vec<(OrderId, Decision)>>,
    counter: DecisionCounter,
}

impl Decisions {
    /// Nothing is under way. Decisions are counted here.
    pub fn new(counter: DecisionCounter) -> Decisions {
        Decisions { waiting: Arc::default(), under_way: Mutex::default(), counter }
    }

    /// Where requests wait for decisions.
    pub fn waiting(&self) -> Arc<Waiting> {
        self.waiting.clone()
    }

    /// A new transaction begins. What an earlier one was about to decide was rolled back or told.
    pub fn begin(&self) {
        self.under_way.lock().clear();
    }

    /// The transaction under way decides this.
    pub fn note(&self, order: OrderId, decision: Decision) {
        self.under_way.lock().push((order, decision));
    }

    /// The transaction under way is committed.
    pub fn tell(&self) {
        for (order, decision) in self.under_way.lock().drain(..) {
            self.counter.note(match &decision {
                Decision::Confirm => None,
                Decision::Cancel(refusal) => Some(refusal),
            });
            self.waiting.decided(order, decision);
        }
    }
}

/// What a command decides about its order, if it decides anything.
pub fn decision_in(command: &Command) -> Option<Decision> {
    match command {
        Command::ConfirmOrder { .. } => Some(Decision::Confirm),
        Command::CancelOrder { refusal, .. } => Some(Decision::Cancel(refusal.clone())),
        _ => None,
    }
}
