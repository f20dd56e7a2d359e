//! One function per command: decide, save. There is nothing to load, since the decision depends on the region alone.

use contracts::{Command, Error, Event, OrderId, Region};

use crate::domain;
use crate::ports::ShipmentStore;

/// Carries out one command, in the caller's transaction.
pub async fn handle<S: ShipmentStore>(store: &mut S, command: Command) -> Result<Event, Error> {
    match command {
        Command::QuoteShipment { order_id, region } => quote_shipment(order_id, &region),
        Command::ScheduleShipment { order_id, region } => schedule_shipment(store, order_id, &region).await,
        other => Err(Error::Broken(format!("shipping does not handle {}", other.routing_key()).into())),
    }
}

fn quote_shipment(order: OrderId, region: &Region) -> Result<Event, Error> {
    domain::schedule(region)?;
    Ok(Event::ShipmentQuoted { order_id: order })
}

async fn schedule_shipment<S: ShipmentStore>(
    store: &mut S,
    order: OrderId,
    region: &Region,
) -> Result<Event, Error> {
    domain::schedule(region)?;
    store.save(order, region).await?;
    Ok(Event::ShipmentScheduled { order_id: order })
}
