//! What the handlers need from a store.

use contracts::{BoxError, OrderId};
use uuid::Uuid;

use crate::domain::{Decision, NewOrder, Order};

/// The result of inserting an order.
#[derive(Debug)]
pub enum Insertion {
    /// Inserted as a new pending row.
    Inserted,
    /// The key already has this order, from a request with this fingerprint.
    Known(Box<Order>, Uuid),
    /// Another request with the same key is in progress right now.
    Busy,
}

/// Stores orders. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait OrderStore {
    /// Inserts a pending order, unless its key is taken.
    async fn insert(&mut self, order: &NewOrder) -> Result<Insertion, BoxError>;

    /// Confirms or cancels a pending order. `false`: the order was not pending; see rule 21 (compare-and-set).
    async fn decide(&mut self, order: OrderId, decision: &Decision) -> Result<bool, BoxError>;

    /// The order as it is stored now; `None` if there is no order with this id.
    async fn find(&mut self, order: OrderId) -> Result<Option<Order>, BoxError>;
}
