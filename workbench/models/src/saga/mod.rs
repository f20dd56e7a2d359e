//! The orchestrated *saga* between services, for one order.
//!
//! Read it together with rules 12 (inbox) and 19 to 25 of `docs/rules.md`, and with `modules/checkout/src/saga.rs`. An
//! orchestrator runs the steps in order. After a refusal it runs the compensations in reverse order, starting with the
//! step that refused. Each participant handles a command in one transaction: inbox row, effect and answer. The last
//! step is the pivot, which can refuse and is never undone.
//!
//! **What can happen.** Any step can refuse at any attempt and accept the next one. The pivot's answer depends on the
//! order alone, as in the shop, so its refusal is final. (This model showed that it must be: `--flaw fickle-pivot`.)
//! Messages wait in an outbox or a queue for any time and arrive in any order. A message arrives twice if its consumer
//! crashes between commit and acknowledgement, or if its sender crashes between publishing it and marking it as sent.
//! The orchestrator can time out and send the command again: a new attempt with a new message id, which no inbox knows.
//! One of its workers may be slow: it reads the saga and saves it much later. Crashes and attempts are limited, and the
//! limits are the bounds of the model. A crash before a commit changes nothing, so it is not a step.
//!
//! **What each property shows.**
//!
//! | property | rule |
//! |---|---|
//! | no effect twice | 12 (inbox, for the same message) and 20 (once per order, for another attempt) |
//! | what was undone stays undone | 19 (tombstone) |
//! | never both confirmed and compensated | 21 (compare-and-set): terminal states are final |
//! | wholly confirmed or wholly compensated, without messages | 22 (stored intent), 23 (time-outs), 24 (compensation), 25 (pivot); invariant I5 of the audit |
//! | a stale save is refused | 21 (compare-and-set) |
//! | an action finds a tombstone | 19 (tombstone) |
//!
//! Messages are not lost in this model, by rules 1 (outbox), 4 (confirms) and 5 (mandatory), and its runs are finite,
//! as a test checks. So each run reaches a state without messages, in which the order is decided. That is why this
//! property is an "always".
//!
//! **What is left out.** The orchestrator has no inbox here: its state machine has to recognize a duplicate answer, and
//! does. Time, money, stock and other orders are left out. The orchestrator confirms and cancels the order itself.

mod state;
mod words;

use std::collections::BTreeMap;

use stateright::{Model, Property};

use super::{Flaw, Module, Name, Protocol};
use state::{Mark, Message, Phase, Progress, State};

/// The model and its bounds.
#[derive(Debug, Clone)]
pub struct Saga {
    /// Modules with one step each: two to four.
    pub participants: usize,
    /// The most times that each command is sent.
    pub attempts: u8,
    /// The most crashes per run that duplicate a message.
    pub crashes: u8,
    /// The rule that is left out.
    pub flaw: Option<Flaw>,
}

/// A step of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A message is handled, committed and acknowledged.
    Handle(Message),
    /// A command is handled and refused.
    Refuse(Message),
    /// A message is handled and committed. Then the consumer crashes, and the message stays in the queue.
    HandleThenCrash(Message),
    /// A message is published. Then the sender crashes, and the message stays in the outbox and is published again.
    PublishThenCrash(Message),
    /// No answer came in time, so the orchestrator sends the command again.
    AskAgain,
    /// A slow worker of the orchestrator takes an answer, and reads the saga.
    ReadSlowly(Message),
    /// The slow worker saves the saga with that answer applied.
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
            // An answer that changes nothing is never saved, so a slow worker would make no difference.
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
            Property::always(
                "no effect twice (rules 12 (inbox) and 20 (once per order))",
                |_, state: &State| {
                    state.participants.values().all(|each| each.acted <= 1 && each.undone <= 1)
                },
            ),
            Property::always("what was undone stays undone (rule 19 (tombstone))", |_, state: &State| {
                state.participants.values().all(|each| !each.was_told_to_undo || !each.is_in_force())
            }),
            Property::always(
                "never both confirmed and compensated: rule 21 (compare-and-set)",
                |_, state: &State| {
                    let undone = state.participants.values().any(|each| each.was_told_to_undo);
                    !(state.was_confirmed && (state.was_cancelled || undone))
                },
            ),
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
    /// Refusing makes no difference if the message was handled before, or if the order already has a mark.
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
    /// The saga after an answer; `None` if no outstanding command matches it. So a terminal saga never changes: rule 21
    /// (compare-and-set).
    fn after(&self, saga: Progress, message: Message) -> Option<Progress> {
        let Message::Answer { from, undo, done } = message else { return None };
        let before = self.participants.range(..from).next_back().map(|(step, _)| *step);
        let after = self.participants.range(from..).nth(1).map(|(step, _)| *step);
        let back = before.map_or(Phase::Cancelled, Phase::Compensating);
        let phase = match saga.phase {
            Phase::Acting(step) if step == from && !undo && done => {
                after.map_or(Phase::Confirmed, Phase::Acting)
            }
            // The pivot has no compensation. Any other step that refused is undone too, because an earlier attempt may
            // have succeeded: rule 19 (tombstone).
            Phase::Acting(step) if step == from && !undo => after.map_or(back, |_| Phase::Compensating(step)),
            Phase::Compensating(step) if step == from && undo => back,
            _ => return None,
        };
        Some(Progress { phase, attempt: 0 })
    }

    /// Saves the saga with an answer applied, and sends the next command in the same transaction: rule 22 (stored
    /// intent).
    fn advance(&mut self, saga: Progress, answer: Message) {
        let Some(next) = self.after(saga, answer) else { return };
        self.saga = next;
        self.was_confirmed |= next.phase == Phase::Confirmed;
        self.was_cancelled |= next.phase == Phase::Cancelled;
        self.send_outstanding();
    }
}
