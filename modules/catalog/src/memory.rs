//! The store as maps. Unit tests, property tests and the simulation run the real handlers on it.

use std::collections::BTreeMap;

use contracts::{BoxError, OrderId, Sku};

use crate::domain::{Claim, Pieces, Product};
use crate::ports::{CatalogStore, Offer};

/// A catalog in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryCatalog {
    products: BTreeMap<Sku, Product>,
    claims: BTreeMap<OrderId, Claim>,
}

impl MemoryCatalog {
    /// A product's current values.
    pub fn product(&self, sku: &Sku) -> Option<&Product> {
        self.products.get(sku)
    }

    /// An order's claim.
    pub fn claim(&self, order: OrderId) -> Option<&Claim> {
        self.claims.get(&order)
    }

    /// Whether each sale has given out exactly what orders hold, and no more than its quota.
    pub fn balances(&self) -> bool {
        let held = |sku: &Sku| -> i64 {
            let claims = self.claims.values().filter_map(|claim| match claim {
                Claim::Claimed(pieces) => Some(pieces),
                Claim::Released => None,
            });
            claims.flatten().filter(|pieces| pieces.sku == *sku).map(|pieces| pieces.quantity.get()).sum()
        };
        self.products.values().all(|product| match &product.sale {
            Some(sale) => sale.claimed == held(&product.sku) && (0..=sale.quota).contains(&sale.claimed),
            None => held(&product.sku) == 0,
        })
    }

    fn add_claimed(&mut self, pieces: &Pieces, sign: i64) -> Result<(), BoxError> {
        let product = self.products.get_mut(&pieces.sku).ok_or("no such product")?;
        let sale = product.sale.as_mut().ok_or("no such sale")?;
        sale.claimed += sign * pieces.quantity.get();
        if (0..=sale.quota).contains(&sale.claimed) { Ok(()) } else { Err("claimed beyond the quota".into()) }
    }
}

impl CatalogStore for MemoryCatalog {
    async fn lock_all(&mut self, _: &[&Sku], _: &[OrderId]) -> Result<(), BoxError> {
        Ok(()) // One transaction at a time, so there is nothing to wait for.
    }

    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Offer, BoxError> {
        Ok(Offer { claim: self.claims.get(&order).cloned(), products: self.lock(skus).await? })
    }

    async fn lock(&mut self, skus: &[&Sku]) -> Result<Vec<Product>, BoxError> {
        Ok(skus.iter().filter_map(|sku| self.products.get(sku).cloned()).collect())
    }

    async fn save_claimed(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        if self.claims.contains_key(&order) {
            return Err("the order has a claim".into());
        }
        for piece in pieces {
            self.add_claimed(piece, 1)?;
        }
        self.claims.insert(order, Claim::Claimed(pieces.to_vec()));
        Ok(())
    }

    async fn load_claim(&mut self, order: OrderId) -> Result<Option<Claim>, BoxError> {
        Ok(self.claims.get(&order).cloned())
    }

    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError> {
        if self.claims.contains_key(&order) {
            return Ok(false);
        }
        self.claims.insert(order, Claim::Released);
        Ok(true)
    }

    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        for piece in pieces {
            self.add_claimed(piece, -1)?;
        }
        self.claims.insert(order, Claim::Released);
        Ok(())
    }

    async fn save_products(&mut self, products: &[Product]) -> Result<(), BoxError> {
        for product in products {
            self.products.insert(product.sku.clone(), product.clone());
        }
        Ok(())
    }
}
