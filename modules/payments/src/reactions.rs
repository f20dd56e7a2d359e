//! *Choreography*: how payments reacts to events of other modules. No one sends it commands.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that it reacts to.
pub const HEARS: &[&str] = &["inventory.stock-reserved", "shipping.shipment-refused"];

/// The command that follows from an event, if any.
pub fn react(event: &Event, order: &PlacedOrder) -> Option<Command> {
    let order_id = event.order_id();
    match event {
        Event::StockReserved { .. } => Some(Command::CapturePayment {
            order_id,
            customer_id: order.customer_id.clone(),
            amount: order.total,
        }),
        Event::ShipmentRefused { .. } => Some(Command::RefundPayment { order_id }),
        _ => None,
    }
}
