//! What the handlers need from a store.

use contracts::{BoxError, OrderId, Sku};

use crate::domain::{Claim, Pieces, Product};

/// Everything that a decision on an order depends on.
#[derive(Debug)]
pub struct Offer {
    /// The order's claim so far. Also `None` if none of the products exists.
    pub claim: Option<Claim>,
    /// Those of the requested products that exist.
    pub products: Vec<Product>,
}

/// Stores products and claims. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait CatalogStore {
    /// Locks, in sku order, those of these products that are on sale and those that these orders have claimed.
    async fn lock_all(&mut self, skus: &[&Sku], released: &[OrderId]) -> Result<(), BoxError>;

    /// Loads the products and the order's claim. Locks nothing, since a price is only read.
    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Offer, BoxError>;

    /// Loads the same products and locks them in sku order, before a sale is claimed.
    async fn lock(&mut self, skus: &[&Sku]) -> Result<Vec<Product>, BoxError>;

    /// Claims the units for the order. Fails if the order already has a claim.
    async fn save_claimed(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError>;

    /// Loads the order's claim and locks it.
    async fn load_claim(&mut self, order: OrderId) -> Result<Option<Claim>, BoxError>;

    /// Inserts a tombstone for an order without a claim. `false`: a claim was committed in the meantime.
    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError>;

    /// Marks the order's claim as released, for good, and returns the units to their sales.
    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError>;

    /// Adds products, or changes them.
    async fn save_products(&mut self, products: &[Product]) -> Result<(), BoxError>;
}
