//! A checkout that somebody coordinates, by whichever protocol.

use contracts::{Command, Event, PlacedOrder};
use serde::{Deserialize, Serialize};

use crate::saga::{Progress, Saga};
use crate::tcc::Tcc;

/// Where one order's checkout stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "protocol")]
pub enum Process {
    /// Step after step, undone in reverse.
    Saga(Saga),
    /// All at once, then confirmed or cancelled.
    Tcc(Tcc),
}

impl Process {
    /// A saga at its beginning, and its first command.
    pub fn saga(order: PlacedOrder) -> (Self, Vec<Command>) {
        let (saga, first) = Saga::start(order);
        (Process::Saga(saga), vec![first])
    }

    /// Try, confirm, cancel at its beginning, and all its tries.
    pub fn tcc(order: PlacedOrder) -> (Self, Vec<Command>) {
        let (tcc, tries) = Tcc::start(order);
        (Process::Tcc(tcc), tries)
    }

    /// The commands whose answers are waited for. Each may be sent any number of times.
    pub fn outstanding(&self) -> Vec<Command> {
        match self {
            Process::Saga(saga) => saga.outstanding().into_iter().collect(),
            Process::Tcc(tcc) => tcc.outstanding(),
        }
    }

    /// Takes the answer to an outstanding command.
    pub fn on_event(&mut self, event: &Event) -> Progress {
        match self {
            Process::Saga(saga) => saga.on_event(event),
            Process::Tcc(tcc) => tcc.on_event(event),
        }
    }

    /// Whether it is over.
    pub fn is_finished(&self) -> bool {
        match self {
            Process::Saga(saga) => saga.is_finished(),
            Process::Tcc(tcc) => tcc.is_finished(),
        }
    }
}
