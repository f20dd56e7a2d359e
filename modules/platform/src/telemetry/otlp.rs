//! OTLP in its JSON encoding, as sent to a collector.
//!
//! Source: OpenTelemetry Protocol 1.x, *JSON Protobuf Encoding*. Names are in camelCase, ids are hexadecimal,
//! enumerations are numbers, and 64-bit numbers are strings, because JavaScript would round them.

use serde_json::{Value as Json, json};

use super::attributes::{Kind, Value};
use super::span::Record;

/// Span flags: sampled; whether the parent is remote is known; the parent is remote.
const SAMPLED: u32 = 0x001;
const REMOTE_IS_KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;

/// The status code of a failed span.
const ERROR: u32 = 2;

/// An `ExportTraceServiceRequest` with spans of one process.
pub(super) fn request(service: &str, instance: &str, spans: &[Record]) -> Json {
    let spans: Vec<Json> = spans.iter().map(span).collect();
    let resource = [text("service.name", service), text("service.instance.id", instance)];
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "cleave" }, "spans": spans }],
    }]})
}

fn span(span: &Record) -> Json {
    let (trace, id) = span.context.ids();
    let start = span.start_unix_us.max(0) as u64;
    let remote = if matches!(span.kind, Kind::Server | Kind::Consumer) { REMOTE } else { 0 };
    let mut told = json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{id:016x}"),
        "flags": SAMPLED | REMOTE_IS_KNOWN | remote,
        "name": span.name.to_string(),
        "kind": kind(span.kind),
        "startTimeUnixNano": nanoseconds(start),
        "endTimeUnixNano": nanoseconds(start.saturating_add(span.duration_us)),
        "attributes": attributes(span),
    });
    if let Some(parent) = span.parent {
        told["parentSpanId"] = format!("{parent:016x}").into();
    }
    if span.failed {
        told["status"] = json!({ "code": ERROR });
    }
    told
}

fn kind(kind: Kind) -> u32 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}

fn nanoseconds(microseconds: u64) -> String {
    microseconds.saturating_mul(1000).to_string()
}

fn attributes(span: &Record) -> Vec<Json> {
    let order = span.order.map(|order| text("cleave.order.id", &order.to_string()));
    let fixed = span.fixed.iter().map(|(key, value)| text(key, value));
    let own = span.own.iter().map(|(key, value)| match value {
        Value::Text(words) => text(key, words),
        Value::Id(id) => text(key, &id.to_string()),
        Value::Number(number) => json!({ "key": key, "value": { "intValue": number.to_string() } }),
        Value::Flag(flag) => json!({ "key": key, "value": { "boolValue": flag } }),
    });
    order.into_iter().chain(fixed).chain(own).collect()
}

fn text(key: &str, value: &str) -> Json {
    json!({ "key": key, "value": { "stringValue": value } })
}
