//! One function a command: load, decide, save.

use contracts::{BoxError, Command, Error, Event, OrderId, OrderLine, RefusalCode, Sku};

use crate::domain::{self, Receipt, Reservation};
use crate::ports::StockStore;

/// Does what it is told, inside the transaction of whoever calls.
pub async fn handle<S: StockStore>(store: &mut S, command: Command) -> Result<Event, Error> {
    match command {
        Command::ReserveStock { order_id, lines } => reserve_stock(store, order_id, &lines).await,
        Command::ReleaseStock { order_id } => release_stock(store, order_id).await,
        other => Err(Error::Broken(format!("inventory does not do {}", other.routing_key()).into())),
    }
}

async fn reserve_stock<S: StockStore>(
    store: &mut S,
    order: OrderId,
    lines: &[OrderLine],
) -> Result<Event, Error> {
    let skus: Vec<&Sku> = lines.iter().map(|line| &line.sku).collect();
    let shelf = store.load(order, &skus).await?;
    match shelf.reservation {
        Some(Reservation::Reserved(_)) => {}
        Some(Reservation::Released) => {
            return Err(Error::refused(
                RefusalCode::Withdrawn,
                "the order was released before it was reserved",
            ));
        }
        None => {
            let pieces = domain::reserve(lines, &shelf.levels)?;
            store.save_reserved(order, &pieces).await?;
        }
    }
    Ok(Event::StockReserved { order_id: order })
}

async fn release_stock<S: StockStore>(store: &mut S, order: OrderId) -> Result<Event, Error> {
    match store.load_reservation(order).await? {
        Some(Reservation::Released) => {}
        Some(Reservation::Reserved(pieces)) => store.save_released(order, &pieces).await?,
        None => store.save_released(order, &[]).await?,
    }
    Ok(Event::StockReleased { order_id: order })
}

/// Takes a delivery to the warehouse in.
pub async fn receive<S: StockStore>(store: &mut S, receipt: &Receipt) -> Result<(), BoxError> {
    store.save_receipt(receipt).await
}
