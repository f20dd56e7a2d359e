//! A coordinated checkout, as either a saga or try, confirm, cancel.

use contracts::{Command, Event, PlacedOrder};
use serde::{Deserialize, Serialize};

use crate::saga::{Progress, Saga};
use crate::tcc::Tcc;

/// The state of one order's checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "protocol")]
pub enum Process {
    /// One step after the other, undone in reverse.
    Saga(Saga),
    /// All modules at once, then all confirmed or all cancelled.
    Tcc(Tcc),
}

impl Process {
    /// A new saga and its first command.
    pub fn saga(order: PlacedOrder) -> (Self, Vec<Command>) {
        let (saga, first) = Saga::start(order);
        (Process::Saga(saga), vec![first])
    }

    /// A new *try, confirm, cancel* process and all its tries.
    pub fn tcc(order: PlacedOrder) -> (Self, Vec<Command>) {
        let (tcc, tries) = Tcc::start(order);
        (Process::Tcc(tcc), tries)
    }

    /// The commands that are not answered yet. Each may be sent any number of times.
    pub fn outstanding(&self) -> Vec<Command> {
        match self {
            Process::Saga(saga) => saga.outstanding().into_iter().collect(),
            Process::Tcc(tcc) => tcc.outstanding(),
        }
    }

    /// Applies the reply to an outstanding command.
    pub fn on_event(&mut self, event: &Event) -> Progress {
        match self {
            Process::Saga(saga) => saga.on_event(event),
            Process::Tcc(tcc) => tcc.on_event(event),
        }
    }

    /// Whether the checkout is finished.
    pub fn is_finished(&self) -> bool {
        match self {
            Process::Saga(saga) => saga.is_finished(),
            Process::Tcc(tcc) => tcc.is_finished(),
        }
    }
}
