//! Export to a collector: OTLP over HTTP, as protobuf.
//!
//! The ring is the buffer. Whatever is in it and was not sent is sent in batches, beside all other work; while the
//! collector is away the oldest are forgotten, and nobody waits.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use reqwest::{Client, Url};
use tokio::sync::Mutex;

use super::attributes::{Kind, Value};
use super::ring::Wanted;
use super::span::Record;
use super::{Recorder, locked};

/// The most spans in one request.
const BATCH: usize = 512;

/// How often is looked for spans that are new.
const LOOK: Duration = Duration::from_millis(500);

/// How long a collector that failed is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a collector may take for one request.
const LIMIT: Duration = Duration::from_secs(3);

/// How long the end of a process may be held up by what is left to send.
const LAST: Duration = Duration::from_secs(2);

/// The way to a collector, and how far it was gone.
pub(super) struct Export {
    exporter: SpanExporter,
    /// The number of the last span that was sent.
    sent: Mutex<u64>,
}

impl Export {
    /// An export of this instance's spans.
    pub fn new(traces_url: &Url, service: &'static str, instance: &str) -> anyhow::Result<Export> {
        let client = Client::builder().no_proxy().timeout(LIMIT).pool_idle_timeout(crate::http::CLIENT_IDLE);
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client.build()?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(traces_url.as_str())
            .with_timeout(LIMIT)
            .build()?;
        let instance = KeyValue::new("service.instance.id", instance.to_owned());
        exporter.set_resource(
            &Resource::builder_empty().with_service_name(service).with_attribute(instance).build(),
        );
        Ok(Export { exporter, sent: Mutex::new(0) })
    }

    /// Sends what is there and was not sent.
    async fn send(&self, recorder: &Recorder) -> Result<(), String> {
        let mut sent = self.sent.lock().await;
        loop {
            let (found, dropped) = {
                let ring = locked(&recorder.ring);
                (ring.find(&Wanted { after: *sent, ..Wanted::default() }, BATCH), ring.dropped())
            };
            if dropped > *sent {
                tracing::warn!(spans = dropped - *sent, "spans were forgotten before they could be exported");
            }
            if found.spans.is_empty() {
                return Ok(());
            }
            let batch = found.spans.iter().map(exported).collect();
            self.exporter.export(batch).await.map_err(|error| error.to_string())?;
            *sent = found.next;
        }
    }
}

/// Sends spans for as long as anybody records some.
pub(super) async fn run(recorder: Arc<Recorder>) {
    let Some(export) = &recorder.export else { return };
    let mut away = false;
    loop {
        match export.send(&recorder).await {
            Ok(()) => {
                if std::mem::take(&mut away) {
                    tracing::info!("the collector of spans is back");
                }
                tokio::time::sleep(LOOK).await;
            }
            Err(error) => {
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(error, "the collector of spans is away; the last spans are kept for it");
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Sends what is left before a process ends.
pub(super) async fn finish(recorder: &Recorder) {
    let Some(export) = &recorder.export else { return };
    if !matches!(tokio::time::timeout(LAST, export.send(recorder)).await, Ok(Ok(()))) {
        tracing::warn!("the last spans did not reach their collector");
    }
}

fn exported(span: &Record) -> SpanData {
    let (trace, id) = span.context.ids();
    let start = UNIX_EPOCH + Duration::from_micros(span.start_unix_us.max(0) as u64);
    let order = span.order.map(|order| KeyValue::new("cleave.order.id", order.to_string()));
    let fixed = span.fixed.iter().map(|(key, value)| KeyValue::new(*key, *value));
    let own = span.own.iter().map(|(key, value)| match value {
        Value::Text(Cow::Borrowed(text)) => KeyValue::new(*key, *text),
        Value::Text(Cow::Owned(text)) => KeyValue::new(*key, text.clone()),
        Value::Number(number) => KeyValue::new(*key, *number),
        Value::Flag(flag) => KeyValue::new(*key, *flag),
        Value::Id(id) => KeyValue::new(*key, id.to_string()),
    });
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(trace),
            SpanId::from(id),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: SpanId::from(span.parent.unwrap_or(0)),
        parent_span_is_remote: matches!(span.kind, Kind::Server | Kind::Consumer),
        span_kind: match span.kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        },
        name: span.name.to_string().into(),
        start_time: start,
        end_time: start + Duration::from_micros(span.duration_us),
        attributes: order.into_iter().chain(fixed).chain(own).collect(),
        dropped_attributes_count: 0,
        events: Default::default(),
        links: Default::default(),
        status: if span.failed { Status::error("") } else { Status::Unset },
        instrumentation_scope: InstrumentationScope::builder("cleave").build(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use prost::Message;
    use tokio::sync::mpsc;

    use super::super::Telemetry;
    use super::*;

    /// A collector that takes what is sent to it, and hands it to the test.
    fn collector() -> (u16, mpsc::UnboundedReceiver<ExportTraceServiceRequest>) {
        let (sent, got) = mpsc::unbounded_channel();
        let take = move |request: HttpRequest, body: web::Bytes| {
            let sent = sent.clone();
            async move {
                assert_eq!(request.headers().get("content-type").unwrap(), "application/x-protobuf");
                sent.send(ExportTraceServiceRequest::decode(body).unwrap()).unwrap();
                HttpResponse::Ok().finish()
            }
        };
        let server = HttpServer::new(move || App::new().route("/v1/traces", web::post().to(take.clone())));
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let port = server.addrs()[0].port();
        tokio::spawn(server.run());
        (port, got)
    }

    fn recorder(port: u16) -> Arc<Recorder> {
        let url = format!("http://127.0.0.1:{port}/v1/traces").parse().unwrap();
        let export = Export::new(&url, "orders", "orders-2").unwrap();
        Arc::new(Recorder::new("orders", "orders-2", Some(export)))
    }

    #[actix_web::test]
    async fn a_collector_gets_every_span_once_with_its_parent_and_its_attributes() {
        let (port, mut got) = collector();
        let recorder = recorder(port);
        let telemetry = Telemetry(Some(recorder.clone()));
        let order = contracts::OrderId::new();
        let mut outer = telemetry.span(None, Kind::Consumer, ("process", "inventory.reserve-stock"));
        outer.of(order);
        outer.set("queue.wait_us", 7i64);
        let mut inner = outer.scope().span(Kind::Internal, "inventory.reserve-stock");
        inner.failed("broken");
        let (trace, outer_id) = outer.context().ids();
        inner.end();
        outer.end();
        finish(&recorder).await;
        finish(&recorder).await;

        let request = got.recv().await.unwrap();
        assert!(got.try_recv().is_err(), "what was sent is not sent again");
        let resource = &request.resource_spans[0];
        let names: Vec<_> =
            resource.resource.as_ref().unwrap().attributes.iter().map(|pair| pair.key.as_str()).collect();
        assert!(names.contains(&"service.name") && names.contains(&"service.instance.id"), "{names:?}");
        let spans = &resource.scope_spans[0].spans;
        let [inner, outer] = &spans[..] else { panic!("two spans, not {spans:?}") };
        assert_eq!(outer.name, "process inventory.reserve-stock");
        assert_eq!(outer.trace_id, trace.to_be_bytes());
        assert_eq!(inner.parent_span_id, outer_id.to_be_bytes());
        assert!(outer.parent_span_id.is_empty());
        assert_eq!(inner.status.as_ref().unwrap().code, 2);
        let value = |key: &str| {
            let found = outer.attributes.iter().find(|pair| pair.key == key);
            found.and_then(|pair| pair.value.clone()?.value)
        };
        assert_eq!(value("queue.wait_us"), Some(Any::IntValue(7)));
        assert_eq!(value("cleave.order.id"), Some(Any::StringValue(order.to_string())));
    }

    #[actix_web::test]
    async fn a_collector_that_is_away_keeps_nobody_waiting() {
        // Nobody listens at a port that was just given back.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let recorder = recorder(port);
        let telemetry = Telemetry(Some(recorder.clone()));
        for _ in 0..50_000 {
            telemetry.span(None, Kind::Server, ("GET", "/products")).end();
        }
        let done = tokio::time::timeout(15 * LAST, finish(&recorder)).await;
        assert!(done.is_ok(), "it still tries to reach a collector that is away");
        let ring = locked(&recorder.ring);
        assert_eq!(ring.find(&Wanted::default(), usize::MAX).spans.len(), 20_000, "the last are kept for it");
    }
}
