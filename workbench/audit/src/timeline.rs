//! I8: the events of each order happened in the order that its driver requires.

use super::inspection::Inspection;
use super::records::{Hold, Moment, Order, Records};
use super::walk::{illegal_saga, illegal_tries};
use crate::{Audit, words};
use terminal::text::Text;
use topology::Driver;

/// An event and its time.
type Happened = (&'static str, Moment);

/// By the database's clock, each step of a checkout came after the previous one, and no step was undone before it was
/// done. The history of each saga is a sequence that its plan allows.
pub(super) fn events_are_in_order(records: &Records, driver: Driver) -> Audit {
    let mut inspection = Inspection::of("I8", words::i8());
    let illegal = if driver == Driver::Tcc { illegal_tries } else { illegal_saga };
    for order in &records.orders {
        let flaw = out_of_order(&stages(records, driver, order))
            .or_else(|| undone_too_early(records, driver, order))
            .or_else(|| illegal(&records.sagas.as_ref()?.get(&order.order_id)?.history));
        inspection.look(flaw.map(|flaw| words::order_flaw(order.order_id, flaw)));
    }
    let walks = records.sagas.as_ref().map_or(Text::default(), |sagas| words::sagas_walked(sagas.len()));
    inspection.close(words::times_rise(records.orders.len(), walks))
}

/// The events of an order by stage: all events of a stage come after all events of the stages before it.
fn stages(records: &Records, driver: Driver, order: &Order) -> Vec<Vec<Happened>> {
    let id = order.order_id;
    let claim = records.claims.get(&id).filter(|hold| !hold.is_tombstone());
    let reservation = records.reservations.get(&id).filter(|hold| !hold.is_tombstone());
    let payment = records.payments.get(&id).filter(|payment| payment.customer_id.is_some());
    let placed = Some(("placed", order.placed_at));
    let claimed = claim.map(|hold| ("claimed", hold.held_at));
    let reserved = reservation.map(|hold| ("reserved", hold.held_at));
    let committed = records.commitments.get(&id).and_then(|row| Some(("committed", row.committed_at?)));
    let captured = payment.and_then(|payment| Some(("captured", payment.captured_at?)));
    let scheduled = records.shipments.get(&id).map(|shipment| ("scheduled", shipment.scheduled_at));
    let decided = order.decided_at.map(|moment| ("decided", moment));
    let stages: Vec<Vec<Option<Happened>>> = match driver {
        // Tries can come in any order, and so can confirms, but each confirm comes after all tries.
        Driver::Tcc => {
            vec![vec![placed], vec![claimed, reserved], vec![committed, captured, scheduled], vec![decided]]
        }
        _ => [placed, claimed, reserved, captured, scheduled, decided].map(|step| vec![step]).into(),
    };
    stages.into_iter().map(|stage| stage.into_iter().flatten().collect()).collect()
}

fn out_of_order(stages: &[Vec<Happened>]) -> Option<Text> {
    let mut latest: Option<Happened> = None;
    for stage in stages {
        for (name, moment) in stage {
            if let Some((before, earlier)) = latest.filter(|(_, earlier)| earlier > moment) {
                return Some(words::before(before, earlier, name, moment));
            }
        }
        latest = stage.iter().copied().chain(latest).max_by_key(|(_, moment)| *moment);
    }
    None
}

fn undone_too_early(records: &Records, driver: Driver, order: &Order) -> Option<Text> {
    let id = order.order_id;
    let hold = |hold: Option<&Hold>| hold.and_then(|hold| Some((Some(hold.held_at), hold.released_at?)));
    let undone = [
        ("claim", hold(records.claims.get(&id))),
        ("reservation", hold(records.reservations.get(&id))),
        ("payment", records.payments.get(&id).and_then(|paid| Some((paid.captured_at, paid.refunded_at?)))),
    ];
    let decided = order.decided_at?;
    // If all services learn of a refusal at once, the order may be cancelled before they have compensated.
    let may_come_after = matches!(driver, Driver::Choreographed | Driver::Naive);
    undone.into_iter().find_map(|(what, moments)| {
        let (done, undone) = moments?;
        let too_early = done.is_some_and(|done| undone < done);
        let too_late = decided < undone && !may_come_after;
        let made = done.map_or_else(words::never_taken, words::made_at);
        (too_early || too_late).then(|| words::undone_wrong(what, made, undone, decided))
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::made_up::{confirmed, id, refunded, shop, split, tried};
    use super::*;
    use crate::Verdict;

    fn verdict(records: &Records, driver: Driver) -> Verdict {
        events_are_in_order(records, driver).verdict
    }

    #[test]
    fn times_that_run_backwards_are_seen() {
        let good = shop([confirmed(1), refunded(2)]);
        for driver in [Driver::Local, Driver::TwoPhase, Driver::Choreographed] {
            assert_eq!(verdict(&good, driver), Verdict::Held, "{:?}", events_are_in_order(&good, driver));
            assert_eq!(verdict(&Records::default(), driver), Verdict::NoEvidence);

            let mut shipped_first = good.clone();
            shipped_first.shipments.get_mut(&id(1)).unwrap().scheduled_at = good.orders[0].placed_at;
            let found = events_are_in_order(&shipped_first, driver);
            assert_eq!(found.verdict, Verdict::Violated);
            assert!(found.evidence.english().contains("scheduled before that"), "{}", found.evidence);

            let mut undone_first = good.clone();
            undone_first.payments.get_mut(&id(2)).unwrap().refunded_at = Some(good.orders[1].placed_at);
            assert_eq!(verdict(&undone_first, driver), Verdict::Violated);
        }
    }

    #[test]
    fn undoing_may_end_after_the_order_only_where_all_are_told_at_once() {
        let mut late = shop([refunded(1)]);
        let after = late.orders[0].decided_at.unwrap() + TimeDelta::seconds(1);
        late.payments.get_mut(&id(1)).unwrap().refunded_at = Some(after);
        assert_eq!(verdict(&late, Driver::Choreographed), Verdict::Held);
        assert_eq!(verdict(&late, Driver::Local), Verdict::Violated);
        late.sagas = split([refunded(1)]).sagas;
        assert_eq!(verdict(&late, Driver::Orchestrated), Verdict::Violated);
    }

    #[test]
    fn a_walk_that_is_not_allowed_is_seen() {
        let mut shop = split([confirmed(1)]);
        assert_eq!(verdict(&shop, Driver::Orchestrated), Verdict::Held);
        shop.sagas.as_mut().unwrap().get_mut(&id(1)).unwrap().history.swap(0, 1);
        assert_eq!(verdict(&shop, Driver::Orchestrated), Verdict::Violated);
    }

    #[test]
    fn tries_have_no_order_and_confirms_come_after_them() {
        let good = tried([confirmed(1), refunded(2)]);
        assert_eq!(
            verdict(&good, Driver::Tcc),
            Verdict::Held,
            "{:?}",
            events_are_in_order(&good, Driver::Tcc)
        );
        assert_eq!(verdict(&good, Driver::Orchestrated), Verdict::Violated, "it is another walk");

        let mut any_order = good.clone();
        any_order.reservations.get_mut(&id(1)).unwrap().held_at = good.orders[0].placed_at;
        any_order.sagas.as_mut().unwrap().get_mut(&id(1)).unwrap().history.swap(0, 3);
        assert_eq!(verdict(&any_order, Driver::Tcc), Verdict::Held);

        let decided = good.orders[0].decided_at.unwrap();
        let damages: [&dyn Fn(&mut Records); 4] = [
            &|shop| shop.reservations.get_mut(&id(1)).unwrap().held_at = decided,
            &|shop| shop.payments.get_mut(&id(1)).unwrap().captured_at = Some(shop.orders[0].placed_at),
            &|shop| {
                let late = decided + TimeDelta::seconds(1);
                shop.commitments.get_mut(&id(1)).unwrap().committed_at = Some(late);
            },
            &|shop| shop.sagas.as_mut().unwrap().get_mut(&id(1)).unwrap().history.swap(3, 4),
        ];
        for (n, damage) in damages.iter().enumerate() {
            let mut broken = good.clone();
            damage(&mut broken);
            assert_eq!(verdict(&broken, Driver::Tcc), Verdict::Violated, "damage {n}");
        }
    }
}
