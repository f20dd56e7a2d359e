//! *Choreography*: how the warehouse reacts to events of other modules. No one sends it commands.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that it reacts to.
pub const HEARS: &[&str] =
    &["catalog.prices-honoured", "payments.payment-refused", "shipping.shipment-refused"];

/// The command that follows from an event, if any.
pub fn react(event: &Event, order: &PlacedOrder) -> Option<Command> {
    let order_id = event.order_id();
    match event {
        Event::PricesHonoured { .. } => Some(Command::ReserveStock { order_id, lines: order.lines.clone() }),
        Event::PaymentRefused { .. } | Event::ShipmentRefused { .. } => {
            Some(Command::ReleaseStock { order_id })
        }
        _ => None,
    }
}
