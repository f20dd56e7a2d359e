//! The events that spans tell.

use std::collections::HashSet;

use super::causes::Happened;
use super::spans::{Kind, Span};
use super::{Evidence, What, messages};

/// The lane of whoever sent the request: no process of the shop, so nobody's spans tell of it.
pub(super) const CLIENT: &str = "client";

/// An event a span, and the client's two, which follow from the first span.
pub(super) fn events(spans: &[Span]) -> Vec<Happened> {
    let mut events: Vec<Happened> = spans.iter().map(event).collect();
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
        // By the clock of whoever answered: what the way there and back took is not in it.
        events.push(client(root.start_unix_us, What::Call, root.parent_id.clone(), None));
        events.push(client(root.end_us(), What::Answer, None, Some(root.span_id.clone())));
    }
    events
}

/// The request that the order came in by: the first that was served, and whose parent nobody here is.
fn root(spans: &[Span]) -> Option<&Span> {
    let known: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let outer = |span: &&Span| !span.parent_id.as_deref().is_some_and(|parent| known.contains(parent));
    let served = spans.iter().filter(|span| span.kind == Kind::Server).filter(outer);
    served.min_by_key(|span| span.start_unix_us)
}

fn event(span: &Span) -> Happened {
    let key = span.key();
    Happened {
        at: span.start_unix_us,
        lane: span.service.clone(),
        what: what(span, key),
        name: key.to_owned(),
        message_id: span.message_id(),
        duration_us: span.duration_us,
        ok: span.status != "error" && !key.ends_with("-refused"),
        told_by: Evidence::Span,
        span: Some(span.span_id.clone()),
        parent: span.parent_id.clone(),
    }
}

fn what(span: &Span, key: &str) -> What {
    let again = span.number("cleave.attempt").is_some_and(|attempt| attempt > 0);
    match span.kind {
        Kind::Server => What::Receive,
        Kind::Client => What::Call,
        Kind::Producer => What::Publish,
        Kind::Consumer if again => What::Retry,
        Kind::Consumer | Kind::Internal if messages::undoes(key, &span.service) => What::Compensate,
        Kind::Consumer => What::Deliver,
        Kind::Internal if is_commit(&span.name) => What::Commit,
        Kind::Internal => What::Step,
    }
}

/// Whether a span is that of a commit.
pub(super) fn is_commit(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("commit") && !name.contains('.')
}
