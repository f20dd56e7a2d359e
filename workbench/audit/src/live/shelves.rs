//! Compares what was given out of each product with what orders hold of it. The sums are updated with each change, so
//! that not all orders of the run have to be added up.

use std::collections::{BTreeSet, HashMap};

use super::super::records::Pieces;
use super::news::ExactLevel;

/// The products of a warehouse, or the sales of a catalogue.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    /// Given out, according to the products' own rows.
    given_out: HashMap<String, i64>,
    /// Held by the orders that were seen.
    held: HashMap<String, i64>,
    /// Given out and held by orders from before the first look.
    before: HashMap<String, i64>,
    /// Whether the products have been read at least once.
    begun: bool,
    touched: BTreeSet<String>,
    suspected: BTreeSet<String>,
}

impl Shelves {
    /// Replaces the units that an order held by those that it holds now.
    pub fn hold(&mut self, was: &Pieces, is: &Pieces) {
        for (pieces, sign) in [(was, -1), (is, 1)] {
            for (sku, quantity) in pieces {
                *self.held.entry(sku.clone()).or_default() += sign * quantity;
                self.touched.insert(sku.clone());
            }
        }
    }

    /// Sets the quantity given out according to the product's row.
    pub fn give_out(&mut self, sku: &str, given_out: i64) {
        self.given_out.insert(sku.to_owned(), given_out);
        self.touched.insert(sku.to_owned());
    }

    /// Called when all changes of a look have been added. Returns the products that match now. Those that do not
    /// become suspects.
    pub fn settle(&mut self) -> Vec<String> {
        let touched = std::mem::take(&mut self.touched);
        if !self.begun {
            // Orders from before the first look are not known individually. What they hold is assumed to be correct.
            self.begun = !self.given_out.is_empty();
            for (sku, given_out) in &self.given_out {
                self.before.insert(sku.clone(), given_out - self.held.get(sku).copied().unwrap_or_default());
            }
        }
        let (fit, off): (Vec<String>, Vec<String>) = touched.into_iter().partition(|sku| self.fits(sku));
        self.suspected.extend(off);
        self.suspected.retain(|sku| !fit.contains(sku));
        fit
    }

    fn fits(&self, sku: &str) -> bool {
        let of = |map: &HashMap<String, i64>| map.get(sku).copied().unwrap_or_default();
        of(&self.given_out) == of(&self.held) + of(&self.before)
    }

    /// Products that do not match according to what was seen.
    pub fn suspects(&self) -> Vec<String> {
        self.suspected.iter().cloned().collect()
    }

    /// Evaluates the full check of a suspected product. Returns whether it is really wrong. If it is not, an order
    /// was missed, and its units are counted from now on.
    pub fn confirm(&mut self, exact: &ExactLevel) -> bool {
        self.suspected.remove(&exact.sku);
        if exact.given_out == exact.held {
            let seen = self.held.get(&exact.sku).copied().unwrap_or_default();
            let given_out = self.given_out.get(&exact.sku).copied().unwrap_or_default();
            self.before.insert(exact.sku.clone(), given_out - seen);
        }
        exact.given_out != exact.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(quantity: i64) -> Pieces {
        Pieces::from([("a".to_owned(), quantity)])
    }

    /// Five units were given out before the first look.
    fn shelves() -> Shelves {
        let mut shelves = Shelves::default();
        shelves.give_out("a", 5);
        assert_eq!(shelves.settle(), ["a"]);
        shelves
    }

    #[test]
    fn what_fits_is_not_suspected() {
        let mut shelves = shelves();
        shelves.hold(&Pieces::new(), &pieces(2));
        shelves.give_out("a", 7);
        assert_eq!(shelves.settle(), ["a"]);
        shelves.hold(&pieces(2), &Pieces::new());
        shelves.give_out("a", 5);
        assert_eq!((shelves.settle().len(), shelves.suspects().len()), (1, 0));
    }

    #[test]
    fn a_piece_too_few_or_too_many_is() {
        for given_out in [6, 8] {
            let mut shelves = shelves();
            shelves.hold(&Pieces::new(), &pieces(2));
            shelves.give_out("a", given_out);
            assert!(shelves.settle().is_empty());
            assert_eq!(shelves.suspects(), ["a"]);
            assert!(shelves.confirm(&ExactLevel { sku: "a".into(), given_out, held: 7 }));
            // Repaired, and recognized as such.
            shelves.give_out("a", 7);
            assert_eq!(shelves.settle(), ["a"]);
        }
    }

    #[test]
    fn a_suspicion_that_comes_of_a_missed_order_is_taken_back() {
        let mut shelves = shelves();
        shelves.give_out("a", 9);
        shelves.settle();
        assert!(!shelves.confirm(&ExactLevel { sku: "a".into(), given_out: 9, held: 9 }));
        shelves.hold(&Pieces::new(), &pieces(1));
        shelves.give_out("a", 10);
        assert_eq!(shelves.settle(), ["a"]);
    }
}
