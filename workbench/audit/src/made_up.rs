//! Correct shops made by hand, for the judges' tests to break.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::json;
use uuid::Uuid;

use super::records::prices::{Price, Prices};
use super::records::{
    Commitment, Entry, Hold, Level, Moment, Order, Outboxes, Payment, Records, Saga, Sale, Shipment, Wallet,
};

/// The history of one order of a made-up shop: two units of `a` for 10, bought by `c`.
#[derive(Clone, Copy)]
pub(super) enum Story {
    Confirmed(u128),
    /// Refused by the first step.
    Refused(u128, &'static str),
    /// Refused by the last step, and fully compensated.
    Refunded(u128),
}

pub(super) fn confirmed(n: u128) -> Story {
    Story::Confirmed(n)
}
pub(super) fn refused(n: u128, code: &'static str) -> Story {
    Story::Refused(n, code)
}
pub(super) fn refunded(n: u128) -> Story {
    Story::Refunded(n)
}
pub(super) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}
pub(super) fn entry(n: u128, operation: &str, account: &str, amount: i64) -> Entry {
    Entry { reference: id(n), operation: operation.into(), account: account.into(), amount }
}

fn at(second: i64) -> Moment {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// A monolith in which these orders were decided, and which satisfies every invariant.
pub(super) fn shop<const N: usize>(stories: [Story; N]) -> Records {
    let mut prices = Prices::default();
    prices.extend(vec![Price { sku: "a".into(), price: 5, sale_price: Some(3), since: at(-1000) }]);
    let mut shop = Records {
        levels: vec![Level { sku: "a".into(), received: 100, on_hand: 100 }],
        prices: Arc::new(prices),
        sales: vec![Sale { sku: "a".into(), quota: 50, claimed: 0 }],
        wallets: vec![Wallet { customer_id: "c".into(), balance: 1000 }],
        entries: vec![entry(0, "deposit", "wallet:c", 1000), entry(0, "deposit", "cash", -1000)],
        outboxes: Outboxes { schemas: 5, waiting: Vec::new() },
        ..Records::default()
    };
    for story in stories {
        tell(&mut shop, story);
    }
    shop
}

/// The same shop as services.
pub(super) fn split<const N: usize>(stories: [Story; N]) -> Records {
    let mut shop = shop(stories);
    shop.outboxes.waiting = vec![("orders", 0), ("inventory", 0)];
    let saga = |story: &Story| {
        let done = ["catalog.prices-honoured", "inventory.stock-reserved", "payments.payment-captured"]
            .map(String::from);
        let (n, rest) = match story {
            Story::Confirmed(n) => (*n, vec!["shipping.shipment-scheduled", "orders.order-confirmed"]),
            Story::Refunded(n) => (
                *n,
                vec![
                    "shipping.shipment-refused",
                    "payments.payment-refunded",
                    "inventory.stock-released",
                    "catalog.prices-released",
                    "orders.order-cancelled",
                ],
            ),
            Story::Refused(..) => unreachable!("not used in tests of the split mode"),
        };
        let history = done.into_iter().chain(rest.into_iter().map(String::from)).collect();
        (id(n), Saga { order_id: id(n), finished: true, history })
    };
    shop.sagas = Some(stories.iter().map(saga).collect());
    shop
}

/// The same shop as services with try-confirm-cancel.
pub(super) fn tried<const N: usize>(stories: [Story; N]) -> Records {
    let mut shop = split(stories);
    for (id, saga) in shop.sagas.iter_mut().flatten() {
        let confirmed = saga.history.last().is_some_and(|last| last == "orders.order-confirmed");
        let mut history =
            vec!["inventory.stock-reserved", "payments.payment-authorized", "catalog.prices-honoured"];
        let payment = shop.payments.get_mut(id).unwrap();
        shop.entries.retain(|entry| entry.reference != *id);
        shop.entries.push(Entry { reference: *id, ..entry(0, "authorize", "wallet:c", -10) });
        shop.entries.push(Entry { reference: *id, ..entry(0, "authorize", "held", 10) });
        if confirmed {
            history.extend(["shipping.shipment-quoted", "shipping.shipment-scheduled"]);
            history.extend([
                "inventory.reservation-committed",
                "payments.payment-captured",
                "orders.order-confirmed",
            ]);
            shop.commitments.insert(*id, Commitment { order_id: *id, committed_at: Some(at(35)) });
            shop.entries.push(Entry { reference: *id, ..entry(0, "capture", "held", -10) });
            shop.entries.push(Entry { reference: *id, ..entry(0, "capture", "sales", 10) });
        } else {
            history.extend(["shipping.shipment-refused", "catalog.prices-released"]);
            history.extend(["payments.payment-voided", "inventory.stock-released", "orders.order-cancelled"]);
            (payment.status, payment.captured_at) = ("voided".into(), None);
            shop.entries.push(Entry { reference: *id, ..entry(0, "void", "held", -10) });
            shop.entries.push(Entry { reference: *id, ..entry(0, "void", "wallet:c", 10) });
        }
        saga.history = history.into_iter().map(String::from).collect();
    }
    shop
}

fn tell(shop: &mut Records, story: Story) {
    let (n, status, code) = match story {
        Story::Confirmed(n) => (n, "confirmed", None),
        Story::Refused(n, code) => (n, "cancelled", Some(code)),
        Story::Refunded(n) => (n, "cancelled", Some("region_not_served")),
    };
    let lines = json!([{ "sku": "a", "quantity": 2, "unit_price": 5 }]);
    shop.orders.push(Order {
        order_id: id(n),
        customer_id: "c".into(),
        region: "seoul".into(),
        lines: lines.clone(),
        total: 10,
        status: status.into(),
        refusal_code: code.map(String::from),
        placed_at: at(0),
        decided_at: Some(at(90)),
    });
    if matches!(story, Story::Refused(..)) {
        return;
    }
    let undone = |second| matches!(story, Story::Refunded(_)).then(|| at(second));
    let reservation = Hold { order_id: id(n), lines, held_at: at(20), released_at: undone(60) };
    shop.reservations.insert(id(n), reservation);
    shop.payments.insert(
        id(n),
        Payment {
            order_id: id(n),
            customer_id: Some("c".into()),
            amount: 10,
            status: if matches!(story, Story::Refunded(_)) { "refunded" } else { "captured" }.into(),
            captured_at: Some(at(30)),
            refunded_at: undone(50),
        },
    );
    shop.entries.push(entry(n, "capture", "wallet:c", -10));
    shop.entries.push(entry(n, "capture", "sales", 10));
    if matches!(story, Story::Refunded(_)) {
        shop.entries.push(entry(n, "refund", "wallet:c", 10));
        shop.entries.push(entry(n, "refund", "sales", -10));
        return;
    }
    shop.levels[0].on_hand -= 2;
    shop.wallets[0].balance -= 10;
    let shipment = Shipment { order_id: id(n), region: "seoul".into(), scheduled_at: at(40) };
    shop.shipments.insert(id(n), shipment);
}
