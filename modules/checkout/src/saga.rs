//! The checkout as an orchestrated *saga* (Garcia-Molina and Salem, 1987): a state that says which command is
//! outstanding, and what its answer leads to.

use contracts::{Command, Event, PlacedOrder, Refusal};
use serde::{Deserialize, Serialize};

use crate::plan::plan;

/// One order's way through the plan. Stored between two answers, so that a crash forgets nothing (rule 22).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saga {
    order: PlacedOrder,
    phase: Phase,
    history: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
enum Phase {
    /// The action of this step is outstanding.
    Acting { step: usize },
    /// A step refused; the compensation of this step is outstanding.
    Compensating { step: usize, refusal: Refusal },
    /// All is undone; the order itself is being cancelled.
    Cancelling { refusal: Refusal },
    /// Over. Nothing leads out of here (rule 21).
    Finished,
}

/// What an event led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// This is to be done next.
    Next(Command),
    /// The saga is over.
    Finished,
    /// An answer to something asked earlier, which has been answered since; nothing has changed. It comes where a
    /// command was asked again because its answer took long.
    Late,
    /// The event answers nothing that was asked; nothing has changed.
    Unexpected,
}

impl Saga {
    /// A saga at its beginning, and its first command.
    pub fn start(order: PlacedOrder) -> (Self, Command) {
        let first = plan(&order).swap_remove(0).action;
        (Self { order, phase: Phase::Acting { step: 0 }, history: Vec::new() }, first)
    }

    /// The command whose answer is waited for; `None` once it is over. It may be sent any number of times.
    pub fn outstanding(&self) -> Option<Command> {
        let mut steps = plan(&self.order);
        match &self.phase {
            Phase::Acting { step } => Some(steps.swap_remove(*step).action),
            Phase::Compensating { step, .. } => steps.swap_remove(*step).compensation,
            Phase::Cancelling { refusal } => {
                Some(Command::CancelOrder { order_id: self.order.order_id, refusal: refusal.clone() })
            }
            Phase::Finished => None,
        }
    }

    /// Whether it is over.
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    /// The routing keys of the events that brought it here, in order.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// Takes the answer to the outstanding command.
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
            // The refused step is compensated too. It wrote nothing, but it may have been asked twice, and what is
            // refused now may be possible in a moment: the tombstone makes the no final (rule 19).
            (Phase::Acting { step }, Answer::Refused(refusal)) => self.undo(step + 1, refusal),
            (Phase::Compensating { step, refusal }, Answer::Done) => self.undo(step, refusal),
            _ => Phase::Finished,
        };
        self.outstanding().map_or(Progress::Finished, Progress::Next)
    }

    /// Undoes the last of these steps that can be undone, or comes to the end.
    fn undo(&self, steps: usize, refusal: Refusal) -> Phase {
        match plan(&self.order)[..steps].iter().rposition(|step| step.compensation.is_some()) {
            Some(step) => Phase::Compensating { step, refusal },
            None => Phase::Cancelling { refusal },
        }
    }

    /// The commands that were sent before the outstanding one. Of a saga that is over nothing is expected any more.
    fn asked_before(&self) -> Vec<Command> {
        let mut steps = plan(&self.order);
        let undone = match self.phase {
            Phase::Acting { step } => {
                steps.truncate(step);
                steps.len()
            }
            Phase::Compensating { step, .. } => step + 1,
            Phase::Cancelling { .. } => 0,
            Phase::Finished => return Vec::new(),
        };
        let compensations: Vec<Command> =
            steps[undone..].iter().filter_map(|step| step.compensation.clone()).collect();
        steps.into_iter().map(|step| step.action).chain(compensations).collect()
    }
}

enum Answer {
    Done,
    Refused(Refusal),
}

/// What this event says to this command; `None` if it is about something else.
fn answer(command: &Command, event: &Event) -> Option<Answer> {
    if command.order_id() != event.order_id() {
        return None;
    }
    match (command, event) {
        (Command::HonourPrices { .. }, Event::PricesHonoured { .. })
        | (Command::ReleasePrices { .. }, Event::PricesReleased { .. })
        | (Command::ReserveStock { .. }, Event::StockReserved { .. })
        | (Command::ReleaseStock { .. }, Event::StockReleased { .. })
        | (Command::CapturePayment { .. }, Event::PaymentCaptured { .. })
        | (Command::RefundPayment { .. }, Event::PaymentRefunded { .. })
        | (Command::ScheduleShipment { .. }, Event::ShipmentScheduled { .. })
        | (Command::ConfirmOrder { .. }, Event::OrderConfirmed { .. })
        | (Command::CancelOrder { .. }, Event::OrderCancelled { .. }) => Some(Answer::Done),
        (_, event) => {
            let refusal = event.refusal()?.clone();
            let said_no = command.refused(refusal.clone())? == *event;
            said_no.then_some(Answer::Refused(refusal))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{Money, OrderId, OrderLine, OrderRequest, RefusalCode};
    use proptest::prelude::*;

    fn order() -> PlacedOrder {
        let line =
            OrderLine { sku: "a".parse().unwrap(), quantity: 1.try_into().unwrap(), unit_price: Money(5) };
        let request = OrderRequest {
            customer_id: "c".parse().unwrap(),
            region: "seoul".parse().unwrap(),
            lines: vec![line],
        };
        PlacedOrder::new(OrderId::new(), request).unwrap()
    }

    fn done(command: &Command) -> Event {
        let order_id = command.order_id();
        match command.clone() {
            Command::HonourPrices { .. } => Event::PricesHonoured { order_id },
            Command::ReleasePrices { .. } => Event::PricesReleased { order_id },
            Command::ReserveStock { .. } => Event::StockReserved { order_id },
            Command::ReleaseStock { .. } => Event::StockReleased { order_id },
            Command::CapturePayment { .. } => Event::PaymentCaptured { order_id },
            Command::RefundPayment { .. } => Event::PaymentRefunded { order_id },
            Command::ScheduleShipment { .. } => Event::ShipmentScheduled { order_id },
            Command::ConfirmOrder { .. } => Event::OrderConfirmed { order_id },
            Command::CancelOrder { refusal, .. } => Event::OrderCancelled { order_id, refusal },
        }
    }

    fn refusal() -> Refusal {
        Refusal { code: RefusalCode::OutOfStock, detail: "none left".into() }
    }

    /// Walks a saga to its end; the step `refuse_at`, if there is one, says no. Gives the commands in order.
    fn walk(refuse_at: Option<usize>) -> Vec<&'static str> {
        let (mut saga, mut command) = Saga::start(order());
        let mut commands = Vec::new();
        loop {
            let at = commands.len();
            commands.push(command.routing_key());
            let refused = command.refused(refusal()).filter(|_| refuse_at == Some(at));
            match saga.on_event(&refused.unwrap_or_else(|| done(&command))) {
                Progress::Next(next) => command = next,
                Progress::Finished => break,
                other => panic!("its own answer is {other:?}"),
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
    fn a_late_answer_is_told_from_one_that_nobody_asked_for() {
        let (mut saga, first) = Saga::start(order());
        let (order_id, priced) = (first.order_id(), done(&first));
        assert!(matches!(saga.on_event(&priced), Progress::Next(Command::ReserveStock { .. })));
        assert_eq!(saga.on_event(&priced), Progress::Late);
        assert_eq!(saga.on_event(&Event::PaymentCaptured { order_id }), Progress::Unexpected);
        let refused = Event::StockRefused { order_id, refusal: refusal() };
        assert!(matches!(saga.on_event(&refused), Progress::Next(Command::ReleaseStock { .. })));
        assert_eq!(
            saga.on_event(&Event::StockReserved { order_id }),
            Progress::Late,
            "asked twice, yes after no"
        );
        saga.on_event(&Event::StockReleased { order_id });
        assert_eq!(saga.on_event(&Event::StockReleased { order_id }), Progress::Late);
    }

    proptest! {
        /// Whatever answers come, in whatever order and however often: the saga ends at most once, never leaves its
        /// end, and a stored state goes on as the one in memory would.
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
                prop_assert!(!before.is_finished() || progress == Progress::Unexpected);
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
