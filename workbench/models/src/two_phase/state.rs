//! What there is at one moment, and how each message changes it.

use std::collections::{BTreeMap, BTreeSet};

use crate::Module;

/// All there is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(super) coordinator: Coordinator,
    /// The first life does not hold its lock any more, and does not know.
    pub(super) lock_lost: bool,
    pub(super) successor_is_up: bool,
    /// The successor has raised the epoch.
    pub(super) taken_over: bool,
    /// The first that was written.
    pub(super) record: Option<Decision>,
    /// History, for the properties only: the record that was deleted last.
    pub(super) forgotten: Option<Decision>,
    pub(super) branches: BTreeMap<Module, Branch>,
    /// On their way, sorted; twice means two copies.
    pub(super) messages: Vec<Message>,
    pub(super) crashes_left: u8,
    pub(super) duplicates_left: u8,
}

/// The life of the coordinator that began the transaction.
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

/// What becomes of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// `COMMIT PREPARED`.
    Commit,
    /// `ROLLBACK PREPARED`, or `ROLLBACK` of what is not prepared yet.
    RollBack,
}

/// Between the coordinator and a participant, or the table of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// To a participant: do your part, and vote.
    Work(Module),
    /// From a participant.
    Voted(Module, bool),
    /// To a participant: `PREPARE TRANSACTION`.
    Prepare(Module),
    /// From a participant: what `PREPARE TRANSACTION` really did.
    Prepared(Module, bool),
    /// To the table of decisions.
    RecordCommit,
    /// To a participant.
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

    /// What the first life has decided, as far as it can still say so.
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

    /// A participant works, and votes. Whatever reaches a server that is down is lost, here and below.
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
            // PostgreSQL answers ROLLBACK and no error; the coordinator looks (rule 29).
            Is::RolledBack => self.send(Message::Prepared(module, false)),
            Is::NotBegun | Is::Prepared | Is::Committed => {}
        }
    }

    /// Whether with this all are prepared.
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
            // Its name is not known any more, and the decision agrees (rule 32).
            _ => {}
        }
    }
}
