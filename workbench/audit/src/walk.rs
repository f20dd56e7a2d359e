//! The sequences of events that a checkout allows.
//!
//! They are written down here again instead of being taken from the shop's own plan. An audit that shares code with
//! the shop would agree with any error in it.

use std::collections::BTreeSet;

use terminal::text::Text;

use crate::words;

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

/// The four replies that accept a try, in the order of the refusals in [`REFUSED`].
const TRIED: [&str; 4] = [
    "catalog.prices-honoured",
    "inventory.stock-reserved",
    "payments.payment-authorized",
    "shipping.shipment-quoted",
];
const CONFIRMED: [&str; 3] =
    ["inventory.reservation-committed", "payments.payment-captured", "shipping.shipment-scheduled"];
const VOIDED: [&str; 3] = ["catalog.prices-released", "inventory.stock-released", "payments.payment-voided"];

/// What is wrong with the history of an orchestrated saga. Legal is the whole plan; or a part of it, a refusal, the
/// compensations in reverse order (that of the refused step first), and the cancellation.
pub(super) fn illegal_saga(history: &[String]) -> Option<Text> {
    let done = history.iter().zip(DONE).take_while(|(event, expected)| event == expected).count();
    let mut legal: Vec<&str> = DONE[..done].to_vec();
    if done < DONE.len() {
        legal.extend(REFUSED.get(done));
        // The refused step is compensated too, if it can be: its tombstone makes the refusal final.
        legal.extend(UNDONE[..(done + 1).min(UNDONE.len())].iter().rev());
        legal.push(CANCELLED);
    }
    (history != legal).then(|| words::saga_walked(format!("{history:?}"), format!("{legal:?}")))
}

/// What is wrong with the history of a try-confirm-cancel saga. Replies to tries come in any order. If all four
/// accept, all three confirms follow in any order, then the confirmation. The first refusal is the last reply that
/// counts, and then all three cancels follow in any order, then the cancellation.
pub(super) fn illegal_tries(history: &[String]) -> Option<Text> {
    let events: Vec<&str> = history.iter().map(String::as_str).collect();
    let step = |event: &str| {
        let place = |of: [&str; 4]| of.iter().position(|known| *known == event);
        place(TRIED).or_else(|| place(REFUSED))
    };
    let answers = events.iter().take_while(|event| step(event).is_some()).count();
    let (tries, rest) = events.split_at(answers);
    let refusals = tries.iter().filter(|event| REFUSED.contains(event)).count();
    let steps: BTreeSet<_> = tries.iter().map(|event| step(event)).collect();
    let flaw = if steps.len() < tries.len() {
        Some(words::answered_twice())
    } else if refusals > 1 || (refusals == 1 && !tries.last().is_some_and(|last| REFUSED.contains(last))) {
        Some(words::after_refusal())
    } else if refusals == 0 && tries.len() < TRIED.len() {
        Some(words::not_all_tried())
    } else {
        let (all, last) = if refusals == 0 { (CONFIRMED, DONE[4]) } else { (VOIDED, CANCELLED) };
        let (end, middle) = rest.split_last().unzip();
        let mut middle = middle.unwrap_or_default().to_vec();
        middle.sort_unstable();
        let well = end == Some(&last) && middle == all;
        (!well).then_some(if refusals == 0 { words::not_all_confirmed() } else { words::not_all_cancelled() })
    };
    flaw.map(|flaw| words::tries_walked(flaw, format!("{history:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(events: &[&str]) -> Vec<String> {
        events.iter().map(|event| (*event).to_owned()).collect()
    }

    #[test]
    fn only_walks_of_the_plan_are_legal() {
        let walk = |events: &[&str]| illegal_saga(&owned(events));
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
    }

    #[test]
    fn tries_are_answered_in_any_order_and_the_first_no_decides() {
        let [prices, stock, money, parcel] = TRIED;
        let [committed, captured, scheduled] = CONFIRMED;
        let [released, back, voided] = VOIDED;
        let end = DONE[4];
        for legal in [
            &[prices, stock, money, parcel, committed, captured, scheduled, end][..],
            &[parcel, money, stock, prices, scheduled, committed, captured, end],
            &[REFUSED[2], voided, released, back, CANCELLED],
            &[stock, prices, REFUSED[3], back, voided, released, CANCELLED],
        ] {
            assert_eq!(illegal_tries(&owned(legal)), None);
        }
        for illegal in [
            &[][..],
            &[prices, stock, money, parcel],
            &[prices, stock, money, committed, captured, scheduled, end],
            &[prices, stock, money, parcel, committed, captured, end],
            &[prices, stock, money, parcel, committed, captured, captured, end],
            &[prices, stock, money, parcel, committed, captured, scheduled, CANCELLED],
            &[prices, prices, stock, money, parcel, committed, captured, scheduled, end],
            &[prices, stock, money, committed, parcel, captured, scheduled, end],
            &[prices, stock, money, REFUSED[3], committed, captured, scheduled, end],
            &[REFUSED[1], prices, back, voided, released, CANCELLED],
            &[REFUSED[1], REFUSED[2], back, voided, released, CANCELLED],
            &[prices, REFUSED[0], back, voided, released, CANCELLED],
            &[REFUSED[1], back, voided, CANCELLED],
            &[REFUSED[1], back, voided, released],
            &[REFUSED[1], back, voided, released, CANCELLED, prices],
        ] {
            assert!(illegal_tries(&owned(illegal)).is_some(), "{illegal:?}");
        }
    }
}
