//! The store as a map. Unit tests, property tests and the simulation run the real handlers on it.

use std::collections::BTreeMap;

use contracts::{BoxError, OrderId, Region};

use crate::ports::ShipmentStore;

/// Shipments by order.
#[derive(Debug, Clone, Default)]
pub struct MemoryShipments(BTreeMap<OrderId, Region>);

impl MemoryShipments {
    /// The region that an order ships to.
    pub fn region(&self, order: OrderId) -> Option<&Region> {
        self.0.get(&order)
    }
}

impl ShipmentStore for MemoryShipments {
    async fn save(&mut self, order: OrderId, region: &Region) -> Result<(), BoxError> {
        self.0.entry(order).or_insert_with(|| region.clone());
        Ok(())
    }
}
