//! *Happened before* (Lamport, 1978): the cause of each event, and an order of the events in which no event precedes
//! its cause, even if clocks differ.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Event, Evidence, What, messages};
use topology::MONOLITH;

/// An event before its cause is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Happened {
    /// Microseconds since 1970.
    pub at: i64,
    pub lane: String,
    pub what: What,
    pub name: String,
    pub message_id: Option<Uuid>,
    pub duration_us: i64,
    pub ok: bool,
    pub told_by: Evidence,
    /// The span that recorded it.
    pub span: Option<String>,
    /// The parent of that span.
    pub parent: Option<String>,
}

/// Merges events from spans and from rows. A row counts only if no span reports the same event.
pub(super) fn merged(spans: Vec<Happened>, rows: Vec<Happened>) -> Vec<Happened> {
    let told = |row: &Happened| {
        spans.iter().any(|span| match row.message_id {
            Some(id) => span.message_id == Some(id) && span.lane == row.lane && span.what != What::Publish,
            None => span.lane == row.lane && span.at <= row.at && row.at <= span.at + span.duration_us,
        })
    };
    let rest: Vec<Happened> = rows.into_iter().filter(|row| !told(row)).collect();
    spans.into_iter().chain(rest).collect()
}

/// Sorts the events by time, each after its cause. Also returns the time of the first event, in microseconds since
/// 1970.
pub(super) fn ordered(mut happened: Vec<Happened>) -> (i64, Vec<Event>) {
    happened.sort_by_key(|event| (event.at, std::cmp::Reverse(event.duration_us), rank(event.what)));
    let began = happened.first().map_or(0, |event| event.at);
    let causes: Vec<Option<usize>> = (0..happened.len()).map(|place| cause(&happened, place)).collect();
    let order = after_causes(&causes);
    let places: HashMap<usize, usize> = order.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    let event = |old: &usize| {
        let event = happened[*old].clone();
        Event {
            at_us: event.at - began,
            lane: event.lane,
            what: event.what,
            name: event.name,
            message_id: event.message_id,
            duration_us: event.duration_us,
            caused_by: causes[*old].map(|cause| places[&cause]),
            ok: event.ok,
            told_by: event.told_by,
        }
    };
    (began, order.iter().map(event).collect())
}

/// Breaks ties between events with the same timestamp: the likely order.
fn rank(what: What) -> u8 {
    match what {
        What::Call => 0,
        What::Receive | What::Deliver | What::Retry | What::Compensate => 1,
        What::Step => 2,
        What::Commit => 3,
        What::Publish => 4,
        What::Answer => 5,
    }
}

/// The cause of an event: its parent span, the publishing of the message that it handled, or the previous event in its
/// lane.
fn cause(happened: &[Happened], place: usize) -> Option<usize> {
    let event = &happened[place];
    let parent = event.parent.as_ref().and_then(|parent| {
        happened.iter().position(|other| other.span.as_ref() == Some(parent) && other != event)
    });
    if parent.is_some() {
        return parent;
    }
    if matches!(event.what, What::Deliver | What::Retry | What::Compensate) && event.message_id.is_some() {
        let published =
            |other: &Happened| other.what == What::Publish && other.message_id == event.message_id;
        return happened.iter().position(published).or_else(|| sender(happened, place));
    }
    match event.what {
        What::Call | What::Receive => None,
        _ => before(happened, place, |other| other.lane == event.lane),
    }
}

/// The last thing that the sender did before the message was handled and that can have caused it.
fn sender(happened: &[Happened], place: usize) -> Option<usize> {
    let event = &happened[place];
    let key = event.name.as_str();
    if !messages::is_command(key) {
        let from = messages::module(key);
        // A refusal leaves no row. Its cause is then the last message that its sender handled.
        return before(happened, place, |other| other.lane == from && other.name == key)
            .or_else(|| before(happened, place, |other| other.lane == from));
    }
    let tried = happened.iter().any(|other| messages::TRIES[2..].contains(&other.name.as_str()));
    if tried && messages::TRIES.contains(&key) {
        return happened.iter().position(|other| other.name == "orders.order-placed");
    }
    // A compensation follows from an answer, not from the row that cancels the order.
    let of_orders = |lane: &str| lane == "orders" || lane == MONOLITH;
    before(happened, place, |other| of_orders(&other.lane) && !is_decision(&other.name))
}

fn is_decision(name: &str) -> bool {
    matches!(name, "orders.order-confirmed" | "orders.order-cancelled")
}

fn before(happened: &[Happened], place: usize, fits: impl Fn(&Happened) -> bool) -> Option<usize> {
    happened[..place].iter().rposition(fits)
}

/// A permutation that is sorted by time and never puts an event before its cause. Clocks of two processes may differ.
fn after_causes(causes: &[Option<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(causes.len());
    let mut placed = vec![false; causes.len()];
    for start in 0..causes.len() {
        // The causes that are not placed yet, nearest first. Each is visited once, so the chain is finite.
        let mut chain = Vec::new();
        let mut next = Some(start);
        while let Some(place) = next.filter(|place| !placed[*place]) {
            placed[place] = true;
            chain.push(place);
            next = causes[place];
        }
        order.extend(chain.into_iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn happened(at: i64, lane: &str, what: What, name: &str) -> Happened {
        Happened {
            at,
            lane: lane.into(),
            what,
            name: name.into(),
            message_id: None,
            duration_us: 0,
            ok: true,
            told_by: Evidence::Database,
            span: None,
            parent: None,
        }
    }

    fn delivered(at: i64, lane: &str, name: &str) -> Happened {
        let what = if messages::undoes(name, lane) { What::Compensate } else { What::Deliver };
        Happened { message_id: Some(Uuid::from_u128(at as u128)), ..happened(at, lane, what, name) }
    }

    fn causes_of(happened: Vec<Happened>) -> Vec<(String, Option<usize>)> {
        ordered(happened).1.into_iter().map(|event| (event.name, event.caused_by)).collect()
    }

    #[test]
    fn rows_alone_tell_what_caused_what() {
        let told = causes_of(vec![
            happened(0, "orders", What::Commit, "orders.order-placed"),
            delivered(10, "catalog", "catalog.honour-prices"),
            delivered(20, "orders", "catalog.prices-honoured"),
            delivered(30, "inventory", "inventory.reserve-stock"),
            happened(31, "inventory", What::Commit, "inventory.stock-reserved"),
            delivered(40, "orders", "inventory.stock-reserved"),
        ]);
        let causes: Vec<Option<usize>> = told.into_iter().map(|(_, cause)| cause).collect();
        assert_eq!(causes, [None, Some(0), Some(1), Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn tries_all_follow_from_the_placing() {
        let told = causes_of(vec![
            happened(0, "orders", What::Commit, "orders.order-placed"),
            delivered(10, "catalog", "catalog.honour-prices"),
            delivered(15, "orders", "catalog.prices-honoured"),
            delivered(20, "payments", "payments.authorize-payment"),
            delivered(25, "shipping", "shipping.quote-shipment"),
        ]);
        assert_eq!((told[3].1, told[4].1), (Some(0), Some(0)));
    }

    #[test]
    fn in_a_choreography_a_refusal_elsewhere_is_undone() {
        let told = causes_of(vec![
            happened(0, "orders", What::Commit, "orders.order-placed"),
            delivered(10, "shipping", "payments.payment-captured"),
            delivered(20, "payments", "shipping.shipment-refused"),
            happened(21, "payments", What::Commit, "payments.payment-refunded"),
        ]);
        assert_eq!(told[2].1, Some(1), "its sender left no row");
        assert_eq!(told[3].1, Some(2));
    }

    #[test]
    fn what_a_span_tells_a_row_need_not_tell_again() {
        let id = Some(Uuid::from_u128(7));
        let span = Happened {
            message_id: id,
            duration_us: 100,
            told_by: Evidence::Span,
            ..delivered(1000, "payments", "payments.capture-payment")
        };
        let same = Happened { message_id: id, ..delivered(1010, "payments", "payments.capture-payment") };
        let within = happened(1050, "payments", What::Commit, "payments.payment-captured");
        let elsewhere = happened(1050, "inventory", What::Commit, "inventory.stock-reserved");
        let later = happened(1200, "payments", What::Commit, "payments.payment-refunded");
        let told = merged(vec![span.clone()], vec![same, within, elsewhere.clone(), later.clone()]);
        assert_eq!(told, [span, elsewhere, later]);
    }

    #[test]
    fn a_cause_comes_first_whatever_the_clocks_say() {
        let mut sent = happened(500, "orders", What::Publish, "payments.capture-payment");
        let received = delivered(100, "payments", "payments.capture-payment");
        sent.message_id = received.message_id;
        let told = causes_of(vec![received, sent]);
        assert_eq!(told[1].1, Some(0));
        assert_eq!(told.len(), 2);
    }

    proptest! {
        /// Parents can be arbitrary, cycles included. Each event must appear once, and after its cause unless it is
        /// part of a cycle.
        #[test]
        fn each_is_told_once(parents in prop::collection::vec((0usize..12, 0i64..50), 1..12)) {
            let events: Vec<Happened> = parents.iter().enumerate().map(|(place, (parent, at))| Happened {
                span: Some(place.to_string()),
                parent: Some(parent.to_string()).filter(|_| *parent < place),
                ..happened(*at, "a", What::Call, &place.to_string())
            }).collect();
            let (_, told) = ordered(events.clone());
            prop_assert_eq!(told.len(), events.len());
            for (place, event) in told.iter().enumerate() {
                prop_assert!(event.caused_by.is_none_or(|cause| cause < place));
            }
            let circle: Vec<Happened> = events.iter().zip(&parents).map(|(event, (parent, _))| Happened {
                parent: Some(parent.to_string()), ..event.clone()
            }).collect();
            prop_assert_eq!(ordered(circle).1.len(), events.len());
        }
    }
}
