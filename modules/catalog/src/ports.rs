//! What the handlers need of a store.

use contracts::{BoxError, OrderId, Sku};

use crate::domain::{Claim, Pieces, Product};

/// All that the answer to an order is decided on.
#[derive(Debug)]
pub struct Offer {
    /// What became of the order so far. `None` also where there is none of the products.
    pub claim: Option<Claim>,
    /// The products asked for, as far as they exist.
    pub products: Vec<Product>,
}

/// Where products and claims are kept. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait CatalogStore {
    /// Locks those of these products that are on sale, and what these orders claimed, in the order of their sku.
    async fn lock_all(&mut self, skus: &[&Sku], released: &[OrderId]) -> Result<(), BoxError>;

    /// The products and the order's claim. Nothing is locked: a price is only read.
    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Offer, BoxError>;

    /// The same products, locked in the order of their sku: a sale is about to be claimed.
    async fn lock(&mut self, skus: &[&Sku]) -> Result<Vec<Product>, BoxError>;

    /// Claims the pieces for the order. Fails where the order has a claim.
    async fn save_claimed(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError>;

    /// The order's claim, locked.
    async fn load_claim(&mut self, order: OrderId) -> Result<Option<Claim>, BoxError>;

    /// Leaves a tombstone for an order that has no claim. `false`: it has one, which was committed meanwhile.
    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError>;

    /// Marks the order's claim as released, for good, and gives the pieces back to their sales.
    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError>;

    /// Puts products on sale, or changes them.
    async fn save_products(&mut self, products: &[Product]) -> Result<(), BoxError>;
}
