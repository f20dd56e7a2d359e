//! The spans of a round of publishing, with each message's waiting time in the outbox.

use std::time::{Duration, Instant};

use contracts::{OrderId, TraceContext};
use platform::telemetry::{Fixed, Kind, Span, Telemetry};
use serde::Deserialize;
use uuid::Uuid;

use crate::outbox::OutboxRow;

/// The attributes that all publishing spans share.
const PUBLISH: Fixed = &[("messaging.system", "rabbitmq"), ("messaging.operation.name", "publish")];

/// A round of publishing, from reading the rows in the outbox to the broker's confirms.
pub struct Publishing {
    began: Instant,
    /// Row ids with their spans.
    spans: Vec<(i64, Span)>,
}

/// The part of a message that tracing needs. A row that is not one of our messages (a dead letter can be anything) has
/// no span.
#[derive(Deserialize)]
struct Head {
    id: Uuid,
    subject: OrderId,
    traceparent: TraceContext,
}

impl Publishing {
    /// Begins a round for these rows.
    pub fn begin(telemetry: &Telemetry, rows: &[OutboxRow]) -> Publishing {
        let spans = match telemetry.is_on() {
            true => rows.iter().filter_map(|row| Some((row.id, span(telemetry, row)?))).collect(),
            false => Vec::new(),
        };
        Publishing { began: Instant::now(), spans }
    }

    /// The time since the start of the round.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Ends the round. Rows that are not confirmed will be published again.
    pub fn end(self, confirmed: &[i64]) {
        let confirmed: std::collections::HashSet<&i64> = confirmed.iter().collect();
        for (id, mut span) in self.spans {
            if !confirmed.contains(&id) {
                span.step_aside();
                span.failed("not_confirmed");
            }
        }
    }
}

fn span(telemetry: &Telemetry, row: &OutboxRow) -> Option<Span> {
    let head: Head = serde_json::from_slice(&row.body).ok()?;
    let parent = row.parent_span.map(i64::cast_unsigned);
    let mut span =
        telemetry.span_at(head.traceparent, parent, Kind::Producer, ("publish", row.destination.clone()));
    if row.queue {
        // A message to a queue is passed on unchanged. The span id in it belongs to its first publishing.
        span.step_aside();
    }
    let mut span = span.with(PUBLISH);
    span.of(head.subject);
    span.set("messaging.destination.name", row.destination.clone());
    span.set("messaging.message.id", head.id);
    span.set("outbox.wait_us", row.waited_us.max(0));
    Some(span)
}
