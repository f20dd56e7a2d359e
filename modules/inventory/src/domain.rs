//! The warehouse's rules, on plain values.

use std::collections::BTreeMap;

use contracts::{Error, OrderLine, Quantity, RefusalCode, Sku};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stock of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The product.
    pub sku: Sku,
    /// All units ever received; only grows.
    pub received: i64,
    /// Units that are still available.
    pub on_hand: i64,
}

/// A number of units of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// The product.
    pub sku: Sku,
    /// How many units, at least one.
    pub quantity: Quantity,
}

/// A delivery to the warehouse: the body of `POST /stock/receipts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Chosen by the sender. The same delivery sent twice is received once.
    pub receipt_id: Uuid,
    /// The units delivered, by product.
    pub lines: Vec<Pieces>,
}

impl Receipt {
    /// A hash of the delivered units. Equal deliveries have the same one, regardless of how their lines are written:
    /// rule 58 (same request).
    pub fn fingerprint(&self) -> Uuid {
        let mut pieces: BTreeMap<&Sku, i64> = BTreeMap::new();
        for line in &self.lines {
            *pieces.entry(&line.sku).or_default() += line.quantity.get();
        }
        let text: Vec<String> =
            pieces.into_iter().map(|(sku, quantity)| format!("{sku} {quantity}")).collect();
        Uuid::new_v5(&Uuid::NAMESPACE_OID, text.join(",").as_bytes())
    }
}

/// The state of an order's reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// The units are set aside.
    Reserved(Vec<Pieces>),
    /// The units are sold, for good.
    Committed(Vec<Pieces>),
    /// The units are back in stock, or were never set aside and never will be: rule 19 (tombstone).
    Released,
}

/// Returns the units that these lines ask for, or a refusal if there are too few of any product.
pub fn reserve(lines: &[OrderLine], levels: &[Level]) -> Result<Vec<Pieces>, Error> {
    lines
        .iter()
        .map(|line| {
            let level = levels.iter().find(|level| level.sku == line.sku);
            let on_hand = level.map_or(0, |level| level.on_hand);
            if on_hand < line.quantity.get() {
                let detail = format!("{} has {on_hand} left, {} ordered", line.sku, line.quantity);
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
    fn a_delivery_has_one_fingerprint_however_it_is_written() {
        let delivery = |lines: &[(&str, i64)]| {
            let pieces = |&(sku, quantity): &(&str, i64)| Pieces {
                sku: str::parse(sku).unwrap(),
                quantity: quantity.try_into().unwrap(),
            };
            Receipt { receipt_id: Uuid::nil(), lines: lines.iter().map(pieces).collect() }.fingerprint()
        };
        let one = delivery(&[("a", 3), ("b", 1)]);
        assert_eq!(delivery(&[("b", 1), ("a", 3)]), one);
        assert_eq!(
            delivery(&[("a", 1), ("b", 1), ("a", 2)]),
            one,
            "two lines of one product count as their sum"
        );
        assert_ne!(delivery(&[("a", 3), ("b", 2)]), one);
        assert_ne!(delivery(&[("a", 3)]), one);
    }

    #[test]
    fn the_last_unit_can_be_reserved_and_no_more() {
        let levels = [level("a", 2), level("b", 1)];
        assert!(reserve(&[line("a", 2), line("b", 1)], &levels).is_ok());
        assert!(reserve(&[line("a", 2), line("b", 2)], &levels).is_err());
        assert!(reserve(&[line("unheard-of", 1)], &levels).is_err());
    }
}
