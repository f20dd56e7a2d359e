//! The prices of products over time. Shows whether the price of an order was valid at some time between placing and
//! decision.

use std::collections::HashMap;

use chrono::TimeDelta;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::{Moment, Order, Pieces};
use crate::words;

/// A changed price becomes visible only when it is committed; until then the previous price is valid. No change in
/// the catalogue takes longer than this to commit.
const COMMITTING: TimeDelta = TimeDelta::seconds(10);

/// The price of a product from a certain time on.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub(crate) struct Price {
    #[diesel(sql_type = Text)]
    pub sku: String,
    #[diesel(sql_type = BigInt)]
    pub price: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub sale_price: Option<i64>,
    #[diesel(sql_type = Timestamptz)]
    pub since: Moment,
}

/// All prices so far by sku, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prices(HashMap<String, Vec<Price>>);

/// A line of an order, as stored.
struct Line<'a> {
    sku: &'a str,
    quantity: i64,
    unit_price: i64,
}

impl Prices {
    /// Adds changes in any order. Some may already be known.
    pub fn extend(&mut self, changes: Vec<Price>) {
        for change in changes {
            let known = self.0.entry(change.sku.clone()).or_default();
            let place = known.partition_point(|other| other.since < change.since);
            if known.get(place) != Some(&change) {
                known.insert(place, change);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with the prices of a confirmed order that holds these claims of sales.
    pub fn flaw(&self, order: &Order, claimed: &Pieces) -> Option<terminal::text::Text> {
        lines(order).find_map(|line| {
            let Line { sku, quantity, unit_price } = line;
            let (listed, on_sale) = self.shown(order, &line);
            match claimed.get(sku) {
                Some(_) if on_sale => None,
                Some(_) => Some(words::other_sale_price(sku, unit_price)),
                None if listed => None,
                None if on_sale => Some(words::not_claimed(quantity, sku, unit_price)),
                None => Some(words::other_price(sku, unit_price)),
            }
        })
    }

    /// Pieces per product for which the order has a price that was only valid in a sale.
    pub fn sold_on_sale(&self, order: &Order) -> Pieces {
        let mut sold = Pieces::new();
        for line in lines(order) {
            if self.shown(order, &line) == (false, true) {
                *sold.entry(line.sku.to_owned()).or_default() += line.quantity;
            }
        }
        sold
    }

    /// Whether this was the product's regular price, and whether it was its sale price, at any time between the
    /// order's placing and its decision.
    fn shown(&self, order: &Order, line: &Line<'_>) -> (bool, bool) {
        let changes = self.0.get(line.sku).map(Vec::as_slice).unwrap_or_default();
        let (mut listed, mut on_sale) = (false, false);
        for (n, change) in changes.iter().enumerate() {
            let begun = order.decided_at.is_none_or(|decided| change.since <= decided);
            let over = changes.get(n + 1).is_some_and(|next| next.since + COMMITTING < order.placed_at);
            if begun && !over {
                listed |= change.price == line.unit_price;
                on_sale |= change.sale_price == Some(line.unit_price);
            }
        }
        (listed, on_sale)
    }
}

/// Skips anything that is not a line. Other judges notice that it is missing.
fn lines(order: &Order) -> impl Iterator<Item = Line<'_>> {
    order.lines.as_array().into_iter().flatten().filter_map(|line| {
        Some(Line {
            sku: line["sku"].as_str()?,
            quantity: line["quantity"].as_i64()?,
            unit_price: line["unit_price"].as_i64()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::made_up::{confirmed, shop};
    use super::*;

    fn price(price: i64, sale_price: Option<i64>, second: i64) -> Price {
        Price { sku: "a".into(), price, sale_price, since: Moment::from_timestamp(second, 0).unwrap() }
    }

    /// The order was placed in second 0 and decided in second 90, and has two units at 5.
    #[test]
    fn a_price_counts_from_its_change_to_a_little_after_the_next() {
        let order = &shop([confirmed(1)]).orders[0];
        let (none, two) = (Pieces::new(), Pieces::from([("a".to_owned(), 2)]));
        let flaw = |changes: &[Price], claimed: &Pieces| {
            let mut prices = Prices::default();
            prices.extend(changes.to_vec());
            prices.flaw(order, claimed)
        };
        assert_eq!(flaw(&[price(5, None, -1)], &none), None);
        assert_eq!(flaw(&[price(5, None, -100), price(6, None, -5)], &none), None, "not yet committed");
        assert_eq!(flaw(&[price(6, None, -100), price(5, None, 60)], &none), None, "changed meanwhile");
        assert_eq!(flaw(&[price(9, Some(5), -1)], &two), None);
        let said = |changes: &[Price], claimed: &Pieces| flaw(changes, claimed).unwrap_or_default();
        assert!(
            said(&[price(5, None, -100), price(6, None, -50)], &none).english().contains("not its price")
        );
        assert!(said(&[price(6, None, -1), price(5, None, 91)], &none).english().contains("not its price"));
        assert!(said(&[], &none).english().contains("not its price"));
        assert!(said(&[price(9, Some(5), -1)], &none).english().contains("not claimed"));
        assert!(said(&[price(9, Some(4), -1)], &two).english().contains("another price"));
    }
}
