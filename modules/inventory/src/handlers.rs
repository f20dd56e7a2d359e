//! One function per command: load, decide, save.

use contracts::{BoxError, Command, Error, Event, OrderId, OrderLine, RefusalCode, Sku};

use platform::Flaw;

use crate::domain::{self, Receipt, Reservation};
use crate::ports::StockStore;

/// Carries out one command, in the caller's transaction.
pub async fn handle<S: StockStore>(store: &mut S, command: Command) -> Result<Event, Error> {
    match command {
        Command::ReserveStock { order_id, lines } => reserve_stock(store, order_id, &lines).await,
        Command::CommitReservation { order_id } => commit_reservation(store, order_id).await,
        Command::ReleaseStock { order_id } => release_stock(store, order_id).await,
        other => Err(Error::Broken(format!("inventory does not handle {}", other.routing_key()).into())),
    }
}

/// Locks the rows that several of these commands touch, sorted, before a batch is handled in one transaction:
/// rule 48 (batch locks). A single command needs no such call: its handler locks in the same order.
pub async fn lock<S: StockStore>(store: &mut S, commands: &[&Command]) -> Result<(), BoxError> {
    let (mut skus, mut released) = (Vec::new(), Vec::new());
    for command in commands {
        match command {
            Command::ReserveStock { lines, .. } => skus.extend(lines.iter().map(|line| &line.sku)),
            Command::ReleaseStock { order_id } => released.push(*order_id),
            _ => {}
        }
    }
    store.lock_all(&skus, &released).await
}

async fn reserve_stock<S: StockStore>(
    store: &mut S,
    order: OrderId,
    lines: &[OrderLine],
) -> Result<Event, Error> {
    let skus: Vec<&Sku> = lines.iter().map(|line| &line.sku).collect();
    let shelf = store.load(order, &skus).await?;
    match shelf.reservation {
        Some(Reservation::Reserved(_) | Reservation::Committed(_)) => {}
        Some(Reservation::Released) => {
            return Err(Error::refused(
                RefusalCode::Withdrawn,
                "the reservation was released before it was made",
            ));
        }
        None => {
            let pieces = domain::reserve(lines, &shelf.levels)?;
            store.save_reserved(order, &pieces).await?;
        }
    }
    Ok(Event::StockReserved { order_id: order })
}

async fn commit_reservation<S: StockStore>(store: &mut S, order: OrderId) -> Result<Event, Error> {
    match store.load_reservation(order).await? {
        Some(Reservation::Committed(_)) => {}
        Some(Reservation::Reserved(_)) => store.save_committed(order).await?,
        Some(Reservation::Released) | None => {
            return Err(Error::Broken(format!("order {order} has no reservation to commit").into()));
        }
    }
    Ok(Event::ReservationCommitted { order_id: order })
}

async fn release_stock<S: StockStore>(store: &mut S, order: OrderId) -> Result<Event, Error> {
    let mut found = store.load_reservation(order).await?;
    // A row that does not exist yet cannot be locked. Inserting the tombstone waits for a reservation in progress: rule
    // 47 (missing row).
    if found.is_none() && !Flaw::NoTombstone.is_on() && !store.save_tombstone(order).await? {
        found = store.load_reservation(order).await?;
    }
    match found {
        Some(Reservation::Released) | None => {}
        Some(Reservation::Reserved(pieces)) => store.save_released(order, &pieces).await?,
        Some(Reservation::Committed(_)) => {
            return Err(Error::Broken(format!("the reservation of order {order} is already sold").into()));
        }
    }
    Ok(Event::StockReleased { order_id: order })
}

/// Why a delivery was not accepted.
#[derive(Debug)]
pub enum ReceiveError {
    /// A different delivery already has this id.
    IdReused,
    /// The store failed.
    Broken(BoxError),
}

impl From<BoxError> for ReceiveError {
    fn from(error: BoxError) -> Self {
        ReceiveError::Broken(error)
    }
}

/// Receives a delivery once. A different delivery with the same id is refused: rule 58 (same request).
pub async fn receive<S: StockStore>(store: &mut S, receipt: &Receipt) -> Result<(), ReceiveError> {
    let received = store.save_receipt(receipt).await?;
    if received == receipt.fingerprint() { Ok(()) } else { Err(ReceiveError::IdReused) }
}
