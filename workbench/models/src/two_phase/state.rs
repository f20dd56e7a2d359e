//! The state of the model, and how each message changes it.

use std::collections::{BTreeMap, BTreeSet};

use crate::Module;

/// The state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(super) coordinator: Coordinator,
    /// The first coordinator has lost its lock and does not know.
    pub(super) lock_lost: bool,
    pub(super) successor_is_up: bool,
    /// The successor has raised the epoch.
    pub(super) taken_over: bool,
    /// The recorded decision. Only the first one is written.
    pub(super) record: Option<Decision>,
    /// History, for the properties only: the record that was deleted last.
    pub(super) forgotten: Option<Decision>,
    pub(super) branches: BTreeMap<Module, Branch>,
    /// In flight, sorted. Two equal ones are two copies.
    pub(super) messages: Vec<Message>,
    pub(super) crashes_left: u8,
    pub(super) duplicates_left: u8,
}

/// The coordinator that began the transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Coordinator {
    Voting { yes: BTreeSet<Module> },
    Preparing { prepared: BTreeSet<Module> },
    Deciding,
    Finishing(Decision),
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Branch {
    pub(super) is: Is,
    /// History, for the properties only.
    pub(super) voted_yes: bool,
    pub(super) up: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Is {
    NotBegun,
    Open,
    Prepared,
    Committed,
    RolledBack,
}

/// The decision on a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// `COMMIT PREPARED`.
    Commit,
    /// `ROLLBACK PREPARED`, or `ROLLBACK` if it is not prepared yet.
    RollBack,
}

/// A message between the coordinator and a participant, or to the table of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// To a participant: do the work and vote.
    Work(Module),
    /// From a participant: its vote.
    Voted(Module, bool),
    /// To a participant: `PREPARE TRANSACTION`.
    Prepare(Module),
    /// From a participant: whether `PREPARE TRANSACTION` took effect.
    Prepared(Module, bool),
    /// To the table of decisions: record *commit*.
    RecordCommit,
    /// To a participant: the decision.
    Finish(Module, Decision),
}

impl State {
    pub(super) fn branch(&mut self, module: Module) -> &mut Branch {
        self.branches.get_mut(&module).expect("every participant has a branch")
    }

    pub(super) fn any(&self, is: Is) -> bool {
        self.branches.values().any(|branch| branch.is == is)
    }

    pub(super) fn all(&self, is: Is) -> bool {
        self.branches.values().all(|branch| branch.is == is)
    }

    pub(super) fn is_resolved(&self) -> bool {
        self.all(Is::Committed) || self.all(Is::RolledBack)
    }

    /// The decision of the first coordinator, if it can still be asked.
    pub(super) fn decided(&self) -> Option<Decision> {
        match self.coordinator {
            Coordinator::Finishing(decision) => Some(decision),
            _ => None,
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

    pub(super) fn crash(&mut self) -> &mut Self {
        self.crashes_left -= 1;
        self
    }

    pub(super) fn lose_server(&mut self, module: Module) {
        let branch = self.branch(module);
        branch.up = false;
        if branch.is != Is::Prepared {
            branch.is = Is::RolledBack;
        }
    }

    /// A participant does its work and votes. A message to a server that is down is lost, here and below.
    pub(super) fn work(&mut self, module: Module, yes: bool) {
        let branch = self.branch(module);
        if branch.up && branch.is == Is::NotBegun {
            branch.voted_yes = yes;
            branch.is = if yes { Is::Open } else { Is::RolledBack };
            self.send(Message::Voted(module, yes));
        }
    }

    pub(super) fn hear_vote(&mut self, from: Module, yes: bool) {
        let all = self.branches.len();
        let Coordinator::Voting { yes: voters } = &mut self.coordinator else { return };
        if !yes {
            self.coordinator = Coordinator::Finishing(Decision::RollBack);
            return;
        }
        voters.insert(from);
        if voters.len() == all {
            self.coordinator = Coordinator::Preparing { prepared: BTreeSet::new() };
            let modules: Vec<Module> = self.branches.keys().copied().collect();
            modules.into_iter().for_each(|module| self.send(Message::Prepare(module)));
        }
    }

    pub(super) fn prepare(&mut self, module: Module) {
        let branch = self.branch(module);
        match branch.is {
            _ if !branch.up => {}
            Is::Open => {
                branch.is = Is::Prepared;
                self.send(Message::Prepared(module, true));
            }
            // PostgreSQL returns ROLLBACK and no error, so the coordinator checks: rule 29 (silent rollback).
            Is::RolledBack => self.send(Message::Prepared(module, false)),
            Is::NotBegun | Is::Prepared | Is::Committed => {}
        }
    }

    /// Returns whether all are prepared now.
    pub(super) fn hear_prepared(&mut self, from: Module, yes: bool) -> bool {
        let all = self.branches.len();
        let Coordinator::Preparing { prepared } = &mut self.coordinator else { return false };
        if !yes {
            self.coordinator = Coordinator::Finishing(Decision::RollBack);
            return false;
        }
        prepared.insert(from);
        prepared.len() == all
    }

    pub(super) fn finish(&mut self, module: Module, decision: Decision) {
        let branch = self.branch(module);
        match (branch.is, decision) {
            _ if !branch.up => {}
            (Is::Prepared, Decision::Commit) => branch.is = Is::Committed,
            (Is::NotBegun | Is::Open | Is::Prepared, Decision::RollBack) => branch.is = Is::RolledBack,
            // The name is no longer known, and the decision agrees: rule 32 (same database).
            _ => {}
        }
    }
}
