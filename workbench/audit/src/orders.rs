//! I1: no accepted order is lost, and each is decided in the end.

use std::collections::HashMap;

use uuid::Uuid;

use super::inspection::Inspection;
use super::records::{Order, Records};
use crate::{Audit, words};

/// Every accepted order exists and is terminal. This includes orders that the shop accepted although its response
/// never reached the client.
pub(super) fn every_order_is_decided(records: &Records, accepted: Option<&[Uuid]>) -> Audit {
    let mut inspection = Inspection::of("I1", words::i1());
    let known: HashMap<Uuid, &Order> = records.orders.iter().map(|order| (order.order_id, order)).collect();
    for order in &records.orders {
        inspection.look(
            (!order.is_terminal()).then(|| words::still(order.order_id, &order.status, order.placed_at)),
        );
    }
    for id in accepted.unwrap_or_default().iter().filter(|id| !known.contains_key(id)) {
        inspection.look(Some(words::order_lost(id)));
    }
    let listed = match accepted {
        Some(ids) => words::ids_listed(ids.len()),
        None => words::no_list_of_ids(),
    };
    inspection.close(words::all_decided(records.orders.len(), listed))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{confirmed, id, shop};
    use super::*;
    use crate::Verdict;

    #[test]
    fn a_lost_order_and_a_pending_one_are_seen() {
        let shop = shop([confirmed(1), confirmed(2)]);
        assert_eq!(every_order_is_decided(&shop, Some(&[id(1), id(2)])).verdict, Verdict::Held);
        let lost = every_order_is_decided(&shop, Some(&[id(1), id(3)]));
        assert_eq!(lost.verdict, Verdict::Violated);
        assert!(lost.evidence.english().contains(&id(3).to_string()), "{}", lost.evidence);

        let mut pending = shop.clone();
        pending.orders[1].status = "pending".into();
        assert_eq!(every_order_is_decided(&pending, None).verdict, Verdict::Violated);
        assert_eq!(every_order_is_decided(&Records::default(), None).verdict, Verdict::NoEvidence);
    }
}
