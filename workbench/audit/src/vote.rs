//! I5: an order is wholly confirmed or wholly compensated.

use std::collections::HashSet;

use uuid::Uuid;

use super::inspection::Inspection;
use super::records::{Hold, Order, Records, Saga, pieces};
use crate::{Audit, words};
use terminal::text::Text;
use topology::Driver;

/// A confirmed order has all its units set aside, at valid prices, its total paid, and one shipment to its region. A
/// cancelled order has none of these. An order in any other state is a violation. And no module holds anything for an
/// order that does not exist.
pub(super) fn all_or_nothing(records: &Records, driver: Driver) -> Audit {
    let mut inspection = Inspection::of("I5", words::i5());
    for order in &records.orders {
        let undecided = || (!order.is_terminal()).then(words::undecided);
        let flaw = contradiction(records, driver, order).or_else(undecided);
        inspection.look(flaw.map(|flaw| words::order_but(order.order_id, order.outcome(), flaw)));
    }
    let known: HashSet<Uuid> = records.orders.iter().map(|order| order.order_id).collect();
    for id in holders(records).filter(|id| !known.contains(id)) {
        if let Some(flaw) = left_over(records, id) {
            inspection.look(Some(words::no_order_but(id, flaw)));
        }
    }
    let confirmed = records.orders.iter().filter(|order| order.is_confirmed()).count();
    inspection.close(words::votes(confirmed, records.orders.len() - confirmed))
}

/// Where the modules or the saga contradict the order's own row. For a pending order anything counts.
pub(super) fn contradiction(records: &Records, driver: Driver, order: &Order) -> Option<Text> {
    let flaw = if order.is_confirmed() {
        missing(records, order).or_else(|| unconfirmed(records, driver, order.order_id))
    } else {
        left_over(records, order.order_id)
    };
    // Without a saga, there are only the modules' own tables to judge by.
    flaw.or_else(|| saga_disagrees(records.sagas.as_ref()?.get(&order.order_id), order))
}

/// What is missing for a confirmed order.
fn missing(records: &Records, order: &Order) -> Option<Text> {
    let id = order.order_id;
    let wanted = pieces(&order.lines);
    let Some(reservation) = records.reservations.get(&id).filter(|hold| hold.is_held()) else {
        return Some(words::nothing_reserved());
    };
    if pieces(&reservation.lines) != wanted {
        let reserved = format!("{:?}", pieces(&reservation.lines));
        return Some(words::reserved_instead(reserved, format!("{wanted:?}")));
    }
    let Some(payment) = records.payments.get(&id).filter(|payment| payment.refunded_at.is_none()) else {
        return Some(words::nothing_paid());
    };
    if payment.customer_id.as_ref() != Some(&order.customer_id) {
        return Some(words::other_customer(format!("{:?}", payment.customer_id), &order.customer_id));
    }
    match records.shipments.get(&id) {
        None => return Some(words::nothing_shipped()),
        Some(shipment) if shipment.region != order.region => {
            return Some(words::other_region(&shipment.region, &order.region));
        }
        Some(_) => {}
    }
    let claim = records.claims.get(&id);
    let claimed = claim.map(|claim| pieces(&claim.lines)).unwrap_or_default();
    let fits = claim.is_none_or(Hold::is_held)
        && claimed.iter().all(|(sku, quantity)| wanted.get(sku) == Some(quantity));
    if !fits {
        return Some(words::claim_off());
    }
    if records.prices.is_empty() { None } else { records.prices.flaw(order, &claimed) }
}

/// What was only tried for a confirmed order: held money and, with try-confirm-cancel, units that could still be
/// released.
fn unconfirmed(records: &Records, driver: Driver, order: Uuid) -> Option<Text> {
    let payment = &records.payments.get(&order)?.status;
    if payment != "captured" {
        return Some(words::not_captured(payment));
    }
    let committed = driver != Driver::Tcc || records.commitments.contains_key(&order);
    (!committed).then(words::not_committed)
}

/// What is still held for an order that is cancelled or does not exist.
fn left_over(records: &Records, order: Uuid) -> Option<Text> {
    let held = |hold: Option<&Hold>| hold.filter(|hold| hold.is_held()).map(|hold| pieces(&hold.lines));
    if let Some(pieces) = held(records.reservations.get(&order)) {
        return Some(words::still_reserved(format!("{pieces:?}")));
    }
    if let Some(pieces) = held(records.claims.get(&order)) {
        return Some(words::still_claimed(format!("{pieces:?}")));
    }
    if let Some(payment) = records.payments.get(&order).filter(|payment| payment.refunded_at.is_none()) {
        return Some(words::still_paid(payment.amount, &payment.status));
    }
    records.shipments.get(&order).map(|shipment| words::still_shipped(&shipment.region))
}

fn saga_disagrees(saga: Option<&Saga>, order: &Order) -> Option<Text> {
    let Some(saga) = saga else { return Some(words::no_saga()) };
    if !saga.finished {
        return Some(words::saga_unfinished(format!("{:?}", saga.history.last())));
    }
    let last = if order.is_confirmed() { "orders.order-confirmed" } else { "orders.order-cancelled" };
    let ended = saga.history.last().map(String::as_str);
    (ended != Some(last)).then(|| words::saga_ended(format!("{ended:?}")))
}

/// All orders for which a module has a row.
fn holders(records: &Records) -> impl Iterator<Item = Uuid> {
    let keys = [records.reservations.keys(), records.claims.keys()].into_iter().flatten();
    keys.chain(records.payments.keys()).chain(records.shipments.keys()).copied()
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{confirmed, id, refunded, refused, shop, split, tried};
    use super::*;
    use crate::Verdict;

    #[test]
    fn an_order_with_a_step_too_few_or_too_many_is_seen() {
        let good = shop([confirmed(1), refused(2, "price_changed"), refunded(3)]);
        let looked = |records: &Records, driver| all_or_nothing(records, driver);
        // Services that keep no saga are judged by the same tables.
        for driver in [Driver::Local, Driver::TwoPhase, Driver::Choreographed, Driver::Naive] {
            assert_eq!(looked(&good, driver).verdict, Verdict::Held, "{:?}", looked(&good, driver));
        }
        assert_eq!(looked(&Records::default(), Driver::Local).verdict, Verdict::NoEvidence);

        let breakages: [fn(&mut Records); 10] = [
            // A price that was never valid, a sale price without a claim, and an order that is never decided.
            |shop| shop.orders[0].lines[0]["unit_price"] = 4.into(),
            |shop| shop.orders[0].lines[0]["unit_price"] = 3.into(),
            |shop| (shop.orders[1].status, shop.orders[1].refusal_code) = ("pending".into(), None),
            |shop| drop(shop.reservations.remove(&id(1))),
            |shop| drop(shop.payments.remove(&id(1))),
            |shop| drop(shop.shipments.remove(&id(1))),
            |shop| shop.payments.get_mut(&id(1)).unwrap().status = "authorized".into(),
            |shop| shop.reservations.get_mut(&id(3)).unwrap().released_at = None,
            |shop| shop.payments.get_mut(&id(3)).unwrap().refunded_at = None,
            |shop| drop(shop.shipments.insert(id(7), shop.shipments[&id(1)].clone())),
        ];
        for (n, damage) in breakages.iter().enumerate() {
            let mut broken = good.clone();
            damage(&mut broken);
            for driver in [Driver::Local, Driver::Choreographed] {
                assert_eq!(looked(&broken, driver).verdict, Verdict::Violated, "breakage {n}");
            }
        }
    }

    #[test]
    fn a_saga_that_disagrees_with_its_order_is_seen() {
        let good = split([confirmed(1), refunded(2)]);
        let looked = |records: &Records| all_or_nothing(records, Driver::Orchestrated);
        assert_eq!(looked(&good).verdict, Verdict::Held, "{:?}", looked(&good));
        let damages: [fn(&mut Saga); 2] = [|saga| saga.finished = false, |saga| drop(saga.history.pop())];
        for damage in damages {
            let mut broken = good.clone();
            damage(broken.sagas.as_mut().unwrap().get_mut(&id(2)).unwrap());
            assert_eq!(looked(&broken).verdict, Verdict::Violated);
        }
        let mut without = good.clone();
        without.sagas.as_mut().unwrap().remove(&id(1));
        assert!(looked(&without).evidence.english().contains("has no saga"));
    }

    #[test]
    fn what_was_tried_and_not_confirmed_is_seen() {
        let good = tried([confirmed(1), refunded(2)]);
        let looked = |records: &Records, driver| all_or_nothing(records, driver);
        assert_eq!(looked(&good, Driver::Tcc).verdict, Verdict::Held, "{:?}", looked(&good, Driver::Tcc));
        let mut only_reserved = good.clone();
        only_reserved.commitments.clear();
        assert_eq!(looked(&only_reserved, Driver::Tcc).verdict, Verdict::Violated);
        assert_eq!(looked(&only_reserved, Driver::Orchestrated).verdict, Verdict::Held, "it commits none");
        let mut only_held = good.clone();
        only_held.payments.get_mut(&id(1)).unwrap().status = "authorized".into();
        assert!(looked(&only_held, Driver::Tcc).evidence.english().contains("authorized, not captured"));
    }
}
