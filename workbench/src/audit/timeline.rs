//! I8: what happened to an order happened in the order of the plan.

use super::inspection::Inspection;
use super::records::{Moment, Order, Records};
use crate::run::Audit;

/// The checkout's actions, as the events that tell of them. Written down here once more, and not taken from the
/// shop's own plan: an audit that shares the code it looks into would agree with whatever that code says.
const DONE: [&str; 5] = [
    "catalog.prices-honoured",
    "inventory.stock-reserved",
    "payments.payment-captured",
    "shipping.shipment-scheduled",
    "orders.order-confirmed",
];
const REFUSED: [&str; 4] = [
    "catalog.prices-refused",
    "inventory.stock-refused",
    "payments.payment-refused",
    "shipping.shipment-refused",
];
const UNDONE: [&str; 3] =
    ["catalog.prices-released", "inventory.stock-released", "payments.payment-refunded"];
const CANCELLED: &str = "orders.order-cancelled";

/// By the database's clock: placed, claimed, reserved, captured, scheduled, decided; and nothing was undone before
/// it was done. A saga's history is a walk that the plan allows.
pub(super) fn events_are_in_order(records: &Records) -> Audit {
    let mut inspection = Inspection::of("I8", "an order's events are in order");
    for order in &records.orders {
        let flaw = out_of_order(&moments(records, order))
            .or_else(|| undone_too_early(records, order))
            .or_else(|| illegal_walk(&records.sagas.as_ref()?.get(&order.order_id)?.history));
        inspection.look(flaw.map(|flaw| format!("order {}: {flaw}", order.order_id)));
    }
    let walks = records
        .sagas
        .as_ref()
        .map_or(String::new(), |sagas| format!("; {} sagas walked as the plan allows", sagas.len()));
    inspection.close(format!("{} orders with rising times{walks}", records.orders.len()))
}

/// What was done for an order, in the order of the plan.
fn moments(records: &Records, order: &Order) -> Vec<(&'static str, Moment)> {
    let id = order.order_id;
    let claim = records.claims.get(&id).filter(|hold| !hold.is_tombstone());
    let reservation = records.reservations.get(&id).filter(|hold| !hold.is_tombstone());
    let payment = records.payments.get(&id).filter(|payment| payment.customer_id.is_some());
    let shipment = records.shipments.get(&id);
    let moments = [
        ("placed", Some(order.placed_at)),
        ("claimed", claim.map(|hold| hold.held_at)),
        ("reserved", reservation.map(|hold| hold.held_at)),
        ("captured", payment.map(|payment| payment.captured_at)),
        ("scheduled", shipment.map(|shipment| shipment.scheduled_at)),
        ("decided", order.decided_at),
    ];
    moments.into_iter().filter_map(|(name, moment)| Some((name, moment?))).collect()
}

fn out_of_order(moments: &[(&str, Moment)]) -> Option<String> {
    let pair = moments.windows(2).find(|pair| pair[0].1 > pair[1].1)?;
    Some(format!("it was {} at {}, and {} before that, at {}", pair[0].0, pair[0].1, pair[1].0, pair[1].1))
}

fn undone_too_early(records: &Records, order: &Order) -> Option<String> {
    let id = order.order_id;
    let hold =
        |hold: Option<&super::records::Hold>| hold.and_then(|hold| Some((hold.held_at, hold.released_at?)));
    let undone = [
        ("claim", hold(records.claims.get(&id))),
        ("reservation", hold(records.reservations.get(&id))),
        ("payment", records.payments.get(&id).and_then(|paid| Some((paid.captured_at, paid.refunded_at?)))),
    ];
    undone.into_iter().find_map(|(what, moments)| {
        let (done, undone) = moments?;
        let decided = order.decided_at?;
        (undone < done || decided < undone).then(|| {
            format!(
                "its {what} was made at {done} and undone at {undone}, and the order decided at {decided}"
            )
        })
    })
}

/// What is wrong with this sequence of events: it must be the whole plan, or a part of it, a refusal, the
/// compensations in reverse (the refused step's first), and the cancellation.
fn illegal_walk(history: &[String]) -> Option<String> {
    let done = history.iter().zip(DONE).take_while(|(event, expected)| event == expected).count();
    let mut legal: Vec<&str> = DONE[..done].to_vec();
    if done < DONE.len() {
        legal.extend(REFUSED.get(done));
        // The step that refused is undone as well, where it can be: its tombstone makes the refusal final.
        legal.extend(UNDONE[..(done + 1).min(UNDONE.len())].iter().rev());
        legal.push(CANCELLED);
    }
    (history != legal).then(|| format!("its saga walked {history:?}, where the plan allows {legal:?}"))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{confirmed, id, refunded, shop, split};
    use super::*;
    use crate::run::Verdict;

    #[test]
    fn times_that_run_backwards_are_seen() {
        let good = shop([confirmed(1), refunded(2)]);
        assert_eq!(events_are_in_order(&good).verdict, Verdict::Held, "{:?}", events_are_in_order(&good));
        assert_eq!(events_are_in_order(&Records::default()).verdict, Verdict::NoEvidence);

        let mut shipped_first = good.clone();
        shipped_first.shipments.get_mut(&id(1)).unwrap().scheduled_at = good.orders[0].placed_at;
        let verdict = events_are_in_order(&shipped_first);
        assert_eq!(verdict.verdict, Verdict::Violated);
        assert!(verdict.evidence.contains("scheduled before that"), "{}", verdict.evidence);

        let mut undone_first = good.clone();
        undone_first.payments.get_mut(&id(2)).unwrap().refunded_at = Some(good.orders[1].placed_at);
        assert_eq!(events_are_in_order(&undone_first).verdict, Verdict::Violated);
    }

    #[test]
    fn only_walks_of_the_plan_are_legal() {
        let walk = |events: &[&str]| {
            illegal_walk(&events.iter().map(|event| (*event).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(walk(&DONE), None);
        assert_eq!(walk(&[REFUSED[0], UNDONE[0], CANCELLED]), None);
        assert_eq!(walk(&[DONE[0], DONE[1], REFUSED[2], UNDONE[2], UNDONE[1], UNDONE[0], CANCELLED]), None);
        assert_eq!(
            walk(&[DONE[0], DONE[1], DONE[2], REFUSED[3], UNDONE[2], UNDONE[1], UNDONE[0], CANCELLED]),
            None
        );

        for illegal in [
            &[][..],
            &DONE[..4],
            &[DONE[1], DONE[0], DONE[2], DONE[3], DONE[4]],
            &[DONE[0], DONE[1], REFUSED[2], UNDONE[0], UNDONE[1], UNDONE[2], CANCELLED],
            &[DONE[0], REFUSED[2], UNDONE[0], CANCELLED],
            &[DONE[0], DONE[1], REFUSED[2], UNDONE[1], UNDONE[0], CANCELLED],
        ] {
            assert!(walk(illegal).is_some(), "{illegal:?}");
        }
        let mut shop = split([confirmed(1)]);
        shop.sagas.as_mut().unwrap().get_mut(&id(1)).unwrap().history.swap(0, 1);
        assert_eq!(events_are_in_order(&shop).verdict, Verdict::Violated);
    }
}
