//! What the handlers need of a store.

use contracts::{BoxError, OrderId, Region};

/// Where shipments are kept. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait ShipmentStore {
    /// Keeps the order's shipment. One that is there already stays as it is (rule 20).
    async fn save(&mut self, order: OrderId, region: &Region) -> Result<(), BoxError>;
}
