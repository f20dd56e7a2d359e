//! Matching events to the commands that they reply to.

use contracts::{Command, Event, Refusal};

/// A reply to a command.
pub enum Answer {
    /// The module carried out the command, now or earlier.
    Done,
    /// The module refused, for good.
    Refused(Refusal),
}

/// The reply that this event gives to this command; `None` if the event is about something else.
pub fn answer(command: &Command, event: &Event) -> Option<Answer> {
    if command.order_id() != event.order_id() {
        return None;
    }
    match (command, event) {
        (Command::HonourPrices { .. }, Event::PricesHonoured { .. })
        | (Command::ReleasePrices { .. }, Event::PricesReleased { .. })
        | (Command::ReserveStock { .. }, Event::StockReserved { .. })
        | (Command::CommitReservation { .. }, Event::ReservationCommitted { .. })
        | (Command::ReleaseStock { .. }, Event::StockReleased { .. })
        | (Command::AuthorizePayment { .. }, Event::PaymentAuthorized { .. })
        | (Command::CapturePayment { .. }, Event::PaymentCaptured { .. })
        | (Command::VoidPayment { .. }, Event::PaymentVoided { .. })
        | (Command::RefundPayment { .. }, Event::PaymentRefunded { .. })
        | (Command::QuoteShipment { .. }, Event::ShipmentQuoted { .. })
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

/// The event with which a module reports that it carried out the command.
pub fn done(command: &Command) -> Event {
    let order_id = command.order_id();
    match command.clone() {
        Command::HonourPrices { .. } => Event::PricesHonoured { order_id },
        Command::ReleasePrices { .. } => Event::PricesReleased { order_id },
        Command::ReserveStock { .. } => Event::StockReserved { order_id },
        Command::CommitReservation { .. } => Event::ReservationCommitted { order_id },
        Command::ReleaseStock { .. } => Event::StockReleased { order_id },
        Command::AuthorizePayment { .. } => Event::PaymentAuthorized { order_id },
        Command::CapturePayment { .. } => Event::PaymentCaptured { order_id },
        Command::VoidPayment { .. } => Event::PaymentVoided { order_id },
        Command::RefundPayment { .. } => Event::PaymentRefunded { order_id },
        Command::QuoteShipment { .. } => Event::ShipmentQuoted { order_id },
        Command::ScheduleShipment { .. } => Event::ShipmentScheduled { order_id },
        Command::ConfirmOrder { .. } => Event::OrderConfirmed { order_id },
        Command::CancelOrder { refusal, .. } => Event::OrderCancelled { order_id, refusal },
    }
}
