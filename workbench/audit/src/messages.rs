//! I6: no message is in progress, and none was lost.

use super::Expected;
use super::broker::{Counted, Queue, Queues};
use super::inspection::Inspection;
use super::records::Records;
use crate::{Audit, words};
use terminal::text::Text;
use topology::Driver;

/// Outboxes and queues are empty, no delivered message is unacknowledged, and the dead letters are exactly the poison
/// that was sent: the same number and, if ids are known, the same messages.
pub(super) fn nothing_is_under_way(
    records: &Records,
    driver: Driver,
    queues: &Queues,
    expected: &Expected,
) -> Audit {
    let poison = expected.poison;
    let mut inspection = Inspection::of("I6", words::i6());
    for (service, waiting) in &records.outboxes.waiting {
        inspection.look((*waiting > 0).then(|| words::in_outbox(waiting, service)));
    }
    if !driver.has_messages() {
        // Each place where a message could be counts as one checked item. Finding none there is the evidence.
        for _ in 0..records.outboxes.schemas {
            inspection.look(None);
        }
        let schemas = records.outboxes.schemas;
        return inspection.close(words::no_messages(schemas));
    }
    match queues {
        Queues::None => inspection.look(Some(words::without_broker())),
        Queues::Counted(counted) => look_at(&mut inspection, counted, expected),
    }
    let uncounted =
        matches!(queues, Queues::Counted(counted) if counted.queues.iter().any(|q| q.taken.is_none()));
    let taken = match uncounted {
        true => words::taken_uncounted(),
        false => words::none_taken(),
    };
    inspection.close(words::messages_done(taken, poison))
}

fn look_at(inspection: &mut Inspection, counted: &Counted, expected: &Expected) {
    for Queue { name, ready, taken } in &counted.queues {
        let taken = taken.unwrap_or_default();
        inspection.look((taken > 0).then(|| words::unacknowledged(taken, name)));
        if !name.ends_with(".dead") {
            inspection.look((*ready > 0).then(|| words::in_queue(ready, name)));
        }
    }
    let dead = || counted.queues.iter().filter(|queue| queue.is_dead() && queue.ready > 0);
    let letters: u64 = dead().map(|queue| queue.ready).sum();
    let poison = expected.poison;
    inspection.look((letters != poison).then(|| {
        let full: Vec<Text> = dead().map(|queue| words::letters_in(queue.ready, &queue.name)).collect();
        words::letters_off(letters, poison, Text::join(&full, ", "))
    }));
    // Even if the number is right, a message of the shop may be among them in place of poison that got lost.
    let Some(known) = &expected.poison_ids else { return };
    for (id, queue) in counted.letters.iter().filter(|(id, _)| !known.contains(id)) {
        inspection.look(Some(words::letter_unknown(id, queue)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{confirmed, shop, split};
    use super::*;
    use crate::Verdict;

    fn queue(name: &str, ready: u64) -> Queue {
        Queue { name: name.into(), ready, taken: Some(0) }
    }

    fn queues(retry: u64, dead: u64) -> Queues {
        let queues = vec![queue("x.orders.retry", retry), queue("x.orders.dead", dead)];
        Queues::Counted(Counted { queues, letters: Vec::new() })
    }

    fn poison(poison: u64) -> Expected {
        Expected { poison, ..Expected::default() }
    }

    #[test]
    fn a_message_that_is_never_acknowledged_is_seen() {
        let good = split([confirmed(1)]);
        for name in ["x.orders", "x.orders.retry", "x.orders.dead"] {
            let held = Queue { taken: Some(1), ..queue(name, 0) };
            let counted = Counted { queues: vec![queue("x.catalog", 0), held], letters: Vec::new() };
            let found = nothing_is_under_way(&good, Driver::Naive, &Queues::Counted(counted), &poison(0));
            assert_eq!(found.verdict, Verdict::Violated);
            assert!(found.evidence.english().contains("never acknowledged"), "{}", found.evidence);
        }
        let elsewhere = Queue { taken: None, ..queue("x.orders", 0) };
        let counted = Counted { queues: vec![elsewhere], letters: Vec::new() };
        let found = nothing_is_under_way(&good, Driver::Naive, &Queues::Counted(counted), &poison(0));
        assert!(found.evidence.english().contains("was not counted"), "{}", found.evidence);
    }

    /// One dead letter and one poison message, but not the same.
    #[test]
    fn dead_letters_are_compared_by_their_ids() {
        let good = split([confirmed(1)]);
        let letters = vec![("m-1".to_owned(), "x.orders.dead".to_owned())];
        let counted = Queues::Counted(Counted { queues: vec![queue("x.orders.dead", 1)], letters });
        let verdict = |ids: Option<&[&str]>| {
            let poison_ids = ids.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
            let expected = Expected { poison_ids, ..poison(1) };
            nothing_is_under_way(&good, Driver::Orchestrated, &counted, &expected).verdict
        };
        assert_eq!(verdict(Some(&["m-1"])), Verdict::Held);
        assert_eq!(verdict(Some(&[])), Verdict::Violated);
        assert_eq!(verdict(None), Verdict::Held, "the ids are unknown");
    }

    #[test]
    fn waiting_messages_and_unexplained_dead_letters_are_seen() {
        let good = split([confirmed(1)]);
        let verdict = |records: &Records, queues, letters| {
            nothing_is_under_way(records, Driver::Orchestrated, &queues, &poison(letters)).verdict
        };
        assert_eq!(verdict(&good, queues(0, 2), 2), Verdict::Held);
        assert_eq!(verdict(&good, queues(0, 2), 0), Verdict::Violated);
        assert_eq!(verdict(&good, queues(0, 0), 2), Verdict::Violated);
        assert_eq!(verdict(&good, queues(1, 0), 0), Verdict::Violated);
        assert_eq!(verdict(&good, Queues::None, 0), Verdict::Violated);
        let mut waiting = good.clone();
        waiting.outboxes.waiting[0].1 = 3;
        assert_eq!(verdict(&waiting, queues(0, 0), 0), Verdict::Violated);
    }

    #[test]
    fn a_monolith_with_an_outbox_table_that_holds_something_is_seen() {
        let mut monolith = shop([confirmed(1)]);
        let looked =
            |records: &Records| nothing_is_under_way(records, Driver::Local, &Queues::None, &poison(0));
        let searched = looked(&monolith);
        assert_eq!((searched.verdict, searched.checked), (Verdict::Held, 5));
        monolith.outboxes.waiting.push(("orders", 1));
        assert_eq!(looked(&monolith).verdict, Verdict::Violated);
        assert_eq!(looked(&Records::default()).verdict, Verdict::NoEvidence);
    }

    #[test]
    fn services_without_sagas_have_queues_all_the_same() {
        let good = Records { sagas: None, ..split([confirmed(1)]) };
        for driver in [Driver::Choreographed, Driver::Naive] {
            let verdict = |queues| nothing_is_under_way(&good, driver, &queues, &poison(0)).verdict;
            assert_eq!(verdict(queues(0, 0)), Verdict::Held);
            assert_eq!(verdict(queues(0, 1)), Verdict::Violated);
            assert_eq!(verdict(Queues::None), Verdict::Violated);
        }
    }
}
