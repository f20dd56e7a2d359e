//! The endpoints that report telemetry: `GET /telemetry/spans` and `GET /metrics`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use contracts::OrderId;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::attributes::Value;
use super::ring::{Found, Wanted};
use super::span::Record;
use super::{Recorder, Telemetry};
use crate::Problem;

/// How many spans a response contains by default, and at most.
const SPANS: usize = 1000;
const MOST_SPANS: usize = 5000;

impl Telemetry {
    /// Registers the endpoints if telemetry is on. They are for clients on this machine: the gateway forwards neither
    /// and serves its own.
    pub fn routes(&self, app: &mut web::ServiceConfig) {
        if self.is_on() {
            app.app_data(web::Data::new(self.clone()))
                .route("/telemetry/spans", web::get().to(spans))
                .route("/metrics", web::get().to(metrics));
        }
    }
}

/// `?order=UUID`, `?trace=32 HEX`, `?after=NUMBER`, `&limit=N`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    order: Option<OrderId>,
    trace: Option<String>,
    after: Option<u64>,
    limit: Option<usize>,
}

impl Query {
    fn wanted(&self) -> Result<Wanted, Problem> {
        let trace = self.trace.as_deref().map(trace_id).transpose()?;
        Ok(Wanted { order: self.order, trace, after: self.after.unwrap_or(0) })
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(SPANS).clamp(1, MOST_SPANS)
    }
}

fn trace_id(text: &str) -> Result<u128, Problem> {
    let hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(text, 16).ok().filter(|_| hex);
    id.ok_or_else(|| Problem::bad_request("invalid_query", "a trace must be 32 hexadecimal digits"))
}

/// `GET /telemetry/spans`: this process's most recent spans, oldest first.
async fn spans(telemetry: web::Data<Telemetry>, query: web::Query<Query>) -> Result<HttpResponse, Problem> {
    let recorder = telemetry.0.as_ref().expect("there is no route where telemetry is off");
    let (found, dropped) = {
        let ring = recorder.ring.lock();
        (ring.find(&query.wanted()?, query.limit()), ring.dropped())
    };
    Ok(HttpResponse::Ok().json(told(recorder, &found, dropped)))
}

fn told(recorder: &Recorder, found: &Found, dropped: u64) -> Json {
    json!({
        "service": recorder.service,
        "instance": recorder.instance,
        "dropped": dropped,
        "next": found.next,
        "spans": found.spans.iter().map(span).collect::<Vec<_>>(),
    })
}

fn span(span: &Record) -> Json {
    let (trace, id) = span.context.ids();
    json!({
        "trace_id": format!("{trace:032x}"),
        "span_id": format!("{id:016x}"),
        "parent_id": span.parent.map(|parent| format!("{parent:016x}")),
        "name": span.name.to_string(),
        "kind": span.kind.as_str(),
        "start_unix_us": span.start_unix_us,
        "duration_us": span.duration_us,
        "status": if span.failed { "error" } else { "ok" },
        "attributes": attributes(span),
    })
}

fn attributes(span: &Record) -> Map<String, Json> {
    let order = span.order.map(|order| ("cleave.order.id", json!(order)));
    let fixed = span.fixed.iter().map(|(key, value)| (*key, json!(value)));
    let own = span.own.iter().map(|(key, value)| {
        let value = match value {
            Value::Text(text) => json!(text),
            Value::Number(number) => json!(number),
            Value::Flag(flag) => json!(flag),
            Value::Id(id) => json!(id),
        };
        (*key, value)
    });
    order.into_iter().chain(fixed).chain(own).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// `GET /metrics`: counts and durations in the Prometheus text format.
async fn metrics(telemetry: web::Data<Telemetry>) -> Result<HttpResponse, Problem> {
    let recorder = telemetry.0.as_ref().expect("there is no route where telemetry is off");
    recorder.platform.look();
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &recorder.registry.lock())
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok().content_type(content_type).body(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Option<Wanted> {
        web::Query::<Query>::from_query(query).ok()?.wanted().ok()
    }

    #[test]
    fn a_query_says_what_is_wanted_or_is_refused() {
        assert!(read("").is_some_and(|all| all.order.is_none() && all.trace.is_none() && all.after == 0));
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(read(&format!("trace={trace}")).unwrap().trace, u128::from_str_radix(trace, 16).ok());
        assert_eq!(read("after=7&limit=1000000").unwrap().after, 7);
        let order = OrderId::new();
        assert_eq!(read(&format!("order={}", order.0)).unwrap().order, Some(order));
        let long = format!("trace={}", "a".repeat(100_000));
        for bad in
            ["trace=xyz", "trace=+bf92f3577b34da6a3ce929d0e0e4736", &long, "order=1", "after=-1", "who=me"]
        {
            assert!(read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_answer_is_bounded() {
        let limit = |query: &str| web::Query::<Query>::from_query(query).unwrap().limit();
        assert_eq!([limit(""), limit("limit=0"), limit("limit=1000000")], [SPANS, 1, MOST_SPANS]);
    }
}
