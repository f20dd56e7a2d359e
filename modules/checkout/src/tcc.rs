//! The checkout as *try, confirm, cancel* (Helland, 2007; Pardon and Pautasso, 2011). All modules are asked at once to
//! reserve something. If all accept, all are told to make it final; otherwise all are told to release it.

use std::collections::BTreeSet;

use contracts::{Command, Event, PlacedOrder, Refusal};
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, answer};
use crate::plan::participations;
use crate::saga::Progress;

/// One order's progress through its participations. Stored after every reply, as a saga is: rule 22 (stored intent).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tcc {
    order: PlacedOrder,
    phase: Phase,
    /// Which of the phase's commands are answered, by index.
    answered: BTreeSet<usize>,
    history: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
enum Phase {
    /// All modules are asked to reserve.
    Trying,
    /// All accepted; all are told to make it final. No module can refuse any more.
    Confirming,
    /// Final everywhere; confirming the order is outstanding.
    Closing,
    /// One module refused; all are told to release what they reserved.
    Cancelling { refusal: Refusal },
    /// All released; cancelling the order is outstanding.
    Withdrawing { refusal: Refusal },
    /// Finished. Terminal: rule 21 (compare-and-set).
    Finished { confirmed: bool },
}

impl Tcc {
    /// A new process and all its tries.
    pub fn start(order: PlacedOrder) -> (Self, Vec<Command>) {
        let tcc = Self { order, phase: Phase::Trying, answered: BTreeSet::new(), history: Vec::new() };
        let tries = tcc.outstanding();
        (tcc, tries)
    }

    /// The commands that are not answered yet. Each may be sent any number of times.
    pub fn outstanding(&self) -> Vec<Command> {
        let open = self.commands(&self.phase).into_iter().enumerate();
        open.filter(|(place, _)| !self.answered.contains(place)).map(|(_, command)| command).collect()
    }

    /// Whether the process is finished.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished { .. })
    }

    /// The routing keys of the events that led to this state, in order.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// Applies the reply to one of the outstanding commands.
    pub fn on_event(&mut self, event: &Event) -> Progress {
        let open = self.commands(&self.phase);
        let mut answers = open.iter().enumerate().filter(|(place, _)| !self.answered.contains(place));
        let found = answers.find_map(|(place, command)| Some((place, answer(command, event)?)));
        let Some((place, answer)) = found else {
            let late = self.asked().iter().any(|command| crate::answer::answer(command, event).is_some());
            return if late { Progress::Late } else { Progress::Unexpected };
        };
        let next = match answer {
            Answer::Refused(refusal) if self.phase == Phase::Trying => Phase::Cancelling { refusal },
            // A module that accepted its try cannot refuse later. So this refusal belongs to a try that was sent twice:
            // refused first, accepted the second time, and the second reply arrived first.
            Answer::Refused(_) => return Progress::Late,
            Answer::Done => {
                self.answered.insert(place);
                if self.answered.len() < open.len() { self.phase.clone() } else { self.phase.clone().after() }
            }
        };
        self.history.push(event.routing_key().to_owned());
        if next == self.phase {
            return Progress::Next(Vec::new());
        }
        self.phase = next;
        self.answered.clear();
        if self.is_finished() { Progress::Finished } else { Progress::Next(self.outstanding()) }
    }

    fn commands(&self, phase: &Phase) -> Vec<Command> {
        let order_id = self.order.order_id;
        let all = participations(&self.order).into_iter();
        match phase {
            Phase::Trying => all.map(|each| each.reserve).collect(),
            Phase::Confirming => all.filter_map(|each| each.confirm).collect(),
            Phase::Closing => vec![Command::ConfirmOrder { order_id }],
            Phase::Cancelling { .. } => all.filter_map(|each| each.cancel).collect(),
            Phase::Withdrawing { refusal } => {
                vec![Command::CancelOrder { order_id, refusal: refusal.clone() }]
            }
            Phase::Finished { .. } => Vec::new(),
        }
    }

    /// All commands that were sent so far, answered or not.
    fn asked(&self) -> Vec<Command> {
        let mut asked = self.commands(&Phase::Trying);
        match &self.phase {
            Phase::Trying => {}
            Phase::Confirming | Phase::Closing | Phase::Finished { confirmed: true } => {
                asked.extend(self.commands(&Phase::Confirming));
            }
            Phase::Cancelling { refusal } | Phase::Withdrawing { refusal } => {
                asked.extend(self.commands(&Phase::Cancelling { refusal: refusal.clone() }));
            }
            Phase::Finished { confirmed: false } => {
                asked.extend(participations(&self.order).into_iter().filter_map(|each| each.cancel));
            }
        }
        asked
    }
}

impl Phase {
    /// The phase that follows once all commands of this one are done.
    fn after(self) -> Phase {
        match self {
            Phase::Trying => Phase::Confirming,
            Phase::Confirming => Phase::Closing,
            Phase::Closing => Phase::Finished { confirmed: true },
            Phase::Cancelling { refusal } => Phase::Withdrawing { refusal },
            Phase::Withdrawing { .. } => Phase::Finished { confirmed: false },
            finished @ Phase::Finished { .. } => finished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::done;
    use crate::saga::tests::{order, refusal};
    use proptest::prelude::*;

    /// Answers the outstanding commands in the order given by `picks`; those for which `refuses` is true are refused.
    fn walk(picks: &[usize], refuses: impl Fn(&Command) -> bool) -> (Tcc, Vec<&'static str>) {
        let (mut tcc, mut open) = Tcc::start(order());
        let mut asked: Vec<&str> = open.iter().map(Command::routing_key).collect();
        for pick in picks.iter().cycle() {
            let command = open.remove(pick % open.len());
            let no = command.refused(refusal()).filter(|_| refuses(&command));
            match tcc.on_event(&no.clone().unwrap_or_else(|| done(&command))) {
                Progress::Next(next) => {
                    if no.is_some() {
                        open.clear();
                    }
                    asked.extend(next.iter().map(Command::routing_key));
                    open.extend(next);
                }
                Progress::Finished => return (tcc, asked),
                other => panic!("the reply to an outstanding command was {other:?}"),
            }
        }
        unreachable!("the process finishes before the picks run out")
    }

    proptest! {
        #[test]
        fn in_every_order_of_answers_all_are_confirmed_or_all_cancelled(
            picks in prop::collection::vec(0usize..8, 16..20),
            refusing in prop::option::of(0usize..4),
        ) {
            let refusing = refusing.map(|n| participations(&order())[n].reserve.routing_key());
            let (tcc, asked) = walk(&picks, |command| Some(command.routing_key()) == refusing);
            prop_assert!(tcc.is_finished());
            let last = asked.last().copied();
            match refusing {
                None => {
                    prop_assert_eq!(last, Some("orders.confirm-order"));
                    prop_assert_eq!(asked.len(), 8);
                    prop_assert!(asked.contains(&"payments.capture-payment"));
                }
                Some(_) => {
                    prop_assert_eq!(last, Some("orders.cancel-order"));
                    prop_assert_eq!(asked.len(), 8);
                    prop_assert!(asked.contains(&"payments.void-payment"));
                }
            }
        }

        /// Any replies in any order: only a reply to an outstanding command changes the state, and a finished process
        /// stays so.
        #[test]
        fn stray_answers_change_nothing(events in prop::collection::vec((0usize..13, any::<bool>()), 0..80)) {
            let (mut tcc, mut commands) = Tcc::start(order());
            for each in participations(&order()) {
                commands.extend(each.confirm.into_iter().chain(each.cancel));
            }
            commands.push(Command::ConfirmOrder { order_id: order().order_id });
            commands.push(Command::CancelOrder { order_id: order().order_id, refusal: refusal() });
            for (index, refuses) in events {
                let command = &commands[index % commands.len()];
                let event = command.refused(refusal()).filter(|_| refuses).unwrap_or_else(|| done(command));
                let before = tcc.clone();
                let open = tcc.outstanding().iter().any(|open| answer(open, &event).is_some());
                let progress = tcc.on_event(&event);
                if matches!(progress, Progress::Late | Progress::Unexpected) {
                    prop_assert_eq!(&tcc, &before);
                } else {
                    prop_assert!(open && !before.is_finished());
                }
                let stored = serde_json::to_string(&tcc).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Tcc>(&stored).unwrap(), &tcc);
            }
        }
    }

    #[test]
    fn an_answer_after_the_refusal_is_late() {
        let (mut tcc, tries) = Tcc::start(order());
        assert!(
            matches!(tcc.on_event(&tries[3].refused(refusal()).unwrap()), Progress::Next(cancels) if cancels.len() == 3)
        );
        assert_eq!(tcc.on_event(&done(&tries[1])), Progress::Late);
        assert_eq!(tcc.on_event(&tries[2].refused(refusal()).unwrap()), Progress::Late);
        let captured = Event::PaymentCaptured { order_id: tries[0].order_id() };
        assert_eq!(tcc.on_event(&captured), Progress::Unexpected);
    }

    #[test]
    fn a_no_that_a_later_yes_has_overtaken_is_late() {
        let (mut tcc, tries) = Tcc::start(order());
        for tried in &tries {
            assert!(matches!(tcc.on_event(&done(tried)), Progress::Next(_)));
        }
        for tried in &tries {
            assert_eq!(tcc.on_event(&tried.refused(refusal()).unwrap()), Progress::Late);
        }
        assert_eq!(tcc.outstanding().len(), 3, "all are still to be confirmed");
    }
}
