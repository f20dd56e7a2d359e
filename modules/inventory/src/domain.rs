//! The rules of the warehouse, on plain values.

use contracts::{Error, OrderLine, Quantity, RefusalCode, Sku};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many pieces of a product there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The product, by its SKU.
    pub sku: Sku,
    /// All pieces that ever came in; it only grows.
    pub received: i64,
    /// Still to be had.
    pub on_hand: i64,
}

/// So many pieces of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// The product, by its SKU.
    pub sku: Sku,
    /// Pieces of it, at least one.
    pub quantity: Quantity,
}

/// A delivery to the warehouse: the body of `POST /stock/receipts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Chosen by the sender. The same delivery sent twice is received once.
    pub receipt_id: Uuid,
    /// The pieces that came, by product.
    pub lines: Vec<Pieces>,
}

/// What became of an order's pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// They are set aside.
    Reserved(Vec<Pieces>),
    /// They are sold, for good.
    Committed(Vec<Pieces>),
    /// They are back, or were never set aside and never will be: a tombstone (rule 19).
    Released,
}

/// The pieces that these lines ask for, or the refusal if there are too few of any.
pub fn reserve(lines: &[OrderLine], levels: &[Level]) -> Result<Vec<Pieces>, Error> {
    lines
        .iter()
        .map(|line| {
            let level = levels.iter().find(|level| level.sku == line.sku);
            let on_hand = level.map_or(0, |level| level.on_hand);
            if on_hand < line.quantity.get() {
                let detail = format!("{} has {on_hand} left, not {}", line.sku, line.quantity);
                return Err(Error::refused(RefusalCode::OutOfStock, detail));
            }
            Ok(Pieces { sku: line.sku.clone(), quantity: line.quantity })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::Money;

    fn line(sku: &str, quantity: i64) -> OrderLine {
        OrderLine { sku: sku.parse().unwrap(), quantity: quantity.try_into().unwrap(), unit_price: Money(1) }
    }

    fn level(sku: &str, on_hand: i64) -> Level {
        Level { sku: sku.parse().unwrap(), received: on_hand, on_hand }
    }

    #[test]
    fn the_last_piece_can_be_had_and_no_more() {
        let levels = [level("a", 2), level("b", 1)];
        assert!(reserve(&[line("a", 2), line("b", 1)], &levels).is_ok());
        assert!(reserve(&[line("a", 2), line("b", 2)], &levels).is_err());
        assert!(reserve(&[line("unheard-of", 1)], &levels).is_err());
    }
}
