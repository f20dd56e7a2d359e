//! *Choreography*: what payments does when it hears that something happened elsewhere. Nobody gives orders.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that lead to something here.
pub const HEARS: &[&str] = &["inventory.stock-reserved", "shipping.shipment-refused"];

/// What is done about an event, if anything.
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
