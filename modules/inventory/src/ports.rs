//! What the handlers need of a store.

use contracts::{BoxError, OrderId, Sku};
use uuid::Uuid;

use crate::domain::{Level, Pieces, Receipt, Reservation};

/// All that a reservation is decided on, with its rows locked.
#[derive(Debug)]
pub struct Shelf {
    /// What became of the order so far. `None` also where none of the products was ever received.
    pub reservation: Option<Reservation>,
    /// The products asked for, as far as they exist.
    pub levels: Vec<Level>,
}

/// Where stock and reservations are kept. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait StockStore {
    /// Locks these products, and those that are set aside for these orders, in the order of their sku.
    async fn lock_all(&mut self, skus: &[&Sku], released: &[OrderId]) -> Result<(), BoxError>;

    /// The products and the order's reservation; locks the products in the order of their sku.
    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Shelf, BoxError>;

    /// Takes the pieces from the shelf and sets them aside. Fails where the order has a reservation.
    async fn save_reserved(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError>;

    /// The order's reservation, locked.
    async fn load_reservation(&mut self, order: OrderId) -> Result<Option<Reservation>, BoxError>;

    /// Marks the pieces that are set aside as sold, for good.
    async fn save_committed(&mut self, order: OrderId) -> Result<(), BoxError>;

    /// Leaves a tombstone for an order that has no reservation. `false`: it has one, which was committed meanwhile.
    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError>;

    /// Marks the order's reservation as released, for good, and puts the pieces back.
    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError>;

    /// Adds a delivery, unless its id is taken. Returns the fingerprint of the delivery that has the id now.
    async fn save_receipt(&mut self, receipt: &Receipt) -> Result<Uuid, BoxError>;
}
