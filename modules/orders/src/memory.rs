//! The store as maps. Unit tests, property tests and the simulation run the real handlers on it.

use std::collections::BTreeMap;

use contracts::{BoxError, OrderId};
use uuid::Uuid;

use crate::domain::{Decision, NewOrder, Order};
use crate::ports::{Insertion, OrderStore};

/// Orders by id, and order ids by idempotency key.
#[derive(Debug, Clone, Default)]
pub struct MemoryOrders {
    orders: BTreeMap<OrderId, Order>,
    keys: BTreeMap<String, (OrderId, Uuid)>,
}

impl MemoryOrders {
    /// All orders, sorted by id.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }
}

impl OrderStore for MemoryOrders {
    async fn insert(&mut self, order: &NewOrder) -> Result<Insertion, BoxError> {
        if let Some((id, fingerprint)) = self.keys.get(&order.key) {
            return Ok(Insertion::Known(Box::new(self.orders[id].clone()), *fingerprint));
        }
        let id = order.placed.order_id;
        self.keys.insert(order.key.clone(), (id, order.fingerprint));
        self.orders.insert(id, Order::pending(order.placed.clone()));
        Ok(Insertion::Inserted)
    }

    async fn decide(&mut self, order: OrderId, decision: &Decision) -> Result<bool, BoxError> {
        match self.orders.get_mut(&order) {
            Some(found) if !found.status.is_terminal() => {
                *found = found.clone().decided(decision.clone());
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn find(&mut self, order: OrderId) -> Result<Option<Order>, BoxError> {
        Ok(self.orders.get(&order).cloned())
    }
}
