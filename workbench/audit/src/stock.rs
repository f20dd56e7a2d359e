//! I2: units are neither created nor lost.

use std::collections::HashMap;
use std::collections::hash_map::Values;

use uuid::Uuid;

use super::inspection::Inspection;
use super::records::{Hold, Pieces, Records, pieces};
use crate::{Audit, words};

/// For each product, the received quantity is on hand or set aside, and no quantity is negative. For each sale, the
/// given out quantity equals what orders hold of it, and does not exceed the quota.
pub(super) fn nothing_is_sold_twice(records: &Records) -> Audit {
    let mut inspection = Inspection::of("I2", words::i2());

    let mut reserved = held(records.reservations.values());
    for level in &records.levels {
        let set_aside = reserved.remove(&level.sku).unwrap_or_default();
        let flaw = level.on_hand < 0 || level.received != level.on_hand + set_aside;
        inspection.look(flaw.then(|| words::stock_off(&level.sku, level.received, level.on_hand, set_aside)));
    }
    for (sku, set_aside) in reserved {
        inspection.look(Some(words::never_received(sku, set_aside)));
    }

    let mut claimed = held(records.claims.values());
    let mut sold = sold_on_sale(records);
    for sale in &records.sales {
        let given_out = claimed.remove(&sale.sku).unwrap_or_default();
        let sold = sold.remove(&sale.sku).unwrap_or_default();
        let flaw = sale.claimed != given_out
            || !(0..=sale.quota).contains(&sale.claimed)
            || sold > given_out
            || sold > sale.quota;
        inspection.look(flaw.then(|| words::sale_off(&sale.sku, sale.quota, sale.claimed, given_out, sold)));
    }
    for (sku, given_out) in claimed {
        inspection.look(Some(words::unknown_sale(sku, given_out)));
    }

    let pieces: i64 = records.levels.iter().map(|level| level.received - level.on_hand).sum();
    inspection.close(words::stock_agrees(records.levels.len(), records.sales.len(), pieces))
}

/// Pieces in confirmed orders at a price that was only valid in a sale, by sku, whether claimed or not.
fn sold_on_sale(records: &Records) -> Pieces {
    let mut sold = Pieces::new();
    for order in records.orders.iter().filter(|order| order.is_confirmed()) {
        for (sku, quantity) in records.prices.sold_on_sale(order) {
            *sold.entry(sku).or_default() += quantity;
        }
    }
    sold
}

/// Pieces currently held by orders, by sku.
fn held(holds: Values<'_, Uuid, Hold>) -> HashMap<String, i64> {
    let mut held = HashMap::new();
    for (sku, quantity) in holds.filter(|hold| hold.is_held()).flat_map(|hold| pieces(&hold.lines)) {
        *held.entry(sku).or_default() += quantity;
    }
    held
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{confirmed, refused, shop};
    use super::super::records::{Level, Sale};
    use super::*;
    use crate::Verdict;

    fn verdict(shop: &Records) -> Verdict {
        nothing_is_sold_twice(shop).verdict
    }

    #[test]
    fn a_lost_piece_an_oversold_one_and_an_overdrawn_sale_are_seen() {
        let good = shop([confirmed(1), refused(2, "out_of_stock")]);
        assert_eq!(verdict(&good), Verdict::Held);
        assert_eq!(verdict(&Records::default()), Verdict::NoEvidence);

        let mut lost = good.clone();
        lost.levels[0].on_hand -= 1;
        assert_eq!(verdict(&lost), Verdict::Violated);

        let mut oversold = good.clone();
        oversold.levels = vec![Level { sku: "a".into(), received: 1, on_hand: -1 }];
        assert!(nothing_is_sold_twice(&oversold).evidence.english().contains("a received 1"));

        // Both units of a confirmed order at the sale's price, without a claim.
        let mut unclaimed = good.clone();
        unclaimed.orders[0].lines[0]["unit_price"] = 3.into();
        let said = nothing_is_sold_twice(&unclaimed);
        assert_eq!(said.verdict, Verdict::Violated);
        assert!(said.evidence.english().contains("2 were sold at its price"), "{}", said.evidence);

        let mut overdrawn = good.clone();
        overdrawn.sales.push(Sale { sku: "b".into(), quota: 1, claimed: 2 });
        assert_eq!(verdict(&overdrawn), Verdict::Violated);
    }
}
