//! What the handlers need from a store.

use contracts::{BoxError, OrderId, Region};

/// Stores shipments. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait ShipmentStore {
    /// Stores the order's shipment. An existing shipment stays unchanged: rule 20 (once per order).
    async fn save(&mut self, order: OrderId, region: &Region) -> Result<(), BoxError>;
}
