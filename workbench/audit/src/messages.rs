//! I6: nothing is under way any more, and nothing was thrown away.

use super::broker::Queues;
use super::inspection::Inspection;
use super::records::Records;
use crate::Audit;
use topology::{Driver, Mode};

/// Outboxes and queues are empty, and the dead letters are exactly the poison that was put in.
pub(super) fn nothing_is_under_way(records: &Records, driver: Driver, queues: &Queues, poison: u64) -> Audit {
    let mut inspection =
        Inspection::of("I6", "outboxes and queues are empty; dead letters = the poison put in");
    for (service, waiting) in &records.outboxes.waiting {
        inspection
            .look((*waiting > 0).then(|| format!("{waiting} messages wait in the outbox of {service}")));
    }
    if driver.mode() == Mode::Monolith {
        // Not one thing to look at, but every place where it could be: that nothing was there is what was seen.
        for _ in 0..records.outboxes.schemas {
            inspection.look(None);
        }
        let schemas = records.outboxes.schemas;
        return inspection
            .close(format!("this mode has no outbox and no broker: {schemas} schemas searched"));
    }
    match queues {
        Queues::None => inspection.look(Some("a split shop was audited without its broker".into())),
        Queues::Counted(queues) => {
            for (queue, waiting) in queues.iter().filter(|(queue, _)| !is_dead(queue)) {
                inspection
                    .look((*waiting > 0).then(|| format!("{waiting} messages wait in the queue {queue}")));
            }
            let dead: Vec<_> = queues.iter().filter(|(queue, _)| is_dead(queue)).collect();
            let letters: u64 = dead.iter().map(|(_, letters)| letters).sum();
            inspection.look((letters != poison).then(|| {
                let full: Vec<_> = dead.iter().filter(|(_, letters)| *letters > 0).collect();
                format!("{letters} dead letters, and {poison} were put in: {full:?}")
            }));
        }
    }
    inspection
        .close(format!("all outboxes and queues are empty; {poison} dead letters, as many as were put in"))
}

fn is_dead(queue: &str) -> bool {
    queue.ends_with(".dead")
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{confirmed, shop, split};
    use super::*;
    use crate::Verdict;

    fn queues(retry: u64, dead: u64) -> Queues {
        Queues::Counted(vec![("x.orders.retry".into(), retry), ("x.orders.dead".into(), dead)])
    }

    #[test]
    fn waiting_messages_and_unexplained_dead_letters_are_seen() {
        let good = split([confirmed(1)]);
        let verdict = |records: &Records, queues, poison| {
            nothing_is_under_way(records, Driver::Orchestrated, &queues, poison).verdict
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
        let looked = |records: &Records| nothing_is_under_way(records, Driver::Local, &Queues::None, 0);
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
            let verdict = |queues| nothing_is_under_way(&good, driver, &queues, 0).verdict;
            assert_eq!(verdict(queues(0, 0)), Verdict::Held);
            assert_eq!(verdict(queues(0, 1)), Verdict::Violated);
            assert_eq!(verdict(Queues::None), Verdict::Violated);
        }
    }
}
