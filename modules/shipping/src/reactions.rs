//! *Choreography*: how shipping reacts to events of other modules. No one sends it commands.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that it reacts to.
pub const HEARS: &[&str] = &["payments.payment-captured"];

/// The command that follows from an event, if any.
pub fn react(event: &Event, order: &PlacedOrder) -> Option<Command> {
    let order_id = event.order_id();
    match event {
        Event::PaymentCaptured { .. } => {
            Some(Command::ScheduleShipment { order_id, region: order.region.clone() })
        }
        _ => None,
    }
}
