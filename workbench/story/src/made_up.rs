//! Made-up stories for the tests of this crate and of crates that show stories.

use chrono::DateTime;
use uuid::Uuid;

use super::{Event, OrderOutcome, Story};
#[cfg(test)]
use super::{Evidence, What};
use topology::Driver;

/// A story with these events.
pub fn story(driver: Driver, lanes: &[&str], events: Vec<Event>) -> Story {
    Story {
        schema: "cleave.story/1".into(),
        order_id: Uuid::from_u128(1),
        idempotency_key: "k".into(),
        mode: driver.mode(),
        driver,
        outcome: OrderOutcome::Confirmed,
        began_at: DateTime::UNIX_EPOCH,
        decided_us: Some(9_000),
        lanes: lanes.iter().map(|lane| (*lane).to_owned()).collect(),
        events,
        waits_for: Vec::new(),
        safe_next_actions: Vec::new(),
        told_by: Vec::new(),
    }
}

/// An event for tests.
#[cfg(test)]
pub(super) fn event(at_us: i64, lane: &str, what: What, name: &str, caused_by: Option<usize>) -> Event {
    Event {
        at_us,
        lane: lane.into(),
        what,
        name: name.into(),
        message_id: None,
        duration_us: 500,
        caused_by,
        ok: true,
        told_by: Evidence::Span,
    }
}

/// An order handled by two services, with one message redelivered.
#[cfg(test)]
pub(super) fn hops() -> Story {
    let events = vec![
        event(0, "orders", What::Commit, "orders.order-placed", None),
        event(2_000, "payments", What::Deliver, "payments.capture-payment", Some(0)),
        event(4_000, "payments", What::Retry, "payments.capture-payment", Some(0)),
        event(6_000, "payments", What::Compensate, "payments.refund-payment", Some(0)),
    ];
    story(Driver::Orchestrated, &["orders", "payments"], events)
}
