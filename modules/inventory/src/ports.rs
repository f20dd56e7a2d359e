//! What the handlers need from a store.

use contracts::{BoxError, OrderId, Sku};
use uuid::Uuid;

use crate::domain::{Level, Pieces, Receipt, Reservation};

/// Everything that a decision on a reservation depends on, with its rows locked.
#[derive(Debug)]
pub struct Shelf {
    /// The order's reservation so far. Also `None` if none of the products was ever received.
    pub reservation: Option<Reservation>,
    /// The stock of those requested products that exist.
    pub levels: Vec<Level>,
}

/// Stores stock and reservations. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait StockStore {
    /// Locks these products, and those that these orders have reserved, in sku order.
    async fn lock_all(&mut self, skus: &[&Sku], released: &[OrderId]) -> Result<(), BoxError>;

    /// Loads the products and the order's reservation. Locks the products in sku order.
    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Shelf, BoxError>;

    /// Takes the units out of stock and reserves them. Fails if the order already has a reservation.
    async fn save_reserved(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError>;

    /// Loads the order's reservation and locks it.
    async fn load_reservation(&mut self, order: OrderId) -> Result<Option<Reservation>, BoxError>;

    /// Marks the reserved units as sold, for good.
    async fn save_committed(&mut self, order: OrderId) -> Result<(), BoxError>;

    /// Inserts a tombstone for an order without a reservation. `false`: a reservation was committed in the meantime.
    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError>;

    /// Marks the order's reservation as released, for good, and puts the units back in stock.
    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError>;

    /// Adds a delivery, unless its id is taken. Returns the fingerprint of the delivery that now has the id.
    async fn save_receipt(&mut self, receipt: &Receipt) -> Result<Uuid, BoxError>;
}
