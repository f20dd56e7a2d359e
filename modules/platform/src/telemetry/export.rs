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

use super::ring::Wanted;
use super::span::{Kind, Record, Value};
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
