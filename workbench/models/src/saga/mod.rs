//! The orchestrated *saga* between services, for one order.
//!
//! Read it beside rules 12 and 19 to 25 of `docs/rules.md`, and beside `modules/checkout/src/saga.rs`. An orchestrator
//! walks through the steps; after a refusal it walks back through the compensations, from the step that refused. Each
//! participant handles a command in one transaction: inbox row, effect, and answer. Its last step is the pivot, which
//! can refuse and is never undone.
//!
//! **What can happen.** Any step refuses, at any attempt, and may say yes to the next attempt; but what the pivot says
//! depends on the order alone, as in the shop, so that its no stays a no. (This model found that it has to:
//! `--flaw fickle-pivot`.) Messages wait in an outbox or a queue as long as they like and arrive in any order. A message comes twice
//! when whoever handled it crashes between commit and acknowledgement, or whoever sent it crashes between publishing
//! and marking it as sent. The orchestrator loses patience and asks again: a new attempt, with a new message id, that
//! no inbox knows. One of its workers may be slow: it has read the saga, and saves much later. Crashes and attempts
//! are counted, and their numbers are the bounds of the model. Crashes before a commit change nothing, so they are not
//! steps.
//!
//! **What each property is.**
//!
//! | property | rule |
//! |---|---|
//! | no effect twice | 12 (inbox, for the same message) and 20 (a mark in the order's row, for another attempt's) |
//! | what was undone stays undone | 19: the tombstone |
//! | never confirmed and compensated both | 21: compare-and-set, and nothing leads out of the end |
//! | wholly confirmed or wholly compensated, without messages | 22, 23, 24, 25; invariant I5 of the audit |
//! | a stale save is refused | 21 |
//! | an action finds a tombstone | 19 |
//!
//! Messages are not lost in this model (rules 1, 4, 5), and its runs are finite, which a test holds: so each run
//! comes to a state without messages, and there the order is decided. That is why this property is an "always".
//!
//! **What is left out.** The orchestrator has no inbox here: its state machine must tell a second answer from a first,
//! and does. Time, money, stock and other orders. The order itself is confirmed and cancelled by the orchestrator.

mod state;
mod words;

use std::collections::BTreeMap;

use stateright::{Model, Property};

use super::{Flaw, Module, Name, Protocol};
use state::{Mark, Message, Phase, Progress, State};

/// The model, and how much of it is looked at.
#[derive(Debug, Clone)]
pub struct Saga {
    /// Modules with a step each: two to four.
    pub participants: usize,
    /// How often each command is sent, at most.
    pub attempts: u8,
    /// Crashes in a run that make a message come twice, at most.
    pub crashes: u8,
    /// The rule that is left out.
    pub flaw: Option<Flaw>,
}

/// What can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A message is handled, committed and acknowledged.
    Handle(Message),
    /// A command is handled too, and its answer is no.
    Refuse(Message),
    /// A message is handled and committed. Then a crash; it stays in the queue.
    HandleThenCrash(Message),
    /// A message is published. Then a crash; it stays in the outbox, and is published again.
    PublishThenCrash(Message),
    /// No answer came in time: the orchestrator asks again.
    AskAgain,
    /// A slow worker of the orchestrator takes an answer, and reads the saga.
    ReadSlowly(Message),
    /// It saves what it made of the two.
    SaveAtLast,
}

impl Model for Saga {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(Module::last(self.participants), self.crashes)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut messages = state.messages.clone();
        messages.dedup();
        for message in messages {
            actions.push(Action::Handle(message));
            if self.may_refuse(state, message) {
                actions.push(Action::Refuse(message));
            }
            if state.crashes_left > 0 {
                actions.extend([Action::HandleThenCrash(message), Action::PublishThenCrash(message)]);
            }
            // Without progress nothing is saved, and slowness would show nowhere.
            if state.slow_worker.is_none() && state.after(state.saga, message).is_some() {
                actions.push(Action::ReadSlowly(message));
            }
        }
        if state.outstanding().is_some() && state.saga.attempt + 1 < self.attempts {
            actions.push(Action::AskAgain);
        }
        if state.slow_worker.is_some() {
            actions.push(Action::SaveAtLast);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Handle(message) => {
                next.take(message);
                self.handle(&mut next, message, false);
            }
            Action::Refuse(message) => {
                next.take(message);
                self.handle(&mut next, message, true);
            }
            Action::HandleThenCrash(message) => {
                next.crashes_left -= 1;
                self.handle(&mut next, message, false);
            }
            Action::PublishThenCrash(message) => {
                next.crashes_left -= 1;
                next.send(message);
            }
            Action::AskAgain => {
                next.saga = Progress { attempt: state.saga.attempt + 1, ..state.saga };
                next.send_outstanding();
            }
            Action::ReadSlowly(message) => {
                next.take(message);
                next.slow_worker = Some((message, state.saga));
            }
            Action::SaveAtLast => {
                let (message, read) = next.slow_worker.take()?;
                if read == state.saga || self.flaw == Some(Flaw::NoVersionGuard) {
                    next.advance(read, message);
                } else {
                    next.stale_saves_refused = true;
                    next.send(message);
                }
            }
        }
        Some(next)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no effect twice (rules 12, 20)", |_, state: &State| {
                state.participants.values().all(|each| each.acted <= 1 && each.undone <= 1)
            }),
            Property::always("what was undone stays undone (rule 19)", |_, state: &State| {
                state.participants.values().all(|each| !each.was_told_to_undo || !each.is_in_force())
            }),
            Property::always("never confirmed and compensated both (rule 21)", |_, state: &State| {
                let undone = state.participants.values().any(|each| each.was_told_to_undo);
                !(state.was_confirmed && (state.was_cancelled || undone))
            }),
            Property::always(
                "without messages it is wholly confirmed or wholly compensated (I5)",
                |_, state: &State| {
                    let pending = !state.messages.is_empty() || state.slow_worker.is_some();
                    pending || state.is_wholly_confirmed() || state.is_wholly_compensated()
                },
            ),
            Property::sometimes("it is wholly confirmed", |_, state: &State| state.is_wholly_confirmed()),
            Property::sometimes("it is wholly compensated after all had to be undone", |_, state: &State| {
                let pivot = state.participants.len() - 1;
                state.is_wholly_compensated()
                    && state.participants.values().take(pivot).all(|each| each.acted == 1 && each.undone == 1)
            }),
            Property::sometimes("a compensation comes before its action", |_, state: &State| {
                state.participants.values().any(|each| each.mark == Mark::Undone && each.acted == 0)
            }),
            Property::sometimes("an action finds a tombstone and does nothing", |_, state: &State| {
                state.participants.values().any(|each| each.found_tombstone)
            }),
            Property::sometimes("a stale save is refused", |_, state: &State| state.stale_saves_refused),
        ]
    }
}

impl Protocol for Saga {
    const NAME: Name = Name::Saga;

    fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    fn bounds(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([
            ("participants", self.participants as u64),
            ("attempts", self.attempts.into()),
            ("crashes", self.crashes.into()),
        ])
    }
}

impl Saga {
    /// A no changes nothing where it is not the participant who decides: on a message that it knows, or an order
    /// that it has a mark for.
    fn may_refuse(&self, state: &State, message: Message) -> bool {
        let Message::Command { to, undo: false, attempt } = message else { return false };
        let participant = &state.participants[&to];
        participant.mark == Mark::None && !participant.inbox.contains(&(false, attempt))
    }

    fn handle(&self, state: &mut State, message: Message, refuse: bool) {
        match message {
            Message::Command { to, undo, attempt } => {
                let participant = state.participants.get_mut(&to).expect("it takes part");
                let is_new = participant.inbox.insert((undo, attempt));
                if !is_new && self.flaw != Some(Flaw::NoInbox) {
                    return;
                }
                if undo {
                    participant.undo(self.flaw);
                }
                let done = undo || !refuse && participant.act(self.flaw);
                if refuse && to == Module::Shipping && self.flaw != Some(Flaw::FicklePivot) {
                    participant.mark = Mark::NeverPossible;
                }
                state.send(Message::Answer { from: to, undo, done });
            }
            Message::Answer { .. } => state.advance(state.saga, message),
        }
    }
}

impl State {
    /// What an answer makes of a saga; `None` if it answers nothing that is outstanding (rule 21: so it never leaves
    /// its end).
    fn after(&self, saga: Progress, message: Message) -> Option<Progress> {
        let Message::Answer { from, undo, done } = message else { return None };
        let before = self.participants.range(..from).next_back().map(|(step, _)| *step);
        let after = self.participants.range(from..).nth(1).map(|(step, _)| *step);
        let back = before.map_or(Phase::Cancelled, Phase::Compensating);
        let phase = match saga.phase {
            Phase::Acting(step) if step == from && !undo && done => {
                after.map_or(Phase::Confirmed, Phase::Acting)
            }
            // The pivot has no compensation. Any other step that refused is undone too, for it may have been asked
            // twice (rule 19).
            Phase::Acting(step) if step == from && !undo => after.map_or(back, |_| Phase::Compensating(step)),
            Phase::Compensating(step) if step == from && undo => back,
            _ => return None,
        };
        Some(Progress { phase, attempt: 0 })
    }

    /// Saves what an answer makes of a saga, and sends the next command in the same transaction (rule 22).
    fn advance(&mut self, saga: Progress, answer: Message) {
        let Some(next) = self.after(saga, answer) else { return };
        self.saga = next;
        self.was_confirmed |= next.phase == Phase::Confirmed;
        self.was_cancelled |= next.phase == Phase::Cancelled;
        self.send_outstanding();
    }
}
