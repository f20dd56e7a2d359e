//! *Choreography*: how orders reacts to events of other modules. No one sends it commands.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that it reacts to.
pub const HEARS: &[&str] = &[
    "catalog.prices-refused",
    "inventory.stock-refused",
    "payments.payment-refused",
    "shipping.shipment-refused",
    "shipping.shipment-scheduled",
];

/// The command that follows from an event, if any.
pub fn react(event: &Event, _order: &PlacedOrder) -> Option<Command> {
    let order_id = event.order_id();
    match event {
        Event::ShipmentScheduled { .. } => Some(Command::ConfirmOrder { order_id }),
        Event::PricesRefused { refusal, .. }
        | Event::StockRefused { refusal, .. }
        | Event::PaymentRefused { refusal, .. }
        | Event::ShipmentRefused { refusal, .. } => {
            Some(Command::CancelOrder { order_id, refusal: refusal.clone() })
        }
        _ => None,
    }
}
