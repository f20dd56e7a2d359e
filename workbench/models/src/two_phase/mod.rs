//! *Two-phase commit* as PostgreSQL does it, for one order.
//!
//! Read it together with rules 29 to 34 of `docs/rules.md`. A coordinator asks each module to do its work and to vote.
//! If all vote yes, it has them prepare their branches (`PREPARE TRANSACTION`), stores the decision, and only then
//! sends each a `COMMIT PREPARED`. If one votes no or takes too long, it has all branches rolled back. A successor of
//! the coordinator looks for branches that are still prepared and finishes them by the recorded decision.
//!
//! **What can happen.** Messages arrive in any order, at any time, and some of them twice. Participants crash: an open
//! branch is lost with its session, a prepared one survives. The coordinator can crash between any two of its steps,
//! and so can its successor. The successor may also start while the first coordinator is running. Then it is a peer,
//! and must not touch the other's branches. And the first coordinator may be paused and lose its lock without noticing.
//! Then the successor takes over, finishes what it finds and deletes the decision, and the first one continues where it
//! was. Faults are limited, and the limits are the bounds of the model.
//!
//! **What each property shows.**
//!
//! | property | rule |
//! |---|---|
//! | agreement, only if all voted yes | the purpose of two-phase commit; 29 (silent rollback): a `PREPARE` that had no effect is a no |
//! | the decision is on record before the first commit | 30 (decision) |
//! | once nothing moves any more, every branch is resolved | 31 (recovery): it finds each branch, and each is finished |
//! | the customer is told of a commit only if there is one | 60 (abort record): a coordinator that was taken over can no longer decide |
//! | a participant is blocked | 34 (prepared locks): prepared branches survive and keep their locks, and only a coordinator may finish them |
//!
//! *Nothing moves any more* when no message is in flight and no running process has a step left. The runs of this model
//! are finite, as a test checks: once faults stop, every run reaches such a state, and there this property applies. That
//! is why it is an "always" and shows the same as an "eventually" would.
//!
//! The decision is written once. A coordinator that crashes may leave a decision in flight, which can arrive after
//! recovery found nothing on record. So recovery does not only read: it records an abort, and follows what is on record
//! then. With the flaw `recovery-ignores-epoch` it only reads, as in the shop.
//!
//! The decision is deleted once no branch is prepared. After that the table has no row, and the first coordinator could
//! insert *commit*. So a successor that takes over raises the epoch, and *commit* is only inserted in the epoch of its
//! transaction. With the flaw `unfenced-decision` it is inserted in any epoch.
//!
//! **What is left out.** Row locks and other orders. The table of decisions is one database that does not fail, and its
//! answer always arrives.

mod state;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use stateright::{Model, Property};

use super::{Flaw, Module, Name, Protocol};
use state::{Branch, Coordinator, Decision, Is, Message, State};

/// The model and its bounds.
#[derive(Debug, Clone)]
pub struct TwoPhase {
    /// Modules with one branch each: one to four.
    pub participants: usize,
    /// The most crashes per run, of any process.
    pub crashes: u8,
    /// The most messages per run that arrive twice.
    pub duplicates: u8,
    /// The rule that is left out.
    pub flaw: Option<Flaw>,
}

/// A step of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A participant receives its work, and votes yes (`true`) or no.
    Vote(Module, bool),
    /// Any other message arrives.
    Deliver(Message),
    /// A message is duplicated.
    Duplicate(Message),
    /// The coordinator sends a participant the decision.
    SendDecision(Module),
    /// The coordinator stops waiting for votes.
    TimeOut,
    /// The first coordinator crashes.
    CoordinatorCrashes,
    /// The first coordinator loses its lock without noticing.
    LockLost,
    /// The successor starts.
    SuccessorStarts,
    /// The successor acquires the lock of the first coordinator and raises its epoch.
    TakesOver,
    /// The successor crashes.
    SuccessorCrashes,
    /// A participant's server crashes.
    ParticipantCrashes(Module),
    /// The server is restarted.
    ParticipantRestarts(Module),
    /// The server notices that the client of an open branch is gone.
    SessionEnds(Module),
    /// The successor finds a prepared branch in `pg_prepared_xacts` and finishes it.
    Recover(Module),
    /// The successor finds no prepared branch any more and deletes the decision.
    Forget,
}

impl Action {
    /// Whether it is a fault, which need not happen.
    fn is_fault(self) -> bool {
        use Action::*;
        matches!(
            self,
            Duplicate(_) | CoordinatorCrashes | LockLost | SuccessorCrashes | ParticipantCrashes(_)
        )
    }
}

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let modules = Module::last(self.participants);
        let branch = Branch { is: Is::NotBegun, voted_yes: false, up: true };
        vec![State {
            coordinator: Coordinator::Voting { yes: BTreeSet::new() },
            lock_lost: false,
            successor_is_up: false,
            taken_over: false,
            record: None,
            forgotten: None,
            branches: modules.iter().map(|module| (*module, branch.clone())).collect(),
            messages: modules.iter().copied().map(Message::Work).collect(),
            crashes_left: self.crashes,
            duplicates_left: self.duplicates,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut messages = state.messages.clone();
        messages.dedup();
        for message in messages {
            match message {
                Message::Work(to) => actions.extend([Action::Vote(to, true), Action::Vote(to, false)]),
                other => actions.push(Action::Deliver(other)),
            }
            if state.duplicates_left > 0 {
                actions.push(Action::Duplicate(message));
            }
        }
        self.coordinator_actions(state, actions);
        for (module, branch) in &state.branches {
            self.branch_actions(state, *module, branch, actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Vote(module, yes) => {
                next.take(Message::Work(module));
                next.work(module, yes);
            }
            Action::Deliver(message) => {
                next.take(message);
                self.deliver(&mut next, message);
            }
            Action::Duplicate(message) => {
                next.duplicates_left -= 1;
                next.send(message);
            }
            Action::SendDecision(module) => next.send(Message::Finish(module, state.decided()?)),
            Action::TimeOut => next.coordinator = Coordinator::Finishing(Decision::RollBack),
            Action::CoordinatorCrashes => next.crash().coordinator = Coordinator::Dead,
            Action::LockLost => next.crash().lock_lost = true,
            Action::SuccessorStarts => next.successor_is_up = true,
            Action::TakesOver => next.taken_over = true,
            Action::SuccessorCrashes => next.crash().successor_is_up = false,
            Action::ParticipantCrashes(module) => next.crash().lose_server(module),
            Action::ParticipantRestarts(module) => next.branch(module).up = true,
            Action::SessionEnds(module) => next.branch(module).is = Is::RolledBack,
            Action::Recover(module) => {
                // No recorded decision means abort: rule 30 (decision).
                let decision = state.record.unwrap_or(Decision::RollBack);
                if self.flaw != Some(Flaw::RecoveryIgnoresEpoch) {
                    next.record = Some(decision);
                }
                next.send(Message::Finish(module, decision));
            }
            Action::Forget => next.forgotten = next.record.take(),
        }
        Some(next)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("agreement: none commits while another rolls back", |_, state: &State| {
                !(state.any(Is::Committed) && state.any(Is::RolledBack))
            }),
            Property::always("none commits unless all have voted yes", |_, state: &State| {
                !state.any(Is::Committed) || state.branches.values().all(|branch| branch.voted_yes)
            }),
            Property::always(
                "the decision is on record before the first commit (rule 30 (decision))",
                |_, state: &State| {
                    !state.any(Is::Committed) || state.record.or(state.forgotten) == Some(Decision::Commit)
                },
            ),
            Property::always(
                "the customer is told of a commit only if there is one (rule 60 (abort record))",
                |_, state: &State| state.decided() != Some(Decision::Commit) || !state.any(Is::RolledBack),
            ),
            Property::always(
                "once nothing moves any more, every branch is resolved: rule 31 (recovery)",
                |model, state: &State| state.is_resolved() || !model.is_at_rest(state),
            ),
            Property::sometimes("a coordinator that was taken over may not decide", |_, state: &State| {
                state.taken_over && state.coordinator == Coordinator::Finishing(Decision::RollBack)
            }),
            Property::sometimes("all commit", |_, state: &State| state.all(Is::Committed)),
            Property::sometimes("all roll back", |_, state: &State| state.all(Is::RolledBack)),
            Property::sometimes(
                "a participant is in doubt and blocked, because there is no coordinator",
                |_, state: &State| {
                    state.coordinator == Coordinator::Dead
                        && !state.successor_is_up
                        && state.branches.values().any(|branch| branch.up && branch.is == Is::Prepared)
                },
            ),
            Property::sometimes("one has committed while another is in doubt", |_, state: &State| {
                state.any(Is::Committed) && state.any(Is::Prepared)
            }),
        ]
    }
}

impl Protocol for TwoPhase {
    const NAME: Name = Name::TwoPhase;

    fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    fn bounds(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([
            ("participants", self.participants as u64),
            ("crashes", self.crashes.into()),
            ("duplicates", self.duplicates.into()),
        ])
    }
}

impl TwoPhase {
    fn coordinator_actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.coordinator != Coordinator::Dead && state.crashes_left > 0 {
            actions.push(Action::CoordinatorCrashes);
            if !state.lock_lost {
                actions.push(Action::LockLost);
            }
        }
        if matches!(state.coordinator, Coordinator::Voting { .. } | Coordinator::Preparing { .. }) {
            actions.push(Action::TimeOut);
        }
        if !state.successor_is_up {
            actions.push(Action::SuccessorStarts);
            return;
        }
        if state.crashes_left > 0 {
            actions.push(Action::SuccessorCrashes);
        }
        let lock_is_free = state.coordinator == Coordinator::Dead || state.lock_lost;
        if lock_is_free && !state.taken_over && self.flaw != Some(Flaw::NoRecovery) {
            actions.push(Action::TakesOver);
        }
        let none_is_prepared = state.branches.values().all(|branch| branch.up && branch.is != Is::Prepared);
        if state.taken_over && state.record.is_some() && none_is_prepared {
            actions.push(Action::Forget);
        }
    }

    fn branch_actions(&self, state: &State, module: Module, branch: &Branch, actions: &mut Vec<Action>) {
        if !branch.up {
            return actions.push(Action::ParticipantRestarts(module));
        }
        let finished = matches!(branch.is, Is::Committed | Is::RolledBack);
        if finished {
            return;
        }
        // A process without volatile state may crash too, but it would make no difference.
        if state.crashes_left > 0 {
            actions.push(Action::ParticipantCrashes(module));
        }
        if matches!(branch.is, Is::Open | Is::NotBegun) && state.coordinator == Coordinator::Dead {
            actions.push(Action::SessionEnds(module));
        }
        let told = [Decision::Commit, Decision::RollBack]
            .iter()
            .any(|decision| state.messages.contains(&Message::Finish(module, *decision)));
        if state.decided().is_some() && !told {
            actions.push(Action::SendDecision(module));
        }
        if branch.is == Is::Prepared && !told && self.may_recover(state) {
            actions.push(Action::Recover(module));
        }
    }

    /// Whether the successor may finish the first coordinator's branches.
    fn may_recover(&self, state: &State) -> bool {
        state.successor_is_up && (state.taken_over || self.flaw == Some(Flaw::RecoveryIgnoresEpoch))
    }

    /// Whether nothing more happens without a fault.
    fn is_at_rest(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.actions(state, &mut actions);
        actions.into_iter().all(Action::is_fault)
    }

    fn deliver(&self, state: &mut State, message: Message) {
        match message {
            Message::Work(_) => unreachable!("work arrives by a vote"),
            Message::Voted(from, yes) => state.hear_vote(from, yes),
            Message::Prepare(to) => state.prepare(to),
            Message::Prepared(from, yes) => {
                if state.hear_prepared(from, yes) {
                    if self.flaw == Some(Flaw::DecisionNotDurable) {
                        state.coordinator = Coordinator::Finishing(Decision::Commit);
                    } else {
                        state.coordinator = Coordinator::Deciding;
                        state.send(Message::RecordCommit);
                    }
                }
            }
            Message::RecordCommit => {
                if !state.taken_over || self.flaw == Some(Flaw::UnfencedDecision) {
                    state.record.get_or_insert(Decision::Commit);
                }
                // Nothing is on record, and nothing can still be recorded: that means abort.
                let decision = state.record.unwrap_or(Decision::RollBack);
                if state.coordinator == Coordinator::Deciding {
                    state.coordinator = Coordinator::Finishing(decision);
                }
            }
            Message::Finish(to, decision) => state.finish(to, decision),
        }
    }
}
