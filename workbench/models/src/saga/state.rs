//! The state of the model, and what a participant does.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Flaw, Module};

/// The state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(super) saga: Progress,
    /// An answer that a slow worker has taken, and the saga that it read.
    pub(super) slow_worker: Option<(Message, Progress)>,
    /// In the order of the steps.
    pub(super) participants: BTreeMap<Module, Participant>,
    /// Messages in an outbox or a queue, sorted. Two equal ones are two copies.
    pub(super) messages: Vec<Message>,
    pub(super) crashes_left: u8,
    // History, for the properties only.
    pub(super) was_confirmed: bool,
    pub(super) was_cancelled: bool,
    pub(super) stale_saves_refused: bool,
}

/// The row of the saga. No state occurs twice, so the row is its own version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    pub(super) phase: Phase,
    /// The attempt of the outstanding command.
    pub(super) attempt: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Acting(Module),
    Compensating(Module),
    Confirmed,
    Cancelled,
}

/// A service with a step, and its database.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Participant {
    /// The messages that it has handled: whether it is a compensation, and the attempt.
    pub(super) inbox: BTreeSet<(bool, u8)>,
    pub(super) mark: Mark,
    // History, for the properties only.
    pub(super) acted: u8,
    pub(super) undone: u8,
    pub(super) was_told_to_undo: bool,
    pub(super) found_tombstone: bool,
}

/// The mark in the order's row, by rule 20 (once per order).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Mark {
    #[default]
    None,
    Done,
    /// Undone, or never to be done: the tombstone.
    Undone,
    /// Stored nowhere: the pivot's answer depends on the order alone.
    NeverPossible,
}

/// Between the orchestrator and a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// Do the step, or undo it. Command and attempt are the message id.
    Command {
        /// The participant that receives it.
        to: Module,
        /// Whether it is the compensation.
        undo: bool,
        /// Counted from 0.
        attempt: u8,
    },
    /// The answer to a command.
    Answer {
        /// The participant that sends it.
        from: Module,
        /// Whether it was the compensation.
        undo: bool,
        /// False if the participant refused.
        done: bool,
    },
}

impl State {
    /// The order is placed: its saga and the first command are stored together.
    pub(super) fn new(steps: &[Module], crashes: u8) -> State {
        let saga = Progress { phase: Phase::Acting(steps[0]), attempt: 0 };
        let mut state = State {
            saga,
            slow_worker: None,
            participants: steps.iter().map(|step| (*step, Participant::default())).collect(),
            messages: Vec::new(),
            crashes_left: crashes,
            was_confirmed: false,
            was_cancelled: false,
            stale_saves_refused: false,
        };
        state.send_outstanding();
        state
    }

    /// The command whose answer the saga waits for.
    pub(super) fn outstanding(&self) -> Option<Message> {
        let attempt = self.saga.attempt;
        match self.saga.phase {
            Phase::Acting(to) => Some(Message::Command { to, undo: false, attempt }),
            Phase::Compensating(to) => Some(Message::Command { to, undo: true, attempt }),
            Phase::Confirmed | Phase::Cancelled => None,
        }
    }

    pub(super) fn send_outstanding(&mut self) {
        if let Some(command) = self.outstanding() {
            self.send(command);
        }
    }

    pub(super) fn send(&mut self, message: Message) {
        let at = self.messages.partition_point(|other| *other < message);
        self.messages.insert(at, message);
    }

    pub(super) fn take(&mut self, message: Message) {
        let at = self.messages.binary_search(&message).expect("only what is on its way arrives");
        self.messages.remove(at);
    }

    pub(super) fn is_wholly_confirmed(&self) -> bool {
        self.saga.phase == Phase::Confirmed && self.participants.values().all(Participant::is_in_force)
    }

    pub(super) fn is_wholly_compensated(&self) -> bool {
        self.saga.phase == Phase::Cancelled && !self.participants.values().any(Participant::is_in_force)
    }
}

impl Participant {
    /// Whether its step is done and not undone.
    pub(super) fn is_in_force(&self) -> bool {
        self.acted > self.undone
    }

    /// Does the step if the mark allows it. Returns whether the step is in force now. The flaw `no-inbox` leaves out
    /// both the inbox and the mark.
    pub(super) fn act(&mut self, flaw: Option<Flaw>) -> bool {
        match self.mark {
            Mark::None => self.acted += 1,
            Mark::Done if flaw == Some(Flaw::NoInbox) => self.acted += 1,
            Mark::Done => {}
            Mark::Undone => {
                self.found_tombstone |= self.acted == 0;
                return false;
            }
            Mark::NeverPossible => return false,
        }
        self.mark = Mark::Done;
        true
    }

    /// Undoes the step, or makes sure that it is never done.
    pub(super) fn undo(&mut self, flaw: Option<Flaw>) {
        self.was_told_to_undo = true;
        match self.mark {
            Mark::Done => self.undone += 1,
            Mark::Undone if flaw == Some(Flaw::NoInbox) && self.acted > 0 => self.undone += 1,
            Mark::None if flaw == Some(Flaw::NoTombstone) => return,
            Mark::Undone | Mark::NeverPossible | Mark::None => {}
        }
        self.mark = Mark::Undone;
    }
}
