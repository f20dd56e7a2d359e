//! *Choreography*: what the warehouse does when it hears that something happened elsewhere. Nobody gives orders.

use contracts::{Command, Event, PlacedOrder};

/// The routing keys of all events that lead to something here.
pub const HEARS: &[&str] =
    &["catalog.prices-honoured", "payments.payment-refused", "shipping.shipment-refused"];

/// What is done about an event, if anything.
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
