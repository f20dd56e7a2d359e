//! Export to a collector: OTLP over HTTP, as JSON.
//!
//! The ring is the buffer. Spans that were not sent yet are sent in batches in the background. While the collector is
//! unreachable the oldest spans are dropped, and no request waits for it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use serde_json::Value as Json;
use tokio::sync::Mutex;

use super::options::Collector;
use super::ring::Wanted;
use super::{Recorder, otlp};

/// The maximum number of spans per request.
const BATCH: usize = 512;

/// How often to check for new spans.
const LOOK: Duration = Duration::from_millis(500);

/// The pause after the collector failed.
const PAUSE: Duration = Duration::from_secs(2);

/// The time limit for one request.
const LIMIT: Duration = Duration::from_secs(3);

/// How long the remaining spans may delay the end of the process.
const LAST: Duration = Duration::from_secs(2);

/// The collector, and which spans it already has.
pub(super) struct Export {
    client: Client,
    url: Url,
    /// The number of the last span that was sent.
    sent: Mutex<u64>,
}

impl Export {
    /// Creates the HTTP client. Sends nothing yet.
    pub fn new(Collector { url, headers }: Collector) -> anyhow::Result<Export> {
        let client = Client::builder().no_proxy().timeout(LIMIT).pool_idle_timeout(crate::idle::CLIENT);
        Ok(Export { client: client.default_headers(headers).build()?, url, sent: Mutex::new(0) })
    }

    /// Sends all spans that were not sent yet.
    async fn send(&self, recorder: &Recorder) -> Result<(), String> {
        let mut sent = self.sent.lock().await;
        loop {
            let (found, dropped) = {
                let ring = recorder.ring.lock();
                (ring.find(&Wanted { after: *sent, ..Wanted::default() }, BATCH), ring.dropped())
            };
            if dropped > *sent {
                tracing::warn!(spans = dropped - *sent, "spans were dropped before they could be exported");
            }
            if found.spans.is_empty() {
                return Ok(());
            }
            self.post(&otlp::request(recorder.service, &recorder.instance, &found.spans)).await?;
            *sent = found.next;
        }
    }

    /// Sends one request. If the collector is unreachable or busy, the same spans are sent again later. Spans that it
    /// rejects are dropped, because it would reject them again (OTLP, *Failures*).
    async fn post(&self, request: &Json) -> Result<(), String> {
        let answer = self.client.post(self.url.clone()).json(request).send().await;
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        if is_retryable(status) {
            return Err(format!("it responded {status}"));
        }
        let told = answer.json().await.unwrap_or(Json::Null);
        let (rejected, why) =
            (&told["partialSuccess"]["rejectedSpans"], &told["partialSuccess"]["errorMessage"]);
        if !status.is_success() {
            let why = &told["message"];
            tracing::warn!(%status, %why, "the span collector rejected spans; they are dropped");
        } else if !matches!(rejected.as_str(), None | Some("0")) {
            tracing::warn!(%rejected, %why, "the span collector accepted only some of the spans");
        }
        Ok(())
    }
}

fn is_retryable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// Sends spans for as long as the process runs.
pub(super) async fn run(recorder: Arc<Recorder>) {
    let Some(export) = &recorder.export else { return };
    let mut away = false;
    loop {
        match export.send(&recorder).await {
            Ok(()) => {
                if std::mem::take(&mut away) {
                    tracing::info!("the span collector is reachable again");
                }
                tokio::time::sleep(LOOK).await;
            }
            Err(error) => {
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(
                        error,
                        "the span collector is unreachable; the most recent spans are kept for it"
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Sends the remaining spans before the process ends.
pub(super) async fn finish(recorder: &Recorder) {
    let Some(export) = &recorder.export else { return };
    if !matches!(tokio::time::timeout(LAST, export.send(recorder)).await, Ok(Ok(()))) {
        tracing::warn!("the last spans did not reach the collector");
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
    use reqwest::header::HeaderMap;
    use serde_json::json;
    use tokio::sync::mpsc;

    use super::super::Telemetry;
    use super::super::attributes::Kind;
    use super::*;

    /// A collector that passes every request on to the test and responds with this status.
    fn collector(status: StatusCode) -> (u16, mpsc::UnboundedReceiver<Json>) {
        let (sent, got) = mpsc::unbounded_channel();
        let take = move |request: HttpRequest, body: web::Bytes| {
            let sent = sent.clone();
            async move {
                assert_eq!(request.headers().get("content-type").unwrap(), "application/json");
                assert_eq!(request.headers().get("api-key").unwrap(), "ours");
                sent.send(serde_json::from_slice(&body).unwrap()).unwrap();
                HttpResponse::build(status.as_u16().try_into().unwrap()).finish()
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
        let headers = HeaderMap::from_iter([("api-key".parse().unwrap(), "ours".parse().unwrap())]);
        let export = Export::new(Collector { url, headers }).unwrap();
        Arc::new(Recorder::new("orders", "orders-2", Some(export)))
    }

    #[tokio::test]
    async fn a_collector_gets_every_span_once_with_its_parent_and_its_attributes() {
        let (port, mut got) = collector(StatusCode::OK);
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
        assert!(got.try_recv().is_err(), "spans that were sent are not sent again");
        let told = &request["resourceSpans"][0];
        let resource = &told["resource"]["attributes"];
        assert_eq!(value(resource, "service.name"), json!({ "stringValue": "orders" }));
        assert_eq!(value(resource, "service.instance.id"), json!({ "stringValue": "orders-2" }));
        let spans = told["scopeSpans"][0]["spans"].as_array().unwrap();
        let [inner, outer] = &spans[..] else { panic!("two spans, not {spans:?}") };
        assert_eq!(outer["name"], "process inventory.reserve-stock");
        assert_eq!((&outer["kind"], &inner["kind"]), (&json!(5), &json!(1)));
        assert_eq!(outer["traceId"], format!("{trace:032x}"));
        assert_eq!(inner["parentSpanId"], format!("{outer_id:016x}"));
        assert!(outer.get("parentSpanId").is_none() && outer.get("status").is_none(), "{outer}");
        assert_eq!(inner["status"]["code"], 2);
        let time = |span: &Json, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time(outer, "startTimeUnixNano") > 1_600_000_000_000_000_000, "nanoseconds since 1970");
        assert!(time(inner, "endTimeUnixNano") <= time(outer, "endTimeUnixNano"));
        assert_eq!(value(&outer["attributes"], "queue.wait_us"), json!({ "intValue": "7" }));
        assert_eq!(
            value(&outer["attributes"], "cleave.order.id"),
            json!({ "stringValue": order.to_string() })
        );
    }

    fn value(attributes: &Json, key: &str) -> Json {
        let found = attributes.as_array().unwrap().iter().find(|pair| pair["key"] == key);
        found.unwrap_or_else(|| panic!("{key} in {attributes}"))["value"].clone()
    }

    #[tokio::test]
    async fn what_a_collector_refuses_is_dropped_and_what_it_is_too_busy_for_is_sent_again() {
        for (status, times) in [(StatusCode::BAD_REQUEST, 1), (StatusCode::SERVICE_UNAVAILABLE, 2)] {
            let (port, mut got) = collector(status);
            let recorder = recorder(port);
            Telemetry(Some(recorder.clone())).span(None, Kind::Server, "request").end();
            finish(&recorder).await;
            finish(&recorder).await;
            let sent = std::iter::from_fn(|| got.try_recv().ok()).count();
            assert_eq!(sent, times, "{status}");
        }
    }

    #[tokio::test]
    async fn an_unreachable_collector_delays_nothing() {
        // A port that was just released has no listener.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let recorder = recorder(port);
        let telemetry = Telemetry(Some(recorder.clone()));
        for _ in 0..50_000 {
            telemetry.span(None, Kind::Server, ("GET", "/products")).end();
        }
        let done = tokio::time::timeout(15 * LAST, finish(&recorder)).await;
        assert!(done.is_ok(), "it is still trying to reach an unreachable collector");
        let ring = recorder.ring.lock();
        assert_eq!(
            ring.find(&Wanted::default(), usize::MAX).spans.len(),
            20_000,
            "the most recent are kept for it"
        );
    }
}
