//! What the handlers need of a store.

use contracts::{BoxError, OrderId};
use uuid::Uuid;

use crate::domain::{Decision, NewOrder, Order};

/// What happened to an order that was to be inserted.
#[derive(Debug)]
pub enum Insertion {
    /// A new row, pending.
    Inserted,
    /// Its key has an order already: this one, placed by a request with this fingerprint.
    Known(Box<Order>, Uuid),
    /// Another request with the same key is being worked on at this moment.
    Busy,
}

/// Where orders are kept. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait OrderStore {
    /// Inserts a pending order, unless its key is taken.
    async fn insert(&mut self, order: &NewOrder) -> Result<Insertion, BoxError>;

    /// Decides an order that is pending. `false`: it was not (rule 21).
    async fn decide(&mut self, order: OrderId, decision: &Decision) -> Result<bool, BoxError>;

    /// The order as it is stored now; `None` if there is none of this id.
    async fn find(&mut self, order: OrderId) -> Result<Option<Order>, BoxError>;
}
