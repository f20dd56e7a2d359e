//! *Choreography*: what shipping does when it hears that something happened elsewhere. Nobody gives orders.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that lead to something here.
pub const HEARS: &[&str] = &["payments.payment-captured"];

/// What is done about an event, if anything.
pub fn react(event: &Event, order: &PlacedOrder) -> Option<Command> {
    let order_id = event.order_id();
    match event {
        Event::PaymentCaptured { .. } => {
            Some(Command::ScheduleShipment { order_id, region: order.region.clone() })
        }
        _ => None,
    }
}
