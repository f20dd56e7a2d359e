//! Events derived from spans.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::causes::Happened;
use super::spans::{Kind, Span};
use super::{Evidence, What, messages};

/// The lane of the client. It is not a process of the shop and reports no spans.
pub(super) const CLIENT: &str = "client";

/// One event for each relevant span, and two for the client, derived from the first request.
///
/// A delivery has spans for its transaction and for the module's step. They are left out if the delivery itself is
/// present, and events that followed from them then follow from the delivery.
pub(super) fn events(spans: &[Span], order: Uuid) -> Vec<Happened> {
    let ids = messages::ids(order);
    let parents: HashMap<&str, Option<&str>> =
        spans.iter().map(|span| (span.span_id.as_str(), span.parent_id.as_deref())).collect();
    let left_out: HashSet<&str> =
        spans.iter().filter(|span| is_detail(span)).map(|span| span.span_id.as_str()).collect();
    let mut delivered = HashSet::new();
    let mut sorted: Vec<&Span> = spans.iter().filter(|span| !is_detail(span)).collect();
    sorted.sort_by_key(|span| span.start_unix_us);
    let mut events = Vec::new();
    for span in sorted {
        let mut event = event(span);
        let asked_again =
            event.message_id.and_then(|id| ids.get(&id)).is_some_and(|(_, attempt)| *attempt > 0);
        let delivered_again =
            span.kind == Kind::Consumer && !delivered.insert((event.message_id, event.lane.clone()));
        let tried_again = ["cleave.attempts", "http.request.resend_count"]
            .into_iter()
            .any(|name| span.number(name).is_some_and(|times| times > 0));
        let is_arrival = matches!(event.what, What::Deliver | What::Compensate | What::Call);
        if is_arrival && (asked_again || delivered_again || tried_again) {
            event.what = What::Retry;
        }
        // A published message was committed, so its publishing follows from the commit.
        if event.what == What::Publish {
            let commit = spans.iter().find(|other| is_commit(other) && other.parent_id == event.parent);
            event.parent = commit.map(|commit| commit.span_id.clone()).or(event.parent);
        }
        while let Some(parent) = event.parent.clone().filter(|parent| left_out.contains(parent.as_str())) {
            event.parent = parents.get(parent.as_str()).copied().flatten().map(str::to_owned);
        }
        events.push(event);
    }
    if let Some(root) = root(spans) {
        let client = |at, what, span, parent| Happened {
            at,
            lane: CLIENT.to_owned(),
            what,
            name: root.name.clone(),
            message_id: None,
            duration_us: 0,
            ok: root.status != "error",
            told_by: Evidence::Concluded,
            span,
            parent,
        };
        // By the clock of the process that responded, so without the time on the network.
        events.push(client(root.start_unix_us, What::Call, root.parent_id.clone(), None));
        events.push(client(root.end_us(), What::Answer, None, Some(root.span_id.clone())));
        if root.parent_id.is_none() {
            let call = events.len() - 2;
            let made_up = format!("before {}", root.span_id);
            events[call].span = Some(made_up.clone());
            events.iter_mut().filter(|event| event.span.as_ref() == Some(&root.span_id)).for_each(|event| {
                event.parent = Some(made_up.clone());
            });
        }
    }
    events
}

/// Whether a span adds nothing to its parent. The orders service's work on the order itself is not an answer to a
/// command. The monolith's steps always count.
fn is_detail(span: &Span) -> bool {
    span.kind == Kind::Internal
        && span.service != "monolith"
        && !(span.service == "orders" && span.key().starts_with("orders."))
}

/// The request that created the order: the first one served whose parent is not among the spans.
pub(crate) fn root(spans: &[Span]) -> Option<&Span> {
    let known: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let outer = |span: &&Span| !span.parent_id.as_deref().is_some_and(|parent| known.contains(parent));
    let served = spans.iter().filter(|span| span.kind == Kind::Server).filter(outer);
    served.min_by_key(|span| span.start_unix_us)
}

fn event(span: &Span) -> Happened {
    let key = span.key();
    let refused = key.ends_with("-refused") || span.text("cleave.refusal").is_some();
    Happened {
        at: span.start_unix_us,
        lane: span.service.clone(),
        what: what(span, key),
        name: key.to_owned(),
        message_id: span.message_id(),
        duration_us: span.duration_us,
        ok: span.status != "error" && !refused,
        told_by: Evidence::Span,
        span: Some(span.span_id.clone()),
        parent: span.parent_id.clone(),
    }
}

fn is_commit(span: &Span) -> bool {
    span.kind == Kind::Client && span.name == "commit"
}

fn what(span: &Span, key: &str) -> What {
    match span.kind {
        Kind::Server => What::Receive,
        Kind::Client if is_commit(span) => What::Commit,
        // A call to the database, not to another service.
        Kind::Client if span.text("db.system.name").is_some() => What::Step,
        Kind::Client => What::Call,
        Kind::Producer => What::Publish,
        Kind::Consumer if messages::undoes(key, &span.service) => What::Compensate,
        Kind::Consumer => What::Deliver,
        Kind::Internal => What::Step,
    }
}

#[cfg(test)]
mod tests {
    use super::super::causes;
    use super::super::spans::made_up::span;
    use super::*;

    fn told(spans: &[Span]) -> Vec<(String, What, String, Option<usize>)> {
        let (_, events) = causes::ordered(events(spans, Uuid::nil()));
        events.into_iter().map(|event| (event.lane, event.what, event.name, event.caused_by)).collect()
    }

    #[test]
    fn a_hop_is_a_publish_and_a_delivery_and_its_details_are_left_out() {
        let spans = [
            span("a", None, "orders", Kind::Server, "POST /orders", 0, 10),
            span("b", Some("a"), "orders", Kind::Internal, "transaction", 1, 8),
            span("c", Some("b"), "orders", Kind::Internal, "orders.place-order", 2, 3),
            span("d", Some("b"), "orders", Kind::Client, "commit", 6, 3),
            span("e", Some("b"), "orders", Kind::Producer, "publish payments.refund-payment", 12, 5),
            span("f", Some("e"), "payments", Kind::Consumer, "process payments.refund-payment", 20, 9),
            span("g", Some("f"), "payments", Kind::Internal, "transaction", 21, 7),
            span("h", Some("g"), "payments", Kind::Internal, "payments.refund-payment", 22, 3),
            span("i", Some("g"), "payments", Kind::Client, "commit", 26, 2),
        ];
        let row = |lane: &str, what, name: &str, cause| (lane.to_owned(), what, name.to_owned(), cause);
        assert_eq!(
            told(&spans),
            [
                row("client", What::Call, "POST /orders", None),
                row("orders", What::Receive, "POST /orders", Some(0)),
                row("orders", What::Step, "orders.place-order", Some(1)),
                row("orders", What::Commit, "commit", Some(1)),
                row("client", What::Answer, "POST /orders", Some(1)),
                row("orders", What::Publish, "payments.refund-payment", Some(3)),
                row("payments", What::Compensate, "payments.refund-payment", Some(5)),
                row("payments", What::Commit, "commit", Some(6)),
            ]
        );
    }

    #[test]
    fn a_message_that_comes_twice_is_a_retry() {
        let mut first =
            span("f", None, "payments", Kind::Consumer, "process payments.capture-payment", 20, 9);
        first.attributes.insert("messaging.message.id".into(), Uuid::from_u128(7).to_string().into());
        let again = Span { span_id: "g".into(), start_unix_us: 50, ..first.clone() };
        let kinds: Vec<What> = told(&[first, again]).into_iter().map(|(_, what, ..)| what).collect();
        assert_eq!(kinds, [What::Deliver, What::Retry]);
    }
}
