//! A bounded buffer with a process's most recent spans.

use std::collections::VecDeque;

use contracts::OrderId;

use super::span::Record;

/// The maximum number of spans.
const SPANS: usize = 20_000;

/// The maximum memory for them, in bytes.
const BYTES: usize = 8 * 1024 * 1024;

/// Spans in the order in which they ended. The oldest are dropped first.
#[derive(Debug)]
pub(super) struct Ring {
    spans: VecDeque<Record>,
    bytes: usize,
    most_spans: usize,
    most_bytes: usize,
    /// How many spans were ever added, which is the number of the newest one, counted from 1.
    newest: u64,
}

/// A filter for spans. All given conditions must match.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Wanted {
    pub order: Option<OrderId>,
    pub trace: Option<u128>,
    /// Only spans with a higher number. A number above the newest means that the process has restarted and counts anew.
    pub after: u64,
}

#[derive(Debug)]
pub(super) struct Found {
    /// In the order in which they ended.
    pub spans: Vec<Record>,
    /// The `after` value for the next query.
    pub next: u64,
}

impl Default for Ring {
    fn default() -> Self {
        Self::new(SPANS, BYTES)
    }
}

impl Ring {
    fn new(most_spans: usize, most_bytes: usize) -> Ring {
        Ring { spans: VecDeque::new(), bytes: 0, most_spans, most_bytes, newest: 0 }
    }

    /// Adds a span, and drops the oldest ones if there is no room.
    pub fn push(&mut self, span: Record) {
        self.bytes += span.size();
        self.newest += 1;
        self.spans.push_back(span);
        while self.spans.len() > self.most_spans || self.bytes > self.most_bytes {
            let Some(oldest) = self.spans.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }

    /// How many spans were dropped.
    pub fn dropped(&self) -> u64 {
        self.newest - self.spans.len() as u64
    }

    /// The oldest matching spans, at most `limit`.
    pub fn find(&self, wanted: &Wanted, limit: usize) -> Found {
        let after = if wanted.after > self.newest { 0 } else { wanted.after };
        let skip = after.saturating_sub(self.dropped()) as usize;
        let numbered = (self.dropped() + 1..).zip(&self.spans).skip(skip);
        let mut of_interest = numbered.filter(|(_, span)| {
            wanted.order.is_none_or(|order| span.order == Some(order))
                && wanted.trace.is_none_or(|trace| span.context.ids().0 == trace)
        });
        let mut found = Found { spans: Vec::new(), next: self.newest };
        for (number, span) in of_interest.by_ref().take(limit) {
            found.spans.push(span.clone());
            found.next = number;
        }
        // If nothing else matches, the next query can skip everything up to the newest span.
        if of_interest.next().is_none() {
            found.next = self.newest;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use contracts::TraceContext;

    use super::super::attributes::{Kind, Value};
    use super::*;

    fn span(order: Option<OrderId>) -> Record {
        Record {
            context: TraceContext::root(),
            parent: None,
            name: "work".into(),
            kind: Kind::Internal,
            order,
            start_unix_us: 0,
            duration_us: 0,
            failed: false,
            fixed: &[],
            own: Vec::new(),
        }
    }

    fn after(number: u64) -> Wanted {
        Wanted { after: number, ..Wanted::default() }
    }

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut ring = Ring::new(3, usize::MAX);
        let spans: Vec<Record> = (0..5).map(|_| span(None)).collect();
        spans.iter().cloned().for_each(|span| ring.push(span));
        let found = ring.find(&after(0), 10);
        let contexts: Vec<_> = found.spans.iter().map(|span| span.context).collect();
        assert_eq!(contexts, spans[2..].iter().map(|span| span.context).collect::<Vec<_>>());
        assert_eq!((ring.dropped(), found.next), (2, 5));
    }

    #[test]
    fn memory_is_bounded_whatever_is_in_a_span() {
        let mut ring = Ring::new(usize::MAX, 100_000);
        for _ in 0..1000 {
            let mut large = span(None);
            large.own.push(("text", Value::from("x".repeat(10_000))));
            ring.push(large);
            let held: usize = ring.spans.iter().map(Record::size).sum();
            assert!(held <= 100_000 && held == ring.bytes, "{held}");
        }
        assert!(ring.spans.len() > 100 && ring.dropped() > 0, "long texts are cut, so many spans fit");
    }

    #[test]
    fn a_reader_that_goes_on_misses_nothing_that_is_there() {
        let mut ring = Ring::new(100, usize::MAX);
        let spans: Vec<Record> = (0..25).map(|_| span(None)).collect();
        spans.iter().cloned().for_each(|span| ring.push(span));
        let (mut seen, mut next) = (Vec::new(), 0);
        loop {
            let found = ring.find(&after(next), 10);
            if found.spans.is_empty() {
                break;
            }
            seen.extend(found.spans.iter().map(|span| span.context));
            next = found.next;
        }
        assert_eq!(seen, spans.iter().map(|span| span.context).collect::<Vec<_>>());
        assert_eq!(
            ring.find(&after(1000), 100).spans.len(),
            25,
            "a number from before a restart begins anew"
        );
    }

    #[test]
    fn an_order_and_a_trace_are_found_among_others() {
        let mut ring = Ring::default();
        let order = OrderId::new();
        let (mine, other) = (span(Some(order)), span(Some(OrderId::new())));
        [&other, &mine, &other].into_iter().for_each(|span| ring.push(span.clone()));
        let of_order = ring.find(&Wanted { order: Some(order), ..Wanted::default() }, 10);
        let of_trace = ring.find(&Wanted { trace: Some(mine.context.ids().0), ..Wanted::default() }, 10);
        for found in [of_order, of_trace] {
            assert_eq!(found.spans.len(), 1);
            assert_eq!((found.spans[0].context, found.next), (mine.context, 3));
        }
        let none = Wanted { order: Some(OrderId::new()), ..Wanted::default() };
        assert!(ring.find(&none, 10).spans.is_empty());
    }
}
