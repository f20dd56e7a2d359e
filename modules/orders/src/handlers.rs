//! Placing an order, and one function per command.

use contracts::{BoxError, Command, Error, Event, OrderId};

use crate::domain::{Decision, NewOrder, Order};
use crate::ports::{Insertion, OrderStore};

/// The result of placing an order.
#[derive(Debug)]
pub enum Placed {
    /// A new order, pending.
    New(Event),
    /// The order that the same request placed earlier.
    Known(Box<Order>),
}

/// Why an order was not placed.
#[derive(Debug)]
pub enum PlaceError {
    /// The key was used for a different request.
    KeyReused,
    /// A request with the same key is still in progress.
    KeyBusy,
    /// Certainly nothing was stored. The same request may be sent again.
    Broken(BoxError),
    /// The order may have been stored: a `COMMIT` was sent, and its reply was lost.
    Unknown(BoxError),
}

impl From<BoxError> for PlaceError {
    fn from(error: BoxError) -> Self {
        PlaceError::Broken(error)
    }
}

/// Places an order, or finds the one that the same request placed earlier.
pub async fn place<S: OrderStore>(store: &mut S, order: &NewOrder) -> Result<Placed, PlaceError> {
    match store.insert(order).await? {
        Insertion::Inserted => Ok(Placed::New(Event::OrderPlaced(order.placed.clone()))),
        Insertion::Known(known, fingerprint) if fingerprint == order.fingerprint => Ok(Placed::Known(known)),
        Insertion::Known(..) => Err(PlaceError::KeyReused),
        Insertion::Busy => Err(PlaceError::KeyBusy),
    }
}

/// Carries out one command, in the caller's transaction.
pub async fn handle<S: OrderStore>(store: &mut S, command: Command) -> Result<Event, Error> {
    match command {
        Command::ConfirmOrder { order_id } => {
            decide(store, order_id, Decision::Confirm).await?;
            Ok(Event::OrderConfirmed { order_id })
        }
        Command::CancelOrder { order_id, refusal } => {
            decide(store, order_id, Decision::Cancel(refusal.clone())).await?;
            Ok(Event::OrderCancelled { order_id, refusal })
        }
        other => Err(Error::Broken(format!("orders does not handle {}", other.routing_key()).into())),
    }
}

async fn decide<S: OrderStore>(store: &mut S, order: OrderId, decision: Decision) -> Result<(), BoxError> {
    if store.decide(order, &decision).await? {
        return Ok(());
    }
    match store.find(order).await? {
        Some(found) if found.status == decision.status() => Ok(()),
        Some(found) => Err(format!("order {order} is already {}", found.status.as_str()).into()),
        None => Err(format!("there is no order {order}").into()),
    }
}
