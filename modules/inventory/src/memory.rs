//! The store as maps. Unit tests, property tests and the simulation run the real handlers on it.

use std::collections::BTreeMap;

use contracts::{BoxError, OrderId, Sku};
use uuid::Uuid;

use crate::domain::{Level, Pieces, Receipt, Reservation};
use crate::ports::{Shelf, StockStore};

/// A warehouse in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStock {
    levels: BTreeMap<Sku, Level>,
    reservations: BTreeMap<OrderId, Reservation>,
    receipts: BTreeMap<Uuid, Uuid>,
}

impl MemoryStock {
    /// The stock of a product.
    pub fn level(&self, sku: &Sku) -> Option<&Level> {
        self.levels.get(sku)
    }

    /// An order's reservation.
    pub fn reservation(&self, order: OrderId) -> Option<&Reservation> {
        self.reservations.get(&order)
    }

    /// Whether everything received is on hand or reserved, and nothing is negative (invariant I2).
    pub fn balances(&self) -> bool {
        self.levels.values().all(|level| {
            let reserved: i64 = self
                .reservations
                .values()
                .filter_map(|reservation| match reservation {
                    Reservation::Reserved(pieces) | Reservation::Committed(pieces) => Some(pieces),
                    Reservation::Released => None,
                })
                .flatten()
                .filter(|pieces| pieces.sku == level.sku)
                .map(|pieces| pieces.quantity.get())
                .sum();
            level.on_hand >= 0 && level.received == level.on_hand + reserved
        })
    }

    fn put(&mut self, pieces: &Pieces) -> &mut Level {
        let sku = pieces.sku.clone();
        let level = self.levels.entry(sku.clone()).or_insert(Level { sku, received: 0, on_hand: 0 });
        level.on_hand += pieces.quantity.get();
        level
    }
}

impl StockStore for MemoryStock {
    async fn lock_all(&mut self, _: &[&Sku], _: &[OrderId]) -> Result<(), BoxError> {
        Ok(()) // One transaction at a time, so there is nothing to wait for.
    }

    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Shelf, BoxError> {
        Ok(Shelf {
            reservation: self.reservations.get(&order).cloned(),
            levels: skus.iter().filter_map(|sku| self.levels.get(sku).cloned()).collect(),
        })
    }

    async fn save_reserved(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        if self.reservations.contains_key(&order) {
            return Err("the order has a reservation".into());
        }
        for piece in pieces {
            let level = self.levels.get_mut(&piece.sku).ok_or("no such stock")?;
            level.on_hand -= piece.quantity.get();
            if level.on_hand < 0 {
                return Err("stock below zero".into());
            }
        }
        self.reservations.insert(order, Reservation::Reserved(pieces.to_vec()));
        Ok(())
    }

    async fn load_reservation(&mut self, order: OrderId) -> Result<Option<Reservation>, BoxError> {
        Ok(self.reservations.get(&order).cloned())
    }

    async fn save_committed(&mut self, order: OrderId) -> Result<(), BoxError> {
        match self.reservations.get(&order) {
            Some(Reservation::Reserved(pieces)) => {
                self.reservations.insert(order, Reservation::Committed(pieces.clone()));
                Ok(())
            }
            _ => Err("nothing is reserved for the order".into()),
        }
    }

    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError> {
        if self.reservations.contains_key(&order) {
            return Ok(false);
        }
        self.reservations.insert(order, Reservation::Released);
        Ok(true)
    }

    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        for piece in pieces {
            self.put(piece);
        }
        self.reservations.insert(order, Reservation::Released);
        Ok(())
    }

    async fn save_receipt(&mut self, receipt: &Receipt) -> Result<Uuid, BoxError> {
        if let Some(fingerprint) = self.receipts.get(&receipt.receipt_id) {
            return Ok(*fingerprint);
        }
        for piece in &receipt.lines {
            self.put(piece).received += piece.quantity.get();
        }
        self.receipts.insert(receipt.receipt_id, receipt.fingerprint());
        Ok(receipt.fingerprint())
    }
}
