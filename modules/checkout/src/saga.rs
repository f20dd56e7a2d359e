//! The checkout as an orchestrated *saga* (Garcia-Molina and Salem, 1987): a state that says which command is
//! outstanding and what follows from the reply.

use contracts::{Command, Event, PlacedOrder, Refusal};
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, answer};
use crate::plan::plan;

/// One order's progress through the plan. Stored after every reply, so that a crash loses nothing: rule 22 (stored
/// intent).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saga {
    order: PlacedOrder,
    phase: Phase,
    history: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
enum Phase {
    /// This step's action is outstanding.
    Acting { step: usize },
    /// Step `refused` was refused; the compensation of this step is outstanding.
    Compensating { step: usize, refused: usize, refusal: Refusal },
    /// Everything is undone; cancelling the order is outstanding.
    Cancelling { step: usize, refusal: Refusal },
    /// Finished: every step up to this one was asked for, then undone or not. Terminal: rule 21 (compare-and-set).
    Finished { step: usize, undone: bool },
}

/// What followed from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Send these commands next. Empty if other replies are still outstanding.
    Next(Vec<Command>),
    /// The checkout is finished.
    Finished,
    /// A reply to a command that was already answered; nothing changed. Occurs when a slow command was sent again.
    Late,
    /// The event is not a reply to anything that was asked; nothing changed.
    Unexpected,
}

impl Saga {
    /// A new saga and its first command.
    pub fn start(order: PlacedOrder) -> (Self, Command) {
        let first = plan(&order).swap_remove(0).action;
        (Self { order, phase: Phase::Acting { step: 0 }, history: Vec::new() }, first)
    }

    /// The command that is not answered yet; `None` once finished. It may be sent any number of times.
    pub fn outstanding(&self) -> Option<Command> {
        let mut steps = plan(&self.order);
        match &self.phase {
            Phase::Acting { step } => Some(steps.swap_remove(*step).action),
            Phase::Compensating { step, .. } => steps.swap_remove(*step).compensation,
            Phase::Cancelling { refusal, .. } => {
                Some(Command::CancelOrder { order_id: self.order.order_id, refusal: refusal.clone() })
            }
            Phase::Finished { .. } => None,
        }
    }

    /// Whether the saga is finished.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Finished { .. })
    }

    /// The routing keys of the events that led to this state, in order.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// Applies the reply to the outstanding command.
    pub fn on_event(&mut self, event: &Event) -> Progress {
        let Some(answer) = self.outstanding().and_then(|command| answer(&command, event)) else {
            let late = self.asked_before().iter().any(|command| answer(command, event).is_some());
            return if late { Progress::Late } else { Progress::Unexpected };
        };
        self.history.push(event.routing_key().to_owned());
        self.phase = match (self.phase.clone(), answer) {
            (Phase::Acting { step }, Answer::Done) if step + 1 < plan(&self.order).len() => {
                Phase::Acting { step: step + 1 }
            }
            (Phase::Acting { step }, Answer::Done) => Phase::Finished { step, undone: false },
            // The refused step is compensated too. It wrote nothing, but the command may have been sent twice, and the
            // second copy could be accepted later. The tombstone makes the refusal final: rule 19 (tombstone).
            (Phase::Acting { step }, Answer::Refused(refusal)) => self.undo(step + 1, step, refusal),
            (Phase::Compensating { step, refused, refusal }, _) => self.undo(step, refused, refusal),
            (Phase::Cancelling { step, .. }, _) => Phase::Finished { step, undone: true },
            (finished @ Phase::Finished { .. }, _) => finished,
        };
        self.outstanding().map_or(Progress::Finished, |next| Progress::Next(vec![next]))
    }

    /// Undoes the last of these steps that has a compensation, or cancels the order if none has.
    fn undo(&self, steps: usize, refused: usize, refusal: Refusal) -> Phase {
        match plan(&self.order)[..steps].iter().rposition(|step| step.compensation.is_some()) {
            Some(step) => Phase::Compensating { step, refused, refusal },
            None => Phase::Cancelling { step: refused, refusal },
        }
    }

    /// The commands that were sent before the outstanding one. Each of them may have been sent twice and so may be
    /// answered again, late.
    fn asked_before(&self) -> Vec<Command> {
        let steps = plan(&self.order);
        let (acted, undone) = match self.phase {
            Phase::Acting { step } => (step, 0..0),
            Phase::Compensating { step, refused, .. } => (refused + 1, step + 1..refused + 1),
            Phase::Cancelling { step, .. } | Phase::Finished { step, undone: true } => {
                (step + 1, 0..step + 1)
            }
            Phase::Finished { step, undone: false } => (step + 1, 0..0),
        };
        let compensations = steps[undone].iter().filter_map(|step| step.compensation.clone());
        steps[..acted].iter().map(|step| step.action.clone()).chain(compensations).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::answer::done;
    use contracts::{Money, OrderId, OrderLine, OrderRequest, RefusalCode};
    use proptest::prelude::*;

    pub fn order() -> PlacedOrder {
        let line =
            OrderLine { sku: "a".parse().unwrap(), quantity: 1.try_into().unwrap(), unit_price: Money(5) };
        let request = OrderRequest {
            customer_id: "c".parse().unwrap(),
            region: "seoul".parse().unwrap(),
            lines: vec![line],
        };
        PlacedOrder::new(OrderId::new(), request).unwrap()
    }

    pub fn refusal() -> Refusal {
        Refusal { code: RefusalCode::OutOfStock, detail: "none left".into() }
    }

    /// Runs a saga to its end and returns the commands in order. The step `refuse_at`, if given, refuses.
    fn walk(refuse_at: Option<usize>) -> Vec<&'static str> {
        let (mut saga, mut command) = Saga::start(order());
        let mut commands = Vec::new();
        loop {
            let at = commands.len();
            commands.push(command.routing_key());
            let refused = command.refused(refusal()).filter(|_| refuse_at == Some(at));
            match saga.on_event(&refused.unwrap_or_else(|| done(&command))) {
                Progress::Next(next) => [command] = next.try_into().unwrap(),
                Progress::Finished => break,
                other => panic!("the reply to an outstanding command was {other:?}"),
            }
        }
        assert!(saga.is_finished());
        assert_eq!(saga.history().len(), commands.len());
        commands
    }

    #[test]
    fn all_steps_done_confirm_the_order() {
        let commands = walk(None);
        assert_eq!(commands.len(), 5);
        assert_eq!(commands[4], "orders.confirm-order");
    }

    #[test]
    fn a_refusal_undoes_what_was_done_in_reverse() {
        assert_eq!(walk(Some(0)), ["catalog.honour-prices", "catalog.release-prices", "orders.cancel-order"]);
        assert_eq!(
            walk(Some(3))[4..],
            [
                "payments.refund-payment",
                "inventory.release-stock",
                "catalog.release-prices",
                "orders.cancel-order"
            ]
        );
    }

    #[test]
    fn a_late_answer_is_told_from_an_unexpected_one() {
        let (mut saga, first) = Saga::start(order());
        let (order_id, priced) = (first.order_id(), done(&first));
        assert!(
            matches!(&saga.on_event(&priced), Progress::Next(next) if matches!(next[..], [Command::ReserveStock { .. }]))
        );
        assert_eq!(saga.on_event(&priced), Progress::Late);
        assert_eq!(saga.on_event(&Event::PaymentCaptured { order_id }), Progress::Unexpected);
        let refused = Event::StockRefused { order_id, refusal: refusal() };
        assert!(
            matches!(&saga.on_event(&refused), Progress::Next(next) if matches!(next[..], [Command::ReleaseStock { .. }]))
        );
        assert_eq!(
            saga.on_event(&Event::StockReserved { order_id }),
            Progress::Late,
            "sent twice, accepted after a refusal"
        );
        saga.on_event(&Event::StockReleased { order_id });
        assert_eq!(saga.on_event(&Event::StockReleased { order_id }), Progress::Late);
        saga.on_event(&Event::PricesReleased { order_id });
        saga.on_event(&Event::OrderCancelled { order_id, refusal: refusal() });
        assert!(saga.is_finished());
        assert_eq!(
            saga.on_event(&Event::StockReserved { order_id }),
            Progress::Late,
            "sent twice, and the saga is finished"
        );
        assert_eq!(saga.on_event(&Event::PaymentCaptured { order_id }), Progress::Unexpected, "never sent");
    }

    proptest! {
        /// For any replies, in any order and repeated any number of times: the saga finishes at most once, stays
        /// finished, and a stored state continues like the one in memory.
        #[test]
        fn stray_answers_change_nothing(events in prop::collection::vec((0usize..9, any::<bool>()), 0..60)) {
            let order = order();
            let (mut saga, first) = Saga::start(order.clone());
            let steps = plan(&order);
            let mut commands: Vec<Command> =
                steps.iter().flat_map(|step| [Some(step.action.clone()), step.compensation.clone()]).flatten().collect();
            commands.push(Command::CancelOrder { order_id: order.order_id, refusal: refusal() });
            let mut outstanding = Some(first);
            for (index, refuses) in events {
                let command = &commands[index % commands.len()];
                let event = command.refused(refusal()).filter(|_| refuses).unwrap_or_else(|| done(command));
                let before = saga.clone();
                let expected = outstanding.as_ref().is_some_and(|outstanding| outstanding == command);
                let progress = saga.on_event(&event);
                let stray = matches!(progress, Progress::Late | Progress::Unexpected);
                prop_assert_eq!(stray, !expected);
                prop_assert!(!before.is_finished() || stray);
                if !expected {
                    prop_assert_eq!(&saga, &before);
                }
                prop_assert!(!before.is_finished() || saga.is_finished());
                outstanding = saga.outstanding();
                let stored = serde_json::to_string(&saga).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Saga>(&stored).unwrap(), &saga);
            }
        }
    }
}
