use proptest::prelude::*;

use super::*;
use crate::spans::made_up::span;

const MOMENTS: Moments = Moments { intended: 0, sent: 10, decided: 1000 };

fn database(mut span: Span) -> Span {
    span.attributes.insert("db.system.name".into(), "postgresql".into());
    span
}

fn told(spans: &[Span], moments: Moments) -> Vec<(Part, f64)> {
    let parts = of(spans, moments, PerMessage::FREE).unwrap();
    parts.into_iter().filter(|(_, us)| *us > 0.0).collect()
}

/// The monolith's response is its decision.
#[test]
fn one_transaction_has_handler_and_database_only() {
    let spans = [
        span("a", None, "monolith", Kind::Server, "POST /orders", 20, 960),
        database(span("b", Some("a"), "monolith", Kind::Internal, "transaction", 100, 800)),
        span("c", Some("b"), "monolith", Kind::Internal, "inventory.reserve-stock", 200, 300),
        span("d", Some("b"), "monolith", Kind::Internal, "orders.confirm-order", 600, 100),
        database(span("e", Some("b"), "monolith", Kind::Client, "commit", 700, 200)),
    ];
    assert_eq!(
        told(&spans, MOMENTS),
        [
            // Before the transaction, both steps, and after it.
            (Part::Handler, (80 + 300 + 100 + 80) as f64),
            // Between the steps, and the commit.
            (Part::Database, (100 + 100 + 200) as f64),
            (Part::Network, (10 + 20) as f64),
            (Part::LeftOver, 10.0),
        ]
    );
}

/// A transaction that was rolled back also took time.
#[test]
fn what_was_tried_before_the_refusal_counts() {
    let spans = [
        span("a", None, "monolith", Kind::Server, "POST /orders", 10, 990),
        database(span("b", Some("a"), "monolith", Kind::Internal, "transaction", 100, 300)),
        span("c", Some("b"), "monolith", Kind::Internal, "inventory.reserve-stock", 200, 200),
        database(span("d", Some("a"), "monolith", Kind::Internal, "transaction", 500, 500)),
        span("e", Some("d"), "monolith", Kind::Internal, "orders.cancel-order", 600, 400),
    ];
    assert_eq!(
        told(&spans, MOMENTS),
        [(Part::Handler, (90 + 200 + 100 + 400) as f64), (Part::Database, 200.0), (Part::LeftOver, 10.0)]
    );
}

fn hop() -> Vec<Span> {
    let mut publish =
        span("f", Some("d"), "orders", Kind::Producer, "publish catalog.honour-prices", 300, 90);
    // Written before the commit.
    publish.attributes.insert("outbox.wait_us".into(), 160.into());
    vec![
        span("a", None, "gateway", Kind::Server, "POST /orders", 20, 400),
        span("b", Some("a"), "gateway", Kind::Client, "POST /orders", 30, 380),
        span("c", Some("b"), "orders", Kind::Server, "POST /orders", 50, 300),
        database(span("d", Some("c"), "orders", Kind::Internal, "transaction", 60, 140)),
        publish,
        span("g", Some("f"), "orders", Kind::Consumer, "process catalog.prices-honoured", 360, 900),
        database(span("h", Some("g"), "orders", Kind::Internal, "transaction", 400, 700)),
        span("i", Some("h"), "orders", Kind::Internal, "orders.confirm-order", 500, 100),
        database(span("j", Some("h"), "orders", Kind::Client, "commit", 700, 300)),
    ]
}

#[test]
fn what_goes_on_beside_the_path_costs_no_time() {
    let expected = [
        (Part::Handler, (10 + 40 + 100) as f64),
        (Part::Database, (140 + 100 + 100 + 300) as f64),
        // From the publishing to the delivery, though the confirm came later.
        (Part::Queue, 60.0),
        // From the end of the transaction, although the row was written in it and the response was sent meanwhile.
        (Part::RelayWait, 100.0),
        (Part::Network, (10 + 20) as f64),
        (Part::Gateway, 10.0),
        (Part::LeftOver, 10.0),
    ];
    let told = told(&hop(), MOMENTS);
    assert_eq!(told.iter().map(|(_, us)| us).sum::<f64>(), 1000.0);
    let expected: Vec<(Part, f64)> = expected.into();
    assert_eq!(told, expected);
}

#[test]
fn a_wait_for_the_deadline_is_left_over_and_not_the_relays() {
    let mut spans = hop();
    for span in &mut spans[4..] {
        span.start_unix_us += 10_000;
    }
    let told = told(&spans, Moments { decided: 11_000, ..MOMENTS });
    let left = told.iter().find(|(part, _)| *part == Part::LeftOver).unwrap().1;
    assert_eq!(left, 10.0 + (10_300.0 - 160.0 - 200.0));
}

#[test]
fn a_client_that_waited_for_the_decision_got_it_by_the_request() {
    let mut spans = hop();
    for (span, end) in spans.iter_mut().zip([1500, 1490, 1470]) {
        span.duration_us = end - span.start_unix_us;
    }
    let told: Parts = told(&spans, Moments { decided: 1510, ..MOMENTS }).into_iter().collect();
    assert_eq!(told[&Part::Gateway], (10 + 10) as f64);
    assert_eq!(told[&Part::Network], (10 + 20 + 20 + 10) as f64);
    assert_eq!(told.values().sum::<f64>(), 1510.0);
}

#[test]
fn a_trace_with_a_hole_is_not_judged() {
    for missing in ["a", "b", "c", "f", "h", "i"] {
        let spans: Vec<Span> = hop().into_iter().filter(|span| span.span_id != missing).collect();
        assert_eq!(of(&spans, MOMENTS, PerMessage::FREE), None, "without {missing}");
    }
    assert_eq!(of(&[], MOMENTS, PerMessage::FREE), None);
}

#[test]
fn messages_cost_what_was_measured_and_no_more_than_there_is() {
    let cheap = PerMessage { write_us: 7.0, read_us: 9.0 };
    let parts = of(&hop(), MOMENTS, cheap).unwrap();
    assert_eq!((parts[&Part::Serialization], parts[&Part::Queue]), (16.0, 51.0));
    let dear = PerMessage { write_us: 1e6, read_us: 1e6 };
    let parts = of(&hop(), MOMENTS, dear).unwrap();
    assert_eq!(parts.values().sum::<f64>(), 1000.0);
    assert!(parts.values().all(|us| *us >= 0.0));
    let measured = PerMessage::measure();
    assert!(measured.write_us > 0.0 && measured.read_us > 0.0, "{measured:?}");
}

proptest! {
    /// For any clocks and overlaps, the parts add up to the whole and none is negative.
    #[test]
    fn the_parts_are_the_whole(
        times in prop::collection::vec((-500i64..2_000, 0i64..1_500), 9),
        moments in (0i64..500, 0i64..700, 0i64..2_000),
    ) {
        let mut spans = hop();
        for (span, (start, long)) in spans.iter_mut().zip(times) {
            (span.start_unix_us, span.duration_us) = (start, long);
        }
        let (intended, sent, long) = moments;
        let moments = Moments { intended, sent, decided: intended + long };
        let parts = of(&spans, moments, PerMessage { write_us: 3.0, read_us: 4.0 }).unwrap();
        prop_assert!((parts.values().sum::<f64>() - long as f64).abs() < 1e-6, "{parts:?}");
        prop_assert!(parts.values().all(|us| *us >= 0.0), "{parts:?}");
    }
}
