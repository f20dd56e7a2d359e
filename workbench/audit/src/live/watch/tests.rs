use chrono::DateTime;

use super::super::super::made_up::{confirmed, entry, id, refunded, refused, shop, split, tried};
use super::super::super::records::prices::Price;
use super::super::super::records::{Level, Order, Records, Sale};
use super::super::news::{Dating, OrderVersion, PaymentVersion, ShipmentVersion};
use super::*;
use crate::Expected;
use topology::{Databases, ShopHandle};

const LATE: Duration = Duration::from_secs(35);

fn at(second: i64) -> Moment {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// A shop that has not seen an order yet.
fn opened(driver: Driver) -> Watch {
    let nowhere = String::new;
    let databases = Databases {
        catalog: nowhere(),
        inventory: nowhere(),
        orders: nowhere(),
        payments: nowhere(),
        shipping: nowhere(),
    };
    let expected = Expected::default();
    let shop = ShopHandle {
        driver,
        address: nowhere(),
        databases,
        namespace: None,
        amqp_url: None,
        broker: None,
        processes: Vec::new(),
    };
    let mut watch = Watch::new(&Subject { shop, expected }, LATE);
    let levels = vec![Level { sku: "a".into(), received: 100, on_hand: 100 }];
    let sales = vec![Sale { sku: "a".into(), quota: 50, claimed: 0 }];
    let news = News {
        levels,
        sales,
        prices: vec![Price { sku: "a".into(), price: 5, sale_price: Some(3), since: at(-1000) }],
        sessions: Some(Sessions::default()),
        outbox: Some(("orders", 0)),
        ..News::default()
    };
    watch.take(news);
    watch
}

/// When the rows of a version were committed: all at once, or each at its own time.
#[derive(Clone, Copy)]
enum Commits {
    At(i64),
    Each,
}

/// The rows in the form of a look's result.
fn news(records: &Records, commits: Commits, version: &str) -> News {
    let dating = |own: Option<Moment>, first: bool| Dating {
        version: version.into(),
        dated_at: match commits {
            Commits::At(second) => Some(at(second)),
            Commits::Each => own,
        },
        began_at: own,
        changed_at: own,
        first,
    };
    let order = |record: &Order| OrderVersion {
        dating: dating(record.decided_at.or(Some(record.placed_at)), !record.is_terminal()),
        record: record.clone(),
    };
    let hold = |record: &super::super::super::records::Hold| HoldVersion {
        confirmed_at: records.commitments.get(&record.order_id).and_then(|row| row.committed_at),
        dating: Dating {
            began_at: Some(record.held_at),
            ..dating(record.released_at.or(Some(record.held_at)), record.is_held())
        },
        record: record.clone(),
    };
    News {
        orders: records.orders.iter().map(order).collect(),
        claims: records.claims.values().map(hold).collect(),
        reservations: records.reservations.values().map(hold).collect(),
        payments: records
            .payments
            .values()
            .map(|record| PaymentVersion {
                dating: dating(record.refunded_at.or(record.captured_at), record.refunded_at.is_none()),
                record: record.clone(),
            })
            .collect(),
        shipments: records
            .shipments
            .values()
            .map(|record| ShipmentVersion {
                dating: dating(Some(record.scheduled_at), true),
                record: record.clone(),
            })
            .collect(),
        levels: records.levels.clone(),
        sales: records.sales.clone(),
        ..News::default()
    }
}

/// A look at everything, and the judgement.
fn look(watch: &mut Watch, records: &Records, news: News, second: i64) -> Snapshot {
    watch.take(news);
    let ripe = watch.ripe(at(second));
    let entries = records.entries.iter().filter(|entry| ripe.contains(&entry.reference)).cloned().collect();
    watch.judge(ripe, entries);
    for _ in 0..BETWEEN_SUSPICIONS {
        if let Some(suspects) = watch.suspects() {
            // As the databases would return it.
            let exact = |sku: &String| {
                let level = records.levels.iter().find(|level| level.sku == *sku).unwrap();
                let held = records.reservations.values().filter(|hold| hold.is_held());
                let held = held.map(|hold| pieces(&hold.lines).values().sum::<i64>()).sum();
                ExactLevel { sku: sku.clone(), given_out: level.received - level.on_hand, held }
            };
            let sale = |sku: &String| {
                let sale = records.sales.iter().find(|sale| sale.sku == *sku).unwrap();
                ExactLevel { sku: sku.clone(), given_out: sale.claimed, held: 0 }
            };
            let stock = suspects.stock.iter().map(exact).collect();
            watch.confirm(ExactShelves { stock, sales: suspects.sales.iter().map(sale).collect() });
        }
    }
    watch.snapshot(at(second))
}

fn verdict(snapshot: &Snapshot, invariant: &str) -> Verdict {
    snapshot.findings.iter().find(|finding| finding.invariant == invariant).unwrap().verdict
}

#[test]
fn before_the_first_order_there_is_no_evidence() {
    let snapshot = opened(Driver::Local).snapshot(at(0));
    assert_eq!(snapshot.findings.len(), INVARIANTS.len());
    for finding in snapshot.findings {
        assert_eq!(finding.verdict, Verdict::NoEvidence, "{}", finding.invariant);
    }
    assert_eq!(snapshot.disagreement, Disagreement::default());
}

#[test]
fn a_sound_shop_holds_whichever_way_it_works() {
    let plain = shop([confirmed(1), refused(2, "price_changed"), refunded(3)]);
    let services = split([confirmed(1), refunded(3)]);
    let tries = tried([confirmed(1), refunded(3)]);
    for (driver, records) in [
        (Driver::Local, &plain),
        (Driver::TwoPhase, &plain),
        (Driver::Choreographed, &plain),
        (Driver::Orchestrated, &services),
        (Driver::Tcc, &tries),
    ] {
        let snapshot = look(&mut opened(driver), records, news(records, Commits::Each, "1"), 1_000);
        for finding in &snapshot.findings {
            assert_eq!(finding.verdict, Verdict::Held, "{driver}: {finding:?}");
        }
        assert_eq!(snapshot.disagreement.orders_now, 0);
    }
}

/// A way to break one thing.
type Damage = fn(&mut Records);

#[test]
fn one_broken_row_violates_its_invariant() {
    let good = shop([confirmed(1), refunded(3)]);
    let damages: [(&str, Damage); 16] = [
        ("I1", |shop| (shop.orders[0].status, shop.orders[0].decided_at) = ("pending".into(), None)),
        ("I2", |shop| shop.levels[0].on_hand -= 1),
        ("I2", |shop| shop.levels[0].on_hand = -1),
        ("I2", |shop| shop.sales[0].claimed += 1),
        ("I2", |shop| (shop.sales[0].claimed, shop.sales[0].quota) = (0, -1)),
        ("I3", |shop| shop.entries.retain(|entry| entry.reference != id(1))),
        ("I3", |shop| shop.payments.get_mut(&id(1)).unwrap().amount += 1),
        ("I3", |shop| shop.entries.push(entry(1, "capture", "sales", 10))),
        ("I4", |shop| shop.entries.push(entry(3, "deposit", "cash", -5))),
        ("I5", |shop| drop(shop.shipments.remove(&id(1)))),
        ("I5", |shop| shop.orders[0].lines[0]["unit_price"] = 4.into()),
        ("I5", |shop| shop.reservations.get_mut(&id(3)).unwrap().released_at = None),
        ("I5", |shop| shop.orders.retain(|order| order.order_id != id(1))),
        ("I5", |shop| shop.payments.get_mut(&id(1)).unwrap().status = "authorized".into()),
        ("I8", |shop| shop.shipments.get_mut(&id(1)).unwrap().scheduled_at = at(1)),
        ("I8", |shop| shop.payments.get_mut(&id(3)).unwrap().refunded_at = Some(at(1))),
    ];
    for (n, (invariant, damage)) in damages.into_iter().enumerate() {
        let mut broken = good.clone();
        damage(&mut broken);
        let mut watch = opened(Driver::Local);
        let found = look(&mut watch, &broken, news(&broken, Commits::At(90), "1"), 1_000);
        assert_eq!(verdict(&found, invariant), Verdict::Violated, "damage {n}: {found:?}");
        let finding = found.findings.iter().find(|finding| finding.invariant == invariant).unwrap();
        assert!(finding.anomalies > 0 && finding.example.is_some(), "damage {n}: {finding:?}");
        // After the repair the anomaly is gone.
        let mended = look(&mut watch, &good, news(&good, Commits::At(90), "2"), 1_001);
        for finding in &mended.findings {
            assert_eq!(finding.verdict, Verdict::Held, "damage {n} was mended: {finding:?}");
        }
    }
}

#[test]
fn messages_and_transactions_that_are_late_are_seen() {
    let good = shop([confirmed(1)]);
    let outbox = News { outbox: Some(("orders", 3)), ..News::default() };
    let session = |prepared, open, deadlocks| News {
        sessions: Some(Sessions { prepared, open, deadlocks }),
        ..News::default()
    };
    for (invariant, bad) in
        [("I6", outbox), ("I7", session(1, 0, 0)), ("I7", session(0, 1, 0)), ("I7", session(0, 0, 1))]
    {
        let mut watch = opened(Driver::Local);
        look(&mut watch, &good, news(&good, Commits::At(90), "1"), 100);
        let found = look(&mut watch, &good, bad, 101);
        assert_eq!(verdict(&found, invariant), Verdict::Violated, "{found:?}");
    }
    let mut watch = opened(Driver::Choreographed);
    look(&mut watch, &good, news(&good, Commits::At(90), "1"), 100);
    watch.letters(Some(2));
    assert_eq!(verdict(&watch.snapshot(at(101)), "I6"), Verdict::Violated);
    watch.poison = 2;
    watch.letters(Some(2));
    assert_eq!(verdict(&watch.snapshot(at(101)), "I6"), Verdict::Held);
}

#[test]
fn rows_of_one_commit_have_a_window_of_zero() {
    let records = shop([confirmed(1), refused(2, "price_changed")]);
    let found = look(&mut opened(Driver::Local), &records, news(&records, Commits::At(90), "1"), 91);
    let Disagreement { orders_now, resolved, longest_ms, .. } = found.disagreement;
    // Only orders has data about the order that was refused at once.
    assert_eq!((orders_now, resolved, longest_ms), (0, 1, Some(0.0)));
}

#[test]
fn a_window_runs_from_the_first_commit_to_the_last() {
    // Reserved at 20 s, decided at 90 s.
    for story in [confirmed(1), refunded(1)] {
        let records = shop([story]);
        let found =
            look(&mut opened(Driver::Choreographed), &records, news(&records, Commits::Each, "1"), 91);
        assert_eq!(found.disagreement.longest_ms, Some(70_000.0), "{:?}", found.disagreement);
    }
}

#[test]
fn a_branch_of_the_order_that_is_ahead_counts_too() {
    let records = shop([confirmed(1)]);
    let mut branches = news(&records, Commits::At(60), "1");
    branches.orders[0].dating.dated_at = Some(at(50));
    let found = look(&mut opened(Driver::TwoPhase), &records, branches, 91);
    assert_eq!(found.disagreement.longest_ms, Some(10_000.0));
}

#[test]
fn what_is_under_way_is_a_disagreement_and_not_a_violation() {
    let good = shop([confirmed(1)]);
    let mut halfway = good.clone();
    (halfway.orders[0].status, halfway.orders[0].decided_at) = ("pending".into(), None);
    halfway.shipments.clear();
    let mut watch = opened(Driver::Choreographed);
    let found = look(&mut watch, &halfway, news(&halfway, Commits::Each, "1"), 32);
    assert_eq!((found.disagreement.orders_now, found.disagreement.resolved), (1, 0));
    assert!(found.findings.iter().all(|finding| finding.verdict != Verdict::Violated), "{found:?}");
    // A pending order without data in other modules is no disagreement.
    let mut placed = halfway.clone();
    (placed.reservations, placed.payments) = Default::default();
    let found = look(&mut opened(Driver::Local), &placed, news(&placed, Commits::Each, "1"), 1);
    assert_eq!(found.disagreement.orders_now, 0);

    let found = look(&mut watch, &good, news(&good, Commits::Each, "2"), 91);
    assert_eq!((found.disagreement.orders_now, found.disagreement.longest_ms), (0, Some(70_000.0)));
}

#[test]
fn what_was_seen_early_is_measured_by_its_commit() {
    // The reservation was made at 20 s according to its row and committed at 25 s, as a look saw before it was
    // released.
    let records = shop([refunded(1)]);
    let mut reserved = records.clone();
    reserved.payments.clear();
    reserved.reservations.get_mut(&id(1)).unwrap().released_at = None;
    (reserved.orders[0].status, reserved.orders[0].decided_at) = ("pending".into(), None);
    reserved.orders[0].refusal_code = None;
    let mut watch = opened(Driver::Choreographed);
    look(&mut watch, &reserved, news(&reserved, Commits::At(25), "1"), 26);
    let found = look(&mut watch, &records, news(&records, Commits::Each, "2"), 91);
    assert_eq!(found.disagreement.longest_ms, Some(65_000.0));
}

#[test]
fn an_order_that_is_done_with_is_forgotten() {
    let records = shop([confirmed(1), refunded(3)]);
    let mut watch = opened(Driver::Local);
    look(&mut watch, &records, news(&records, Commits::At(90), "1"), 91);
    watch.forget(None);
    assert_eq!(watch.traces.len(), 2, "a database was not read yet, and may have more to tell");
    watch.forget(Some(id(2)));
    assert_eq!(watch.traces.keys().collect::<Vec<_>>(), [&id(3)]);
}
