//! *Choreography*: what orders does when it hears that something happened elsewhere. Nobody gives orders.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that lead to something here.
pub const HEARS: &[&str] = &[
    "catalog.prices-refused",
    "inventory.stock-refused",
    "payments.payment-refused",
    "shipping.shipment-refused",
    "shipping.shipment-scheduled",
];

/// What is done about an event, if anything.
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
