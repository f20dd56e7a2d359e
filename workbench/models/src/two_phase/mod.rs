//! *Two-phase commit* as PostgreSQL does it, for one order.
//!
//! Read it beside rules 29 to 34 of `docs/rules.md`. A coordinator asks each module to work and to vote. If all say
//! yes it has them prepare their branches (`PREPARE TRANSACTION`), stores the decision, and only then tells each to
//! `COMMIT PREPARED`. A no, or an answer that takes too long, and it has all branches rolled back. A later life of
//! the coordinator looks for branches that are still prepared and finishes them by what is on record.
//!
//! **What can happen.** Messages arrive in any order, as late as they like, and some of them twice. Participants
//! crash: an open branch is lost with its session, a prepared one survives. The coordinator crashes between any two
//! of its steps, and so does its successor. The successor may also start while the first life is well: then it is a
//! peer, and must leave the other's branches alone. And the first life may be alive and lose its lock without noticing, as
//! a process does that is paused: then the successor takes over, finishes what it finds and forgets the decision, and the
//! first life goes on where it was. Faults are counted, and the number is a bound of the model.
//!
//! **What each property is.**
//!
//! | property | rule |
//! |---|---|
//! | agreement, only if all voted yes | what two-phase commit is for; 29 (a `PREPARE` that was not one is a no) |
//! | the decision is on record before the first commit | 30 |
//! | what comes to rest is resolved | 31: recovery finds each branch, and each is finished |
//! | the customer is told of a commit only if there is one | 60: who was taken over decides nothing more |
//! | a participant is blocked | 34: prepared branches survive and keep their locks, and nobody may decide for them |
//!
//! *Comes to rest* means that no message is on its way and nobody who is alive has anything left to do. Runs of this
//! model are finite, and a test holds that: so whatever happens, once faults stop a run comes to rest, and then this
//! property speaks. That is why it is an "always", and says what an "eventually" would.
//!
//! The decision is written once. A life that dies may leave a decision that is still under way, and it may arrive after
//! recovery has found nothing on record. So recovery does not only read: it puts an abort on record, and abides by what
//! stands there. The flaw `recovery-ignores-epoch` only reads, as in the shop.
//!
//! A decision is forgotten once no branch is prepared. After that the table says nothing, and an insert of *commit* by the
//! first life would succeed. So whoever takes over raises the epoch, and *commit* is only inserted in the epoch of its
//! transaction. The flaw `unfenced-decision` inserts it in any.
//!
//! **What is left out.** Locks of rows, and other orders. The table of decisions is one database that does not fail, and
//! its answer always arrives.

mod state;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use stateright::{Model, Property};

use super::{Flaw, Module, Name, Protocol};
use state::{Branch, Coordinator, Decision, Is, Message, State};

/// The model, and how much of it is looked at.
#[derive(Debug, Clone)]
pub struct TwoPhase {
    /// Modules with a branch each: one to four.
    pub participants: usize,
    /// Crashes in a run, of whomever, at most.
    pub crashes: u8,
    /// Messages that arrive twice in a run, at most.
    pub duplicates: u8,
    /// The rule that is left out.
    pub flaw: Option<Flaw>,
}

/// What can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A participant gets its work; it can do it, or not.
    Vote(Module, bool),
    /// Any other message arrives.
    Deliver(Message),
    /// A message will arrive twice.
    Duplicate(Message),
    /// The coordinator tells a participant what was decided.
    SendDecision(Module),
    /// The coordinator has waited long enough for votes.
    TimeOut,
    /// The first life ends.
    CoordinatorCrashes,
    /// The first life loses its lock and does not notice.
    LockLost,
    /// Another life begins.
    SuccessorStarts,
    /// That one acquires the lock of the first and raises its epoch.
    TakesOver,
    /// That one ends too.
    SuccessorCrashes,
    /// A participant's server is killed.
    ParticipantCrashes(Module),
    /// And started.
    ParticipantRestarts(Module),
    /// The server sees that the client of an open branch is gone.
    SessionEnds(Module),
    /// The later life finds a prepared branch in `pg_prepared_xacts` and finishes it.
    Recover(Module),
    /// It finds no prepared branch any more, and forgets the decision.
    Forget,
}

impl Action {
    /// Whether it is a fault: something that need not happen.
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
                // No decision on record means abort (rule 30).
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
                "the decision is on record before the first commit (rule 30)",
                |_, state: &State| {
                    !state.any(Is::Committed) || state.record.or(state.forgotten) == Some(Decision::Commit)
                },
            ),
            Property::always(
                "the customer is told of a commit only if there is one (rule 60)",
                |_, state: &State| state.decided() != Some(Decision::Commit) || !state.any(Is::RolledBack),
            ),
            Property::always("what comes to rest is resolved (rule 31)", |model, state: &State| {
                state.is_resolved() || !model.is_at_rest(state)
            }),
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
        // Whoever has nothing left to lose may crash too, but nobody could tell.
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

    /// Whether the later life may finish what the first has begun.
    fn may_recover(&self, state: &State) -> bool {
        state.successor_is_up && (state.taken_over || self.flaw == Some(Flaw::RecoveryIgnoresEpoch))
    }

    /// Whether nothing more happens, unless there is a fault.
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
                // Nothing on record, and nothing that could still be put there, means abort.
                let decision = state.record.unwrap_or(Decision::RollBack);
                if state.coordinator == Coordinator::Deciding {
                    state.coordinator = Coordinator::Finishing(decision);
                }
            }
            Message::Finish(to, decision) => state.finish(to, decision),
        }
    }
}
