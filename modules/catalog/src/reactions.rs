//! *Choreography*: how the catalog reacts to events of other modules. No one sends it commands.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that it reacts to.
pub const HEARS: &[&str] = &[
    "orders.order-placed",
    "inventory.stock-refused",
    "payments.payment-refused",
    "shipping.shipment-refused",
];

/// The command that follows from an event, if any.
pub fn react(event: &Event, order: &PlacedOrder) -> Option<Command> {
    let order_id = event.order_id();
    match event {
        Event::OrderPlaced(_) => Some(Command::HonourPrices { order_id, lines: order.lines.clone() }),
        Event::StockRefused { .. } | Event::PaymentRefused { .. } | Event::ShipmentRefused { .. } => {
            Some(Command::ReleasePrices { order_id })
        }
        _ => None,
    }
}
