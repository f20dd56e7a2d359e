//! The spans of messages that are published together, and how long each has waited in the outbox.

use std::time::{Duration, Instant};

use contracts::{OrderId, TraceContext};
use platform::telemetry::{Fixed, Kind, Span, Telemetry};
use serde::Deserialize;
use uuid::Uuid;

use crate::outbox::OutboxRow;

/// What all of them have in common.
const PUBLISH: Fixed = &[("messaging.system", "rabbitmq"), ("messaging.operation.name", "publish")];

/// Messages on their way to the broker: from their being taken out of the outbox to the confirm.
pub struct Publishing {
    began: Instant,
    /// With the id of the row.
    spans: Vec<(i64, Span)>,
}

/// What a message says of its place in a trace. A row that is not a message of ours (a dead letter may be anything) has
/// none.
#[derive(Deserialize)]
struct Head {
    id: Uuid,
    subject: OrderId,
    traceparent: TraceContext,
}

impl Publishing {
    /// These rows were taken.
    pub fn begin(telemetry: &Telemetry, rows: &[OutboxRow]) -> Publishing {
        let spans = match telemetry.is_on() {
            true => rows.iter().filter_map(|row| Some((row.id, span(telemetry, row)?))).collect(),
            false => Vec::new(),
        };
        Publishing { began: Instant::now(), spans }
    }

    /// The time since then.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The broker has confirmed these. The others will be published again.
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
        // What is sent to one queue is a message as it came. Its own place in the trace is that of its first publishing.
        span.step_aside();
    }
    let mut span = span.with(PUBLISH);
    span.of(head.subject);
    span.set("messaging.destination.name", row.destination.clone());
    span.set("messaging.message.id", head.id);
    span.set("outbox.wait_us", row.waited_us.max(0));
    Some(span)
}
