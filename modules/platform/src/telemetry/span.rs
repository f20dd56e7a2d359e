//! Spans: operations with a parent, a start and a duration.

use std::time::Instant;

use super::Telemetry;
use super::attributes::{Fixed, Kind, Name, Value};
use contracts::{OrderId, TraceContext};

/// A finished span.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub context: TraceContext,
    pub parent: Option<u64>,
    pub name: Name,
    pub kind: Kind,
    pub order: Option<OrderId>,
    /// By this process's wall clock, which may be wrong (also on purpose).
    pub start_unix_us: i64,
    /// By the monotonic clock.
    pub duration_us: u64,
    pub failed: bool,
    pub fixed: Fixed,
    pub own: Vec<(&'static str, Value)>,
}

impl Record {
    /// Its memory in bytes, rounded up slightly.
    pub fn size(&self) -> usize {
        let texts = self.own.iter().map(|(_, value)| value.size());
        size_of::<Self>()
            + self.own.capacity() * size_of::<(&str, Value)>()
            + texts.sum::<usize>()
            + self.name.size()
    }
}

/// One moment, by both clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    monotonic: Instant,
    unix_us: i64,
}

impl Moment {
    /// The current moment. The thread may be suspended between reading the two clocks, and the wall clock may be set.
    /// So the wall clock is read once, for a process's outermost span; nested spans derive their times from it with the
    /// monotonic clock. Otherwise a nested span could seem to end after its parent.
    fn now(since: Option<Moment>) -> Moment {
        let monotonic = Instant::now();
        let unix_us = match since {
            Some(began) => began.unix_us + (monotonic - began.monotonic).as_micros() as i64,
            None => contracts::clock::now().timestamp_micros(),
        };
        Moment { monotonic, unix_us }
    }
}

/// A position in a trace, and the order that the work there is about.
#[derive(Debug, Clone)]
pub struct Scope {
    telemetry: Telemetry,
    context: TraceContext,
    order: Option<OrderId>,
    /// When its span began, if that span belongs to this process.
    began: Option<Moment>,
}

impl Scope {
    pub(super) fn new(telemetry: Telemetry, context: TraceContext) -> Scope {
        Scope { telemetry, context, order: None, began: None }
    }

    /// The same scope, for this order.
    pub fn of(self, order: OrderId) -> Scope {
        Scope { order: Some(order), ..self }
    }

    /// The position in the trace, as headers and messages carry it.
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// The order that the work is about, if known.
    pub(super) fn order(&self) -> Option<OrderId> {
        self.order
    }

    /// Begins a span below this scope.
    pub fn span(&self, kind: Kind, name: impl Into<Name>) -> Span {
        if !self.telemetry.is_on() {
            return Span { scope: self.clone(), under_way: None };
        }
        let parent = Some(self.context.ids().1);
        let within = Scope { context: self.context.child(), ..self.clone() };
        Span::at(within, parent, kind, name.into())
    }
}

/// An operation in progress. It ends when it is dropped.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    scope: Scope,
    under_way: Option<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    began: Moment,
    record: Record,
}

impl Span {
    /// Begins a span at this position in its trace.
    pub(super) fn at(mut scope: Scope, parent: Option<u64>, kind: Kind, name: Name) -> Span {
        if !scope.telemetry.is_on() {
            return Span { scope, under_way: None };
        }
        let began = Moment::now(scope.began);
        scope.began = Some(began);
        let record = Record {
            context: scope.context,
            parent,
            name,
            kind,
            order: None,
            start_unix_us: began.unix_us,
            duration_us: 0,
            failed: false,
            fixed: &[],
            own: Vec::new(),
        };
        Span { scope, under_way: Some(UnderWay { began, record }) }
    }

    /// The scope for work within this span.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The span's position in the trace.
    pub fn context(&self) -> TraceContext {
        self.scope.context
    }

    /// Sets these fixed attributes.
    pub fn with(mut self, fixed: Fixed) -> Span {
        if let Some(UnderWay { record, .. }) = &mut self.under_way {
            record.fixed = fixed;
        }
        self
    }

    /// Sets the order that this span, and everything begun within it from now on, is about.
    pub fn of(&mut self, order: OrderId) {
        self.scope.order = Some(order);
    }

    /// Sets an attribute. The value is converted only if spans are recorded.
    pub fn set<V: Into<Value>>(&mut self, key: &'static str, value: V) {
        if let Some(UnderWay { record, .. }) = &mut self.under_way {
            record.own.push((key, value.into()));
        }
    }

    /// Marks the span as failed, with a kind of error (`error.type`).
    pub fn failed(&mut self, why: impl Into<Value>) {
        self.set("error.type", why);
        if let Some(UnderWay { record, .. }) = &mut self.under_way {
            record.failed = true;
        }
    }

    /// Records the result. A refusal is a normal result; any other error marks the span as failed.
    pub fn outcome<T>(&mut self, outcome: &Result<T, contracts::Error>) {
        match outcome {
            Ok(_) => {}
            Err(contracts::Error::Refused(refusal)) => self.set("cleave.refusal", refusal.code.as_str()),
            Err(contracts::Error::Broken(_)) => self.failed("broken"),
        }
    }

    /// Gives the span a new id. Its assigned id is reserved for the attempt that succeeds.
    pub fn step_aside(&mut self) {
        if let Some(UnderWay { record, .. }) = &mut self.under_way {
            record.context = record.context.child();
        }
    }

    /// Sets the name, if it was not known at the start.
    pub(super) fn rename(&mut self, name: impl Into<Name>) {
        if let Some(UnderWay { record, .. }) = &mut self.under_way {
            record.name = name.into();
        }
    }

    /// Discards the span without recording it.
    pub(super) fn discard(mut self) {
        self.under_way = None;
    }

    /// Ends the span. The same as dropping it, but explicit.
    pub fn end(self) {}
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(UnderWay { began, mut record }) = self.under_way.take() else { return };
        record.duration_us = began.monotonic.elapsed().as_micros() as u64;
        record.order = self.scope.order;
        if let Some(recorder) = &self.scope.telemetry.0 {
            recorder.record(record);
        }
    }
}

/// A recorder for tests, and a function that returns everything it recorded.
#[cfg(test)]
pub(super) fn recording() -> (Telemetry, impl Fn() -> Vec<Record>) {
    use super::{Recorder, ring::Wanted};

    let recorder = std::sync::Arc::new(Recorder::new("orders", "orders", None));
    let recorded = recorder.clone();
    let all = move || recorded.ring.lock().find(&Wanted::default(), usize::MAX).spans;
    (Telemetry(Some(recorder)), all)
}

#[cfg(test)]
mod tests {
    use super::super::attributes::DATABASE;
    use super::*;

    #[test]
    fn a_span_is_a_child_of_that_within_which_it_is_begun() {
        let (telemetry, recorded) = recording();
        let client = TraceContext::root();
        let order = OrderId::new();
        {
            let mut request = telemetry.span(Some(client), Kind::Server, ("POST", "/orders"));
            request.of(order);
            let transaction = request.scope().span(Kind::Internal, "transaction").with(DATABASE);
            transaction.scope().span(Kind::Client, "commit").end();
        }
        let spans = recorded();
        let [commit, transaction, request] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(request.parent, Some(client.ids().1));
        assert_eq!(transaction.parent, Some(request.context.ids().1));
        assert_eq!(commit.parent, Some(transaction.context.ids().1));
        assert!(spans.iter().all(|span| span.context.trace_id() == client.trace_id()));
        assert!(spans.iter().all(|span| span.order == Some(order)), "nested spans are about the order too");
        assert_eq!([&commit.name, &request.name].map(Name::to_string), ["commit", "POST /orders"]);
    }

    #[test]
    fn the_wall_clock_is_read_once_for_all_that_is_within() {
        let (telemetry, recorded) = recording();
        let mut request = telemetry.span(None, Kind::Server, "request");
        // As if the wall clock had been set forward by half a century since the request began.
        let began = Moment { monotonic: Instant::now(), unix_us: 0 };
        request.scope.began = Some(began);
        request.scope().span(Kind::Internal, "step").scope().span(Kind::Client, "commit").end();
        let most = began.monotonic.elapsed().as_micros() as i64;
        let spans = recorded();
        assert_eq!(spans.len(), 2);
        for span in spans {
            let end = span.start_unix_us + span.duration_us as i64;
            assert!(span.start_unix_us >= 0 && end <= most, "{span:?} is not within the first {most} µs");
        }
    }

    #[test]
    fn what_travelled_is_what_is_recorded() {
        let (telemetry, recorded) = recording();
        let (travelled, parent) = (TraceContext::root(), 7);
        telemetry.span_at(travelled, Some(parent), Kind::Producer, ("publish", "a.b")).end();
        let mut in_vain = telemetry.span_at(travelled, Some(parent), Kind::Producer, ("publish", "a.b"));
        in_vain.step_aside();
        in_vain.end();
        let [published, in_vain] = &recorded()[..] else { panic!("two spans") };
        assert_eq!((published.context, published.parent), (travelled, Some(parent)));
        assert_ne!(in_vain.context, travelled);
        assert_eq!((in_vain.context.trace_id(), in_vain.parent), (travelled.trace_id(), Some(parent)));
    }

    #[test]
    fn off_is_off_and_the_trace_travels_on() {
        let client = TraceContext::root();
        let mut span = Telemetry::off().span(Some(client), Kind::Server, "x");
        span.set("a", 1i64);
        assert!(span.under_way.is_none());
        assert_eq!(span.scope().span(Kind::Internal, "y").context(), client);
    }
}
