//! The tax of distribution: where the time of an order goes, from its intended moment of sending to its decision.
//!
//! Only the *critical path* counts: the chain of spans from the request to the commit of the decision, in which each
//! span follows from the one before. Work beside it (an ack, the response to the client, a confirm that came after the
//! delivery) delayed nothing. Every instant between the two moments belongs to exactly one part, so the parts always
//! add up to the whole. Time that no span covers is reported as left over.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::spans::{Kind, Span};
use crate::words;

mod gather;
mod serialization;

pub use gather::{of_last, of_load};
pub use serialization::PerMessage;

/// What an order's time is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The modules' steps with their own statements, and the code around them that serves requests and deliveries.
    Handler,
    /// Transactions around the steps: begin and commit, inbox, outbox, saga, prepared branches.
    Database,
    /// Serializing and deserializing messages.
    Serialization,
    /// From publishing a message until a consumer received it: the way to the broker and back, and the wait in its
    /// queue.
    Queue,
    /// From the commit of a message until the relay took it out of the outbox.
    RelayWait,
    /// Requests in flight: between client and shop, and between gateway and service.
    Network,
    /// The gateway's own work.
    Gateway,
    /// Not covered by any span. Includes the delay of the load generator.
    LeftOver,
}

impl Part {
    /// Every part, in the order in which they are shown.
    pub const ALL: [Part; 8] = [
        Part::Handler,
        Part::Database,
        Part::Serialization,
        Part::Queue,
        Part::RelayWait,
        Part::Network,
        Part::Gateway,
        Part::LeftOver,
    ];

    /// Its title.
    pub fn title(self) -> String {
        match self {
            Part::Handler => words::handler(),
            Part::Database => words::database(),
            Part::Serialization => words::serialization(),
            Part::Queue => words::queue(),
            Part::RelayWait => words::relay_wait(),
            Part::Network => words::network(),
            Part::Gateway => words::gateway(),
            Part::LeftOver => words::left_over(),
        }
    }
}

/// Microseconds by part.
pub type Parts = BTreeMap<Part, f64>;

/// The timestamps of an order that its client knows, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// The intended moment of sending.
    pub intended: i64,
    /// The actual moment of sending.
    pub sent: i64,
    /// The moment of the decision.
    pub decided: i64,
}

/// A period attributed to one part. If periods overlap, the deeper one counts.
#[derive(Debug, Clone, Copy)]
struct Spent {
    from: i64,
    to: i64,
    part: Part,
    depth: usize,
}

/// Where the time of one order went, by the spans of its trace. `None` if spans are missing and the critical path
/// cannot be determined.
pub fn of(spans: &[Span], moments: Moments, messages: PerMessage) -> Option<Parts> {
    let trace = Trace::new(spans);
    let path = trace.critical_path()?;
    let mut spent = trace.spent(&path);
    let (first, last) = (path.first()?, trace.decision(path.last()?));
    // Before the first span and after the last one, the request was in flight as far as the spans show.
    spent.push(Spent { from: moments.sent, to: first.start_unix_us, part: Part::Network, depth: 0 });
    spent.push(Spent { from: first.end_us().max(last), to: moments.decided, part: Part::Network, depth: 0 });
    let mut parts = partition(&spent, moments);
    let hops = path.iter().filter(|span| span.kind == Kind::Producer).count();
    messages.take_from(&mut parts, hops);
    Some(parts)
}

/// When an order's request arrived and when the order was decided, by its spans alone.
fn moments(spans: &[Span]) -> Option<Moments> {
    let trace = Trace::new(spans);
    let path = trace.critical_path()?;
    let (came, decided) = (path.first()?.start_unix_us, trace.decision(path.last()?));
    Some(Moments { intended: came, sent: came, decided })
}

/// Assigns every instant to exactly one part.
fn partition(spent: &[Spent], Moments { intended, sent, decided }: Moments) -> Parts {
    let mut parts: Parts = Part::ALL.into_iter().map(|part| (part, 0.0)).collect();
    let within = |moment: i64| moment.clamp(intended, decided.max(intended));
    let mut moments: Vec<i64> = spent
        .iter()
        .flat_map(|one| [one.from, one.to])
        .chain([intended, sent, decided])
        .map(within)
        .collect();
    moments.sort_unstable();
    moments.dedup();
    for pair in moments.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        // The generator's own delay is not the shop's.
        let covering = spent.iter().filter(|one| from >= sent && one.from <= from && to <= one.to);
        let part = covering.max_by_key(|one| one.depth).map_or(Part::LeftOver, |one| one.part);
        *parts.entry(part).or_default() += (to - from) as f64;
    }
    parts
}

/// The spans of a trace, indexed by parent.
struct Trace<'a> {
    by_id: HashMap<&'a str, &'a Span>,
    children: HashMap<&'a str, Vec<&'a Span>>,
}

impl<'a> Trace<'a> {
    fn new(spans: &'a [Span]) -> Trace<'a> {
        let mut children: HashMap<&str, Vec<&Span>> = HashMap::new();
        for span in spans {
            if let Some(parent) = &span.parent_id {
                children.entry(parent).or_default().push(span);
            }
        }
        Trace { by_id: spans.iter().map(|span| (span.span_id.as_str(), span)).collect(), children }
    }

    fn children(&self, span: &Span) -> &[&'a Span] {
        self.children.get(span.span_id.as_str()).map_or(&[], Vec::as_slice)
    }

    /// The spans from the first request to the transaction that decided the order.
    fn critical_path(&self) -> Option<Vec<&'a Span>> {
        let decides = |span: &&&Span| {
            span.kind == Kind::Internal
                && matches!(span.key(), "orders.confirm-order" | "orders.cancel-order")
        };
        let step = self.by_id.values().filter(decides).min_by_key(|span| span.start_unix_us)?;
        let mut path = Vec::new();
        let mut seen = HashSet::new();
        let mut next = step.parent_id.as_deref();
        while let Some(id) = next {
            let Some(span) = self.by_id.get(id) else { break };
            if !seen.insert(id) {
                return None;
            }
            path.push(*span);
            next = span.parent_id.as_deref();
        }
        path.reverse();
        // The load sends no trace context, so the process that served its request started the trace. Any other first
        // span has a parent that was evicted.
        let first = path.first()?;
        (first.kind == Kind::Server && first.parent_id.is_none()).then_some(path)
    }

    /// The moment of the decision: the end of the transaction's commit.
    fn decision(&self, transaction: &Span) -> i64 {
        let commits = self.children(transaction).iter().filter(|span| span.name == "commit");
        commits.map(|span| span.end_us()).max().unwrap_or(transaction.end_us())
    }

    /// The periods along the critical path, by part.
    fn spent(&self, path: &[&'a Span]) -> Vec<Spent> {
        let on_path: HashSet<&str> = path.iter().map(|span| span.span_id.as_str()).collect();
        let decided = path.last().map_or(0, |span| self.decision(span));
        let mut spent = Vec::new();
        for (place, span) in path.iter().enumerate() {
            let depth = 10 * (place + 1);
            // If the span sends a message to the next one, the order stopped waiting for it when the message was
            // written.
            let handed_over = (place + 1..path.len()).find(|next| path[*next].kind == Kind::Producer);
            let until =
                handed_over.filter(|_| span.kind != Kind::Producer).map(|next| path[next - 1].end_us());
            if span.kind == Kind::Producer {
                let had = path.get(place + 1).map_or(span.end_us(), |next| next.start_unix_us);
                spent.push(Spent { from: span.start_unix_us, to: had, part: Part::Queue, depth });
                let written = path[place - 1].end_us();
                let waited = span.number("outbox.wait_us").map_or(written, |us| span.start_unix_us - us);
                let from = written.max(waited);
                spent.push(Spent { from, to: span.start_unix_us, part: Part::RelayWait, depth });
                continue;
            }
            self.within(span, until, depth, &on_path, &mut spent);
            if until.is_some() && span.kind != Kind::Internal {
                // A client that waits for the decision gets it in the response to its first request.
                spent.push(Spent { from: decided, to: span.end_us(), part: part(span), depth });
            }
        }
        spent
    }

    /// A span and its descendants, until the message was handed over. Spans on the path are counted by the caller.
    fn within(
        &self,
        span: &Span,
        until: Option<i64>,
        depth: usize,
        on_path: &HashSet<&str>,
        spent: &mut Vec<Spent>,
    ) {
        let to = until.map_or(span.end_us(), |until| until.min(span.end_us()));
        spent.push(Spent { from: span.start_unix_us, to, part: part(span), depth });
        // Deep enough for any trace of ours, and a limit for foreign ones.
        if depth % 10 == 9 {
            return;
        }
        for child in self.children(span) {
            if child.kind != Kind::Producer && !on_path.contains(child.span_id.as_str()) {
                self.within(child, until, depth + 1, on_path, spent);
            }
        }
    }
}

fn part(span: &Span) -> Part {
    match span.kind {
        Kind::Server if span.service == "gateway" => Part::Gateway,
        Kind::Server | Kind::Consumer => Part::Handler,
        Kind::Producer => Part::Queue,
        _ if span.text("db.system.name").is_some() => Part::Database,
        Kind::Client => Part::Network,
        Kind::Internal => Part::Handler,
    }
}

#[cfg(test)]
mod tests;

/// Where the time of orders went, from the intended moment of sending to the decision. A sample: the orders whose spans
/// were all still kept when the load was over, which are the last ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tax {
    /// The number of orders in the sample.
    pub orders: u64,
    /// The number of orders decided in the measured window.
    pub of: u64,
    /// The mean time of these orders, in milliseconds.
    pub whole_ms: f64,
    /// The same by part. The parts add up to the whole.
    pub parts_ms: BTreeMap<Part, f64>,
}
