//! Telemetry: the spans of one order form one tree, from the request to the last commit, across all
//! processes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, ensure};
use audit::Expected;
use serde_json::Value;
use tests::{Body, Driver, Stage, World, eventually};
use uuid::Uuid;

use tests::{Goods, Line, order};

/// The name of a span and its parent.
#[derive(Debug, Clone)]
struct Span {
    process: String,
    trace: String,
    id: String,
    parent: Option<String>,
    name: String,
    kind: String,
    status: String,
    start_us: i64,
    end_us: i64,
    attributes: Value,
}

impl Span {
    fn read(process: &str, span: &Value) -> Result<Span> {
        let text =
            |key: &str| span[key].as_str().map(str::to_owned).with_context(|| format!("{key} in {span}"));
        let number = |key: &str| span[key].as_i64().with_context(|| format!("{key} in {span}"));
        let start_us = number("start_unix_us")?;
        Ok(Span {
            process: process.to_owned(),
            trace: text("trace_id")?,
            id: text("span_id")?,
            parent: span["parent_id"].as_str().map(str::to_owned),
            name: text("name")?,
            kind: text("kind")?,
            status: text("status")?,
            start_us,
            end_us: start_us + number("duration_us")?,
            attributes: span["attributes"].clone(),
        })
    }
}

/// The spans of an order from all processes of a shop.
async fn spans_of(world: &World, query: &str) -> Result<Vec<Span>> {
    let shop = world.shop().await;
    let mut spans = Vec::new();
    for (name, _) in shop.processes() {
        let url = format!("{}/telemetry/spans?{query}", shop.address_of(name)?);
        let told = reqwest::get(url).await?.error_for_status()?.json::<Value>().await?;
        ensure!(told["service"] == shop.service_of(name)? && told["instance"] == name, "{told}");
        for span in told["spans"].as_array().context("spans are a list")? {
            spans.push(Span::read(name, span)?);
        }
    }
    Ok(spans)
}

/// The client's span. Our processes do not record it.
const CLIENT: &str = "00f067aa0ba902b7";

/// The spans of an order, once the tree is complete and the same by order and by trace.
async fn finished_tree(world: &World, id: &str, trace: &str, wanted: &[(&str, usize)]) -> Result<Vec<Span>> {
    let mut last = String::new();
    let outcome = eventually("the trace is whole", async || {
        let mut spans = spans_of(world, &format!("order={id}")).await?;
        let by_client = |span: &&mut Span| span.parent.as_deref() == Some(CLIENT);
        spans.iter_mut().filter(by_client).for_each(|span| span.parent = None);
        let mut found = check(&spans, wanted);
        let by_trace = spans_of(world, &format!("trace={trace}")).await?.len();
        if by_trace != spans.len() {
            found =
                found.and(Err(anyhow!("{by_trace} spans by the trace, but {} by the order", spans.len())));
        }
        last = found.as_ref().err().map_or(String::new(), |error| format!("{error:#}"));
        Ok(found.is_ok().then_some(spans))
    });
    outcome.await.with_context(|| last)
}

/// Checks that there is one trace and one root, that every parent exists and no id appears twice, that
/// children are within their parents in time if both are from one process, and that each name appears this
/// often.
fn check(spans: &[Span], wanted: &[(&str, usize)]) -> Result<()> {
    ensure!(!spans.is_empty(), "no evidence: there are no spans");
    let traces: BTreeSet<&str> = spans.iter().map(|span| span.trace.as_str()).collect();
    ensure!(traces.len() == 1, "{} traces instead of one: {}", traces.len(), names(spans));
    let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    ensure!(by_id.len() == spans.len(), "two spans have one id: {}", names(spans));
    let mut roots = 0;
    for span in spans {
        let Some(parent) = &span.parent else {
            roots += 1;
            continue;
        };
        let parent = by_id.get(parent.as_str()).with_context(|| format!("{span:?} has an unknown parent"))?;
        if parent.process == span.process && span.kind != "producer" && span.kind != "consumer" {
            let inside = parent.start_us <= span.start_us + 1000 && span.end_us <= parent.end_us + 1000;
            ensure!(inside, "{span:?} is not within {parent:?}");
        }
    }
    ensure!(roots == 1, "{roots} roots instead of one: {}", names(spans));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    spans.iter().for_each(|span| *counts.entry(span.name.as_str()).or_default() += 1);
    for (name, times) in wanted {
        let found = counts.get(name).copied().unwrap_or(0);
        ensure!(found == *times, "{name} appears {found} times instead of {times}: {}", names(spans));
    }
    Ok(())
}

fn names(spans: &[Span]) -> String {
    let names: Vec<String> =
        spans.iter().map(|span| format!("{}: {} ({})", span.process, span.name, span.kind)).collect();
    names.join(", ")
}

/// The steps of every checkout.
const STEPS: [&str; 6] = [
    "orders.place-order",
    "catalog.honour-prices",
    "inventory.reserve-stock",
    "payments.capture-payment",
    "shipping.schedule-shipment",
    "orders.confirm-order",
];

pub async fn an_order_is_one_trace(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 5, pieces: 1 }).await?, world.customer(5).await?);
    let trace = Uuid::new_v4().simple().to_string();
    let client = format!("00-{trace}-{CLIENT}-01");
    let key = Uuid::new_v4().to_string();
    let body = Body::Json(order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }]));
    let headers = [("idempotency-key", key.as_str()), ("traceparent", client.as_str())];
    let placed = world.send("POST", "/orders", &headers, body).await?;
    let decided = world.decision(placed.header("location")).await?;
    ensure!(decided["status"] == "confirmed", "{decided}");
    let id = decided["order_id"].as_str().context("an order has an id")?;

    let mut wanted: Vec<(&str, usize)> = match world.driver {
        Driver::Tcc => vec![("orders.place-order", 1), ("orders.confirm-order", 1)],
        _ => STEPS.map(|step| (step, 1)).to_vec(),
    };
    match world.driver {
        Driver::Local => wanted.extend([("POST /orders", 1), ("transaction", 1), ("commit", 1)]),
        Driver::TwoPhase => {
            wanted.extend([
                ("POST /orders", 1),
                ("transaction", 1),
                ("prepare", 1),
                ("decide", 1),
                ("commit", 1),
            ]);
        }
        // Two of the gateway, and one of the service.
        _ => wanted.push(("POST /orders", 3)),
    }
    if world.driver == Driver::Orchestrated {
        for sent in ["publish catalog.honour-prices", "publish shipping.shipment-scheduled"] {
            wanted.push((sent, 1));
        }
    }
    if world.driver == Driver::Choreographed {
        wanted.extend([("publish orders.order-placed", 1), ("publish inventory.stock-reserved", 1)]);
    }
    let spans = finished_tree(world, id, &trace, &wanted).await?;
    for span in &spans {
        ensure!(span.trace == trace, "the client's trace was not continued: {span:?}");
        ensure!(span.status == "ok", "{span:?}");
        ensure!(span.attributes["cleave.order.id"] == id, "{span:?}");
    }
    for span in spans.iter().filter(|span| span.kind == "consumer") {
        ensure!(span.attributes["queue.wait_us"].as_i64().is_some_and(|wait| wait >= 0), "{span:?}");
        ensure!(span.attributes["messaging.system"] == "rabbitmq", "{span:?}");
    }
    for span in spans.iter().filter(|span| span.kind == "producer") {
        ensure!(span.attributes["outbox.wait_us"].as_i64().is_some_and(|wait| wait >= 0), "{span:?}");
    }
    Ok(())
}

/// Invalid values of `traceparent` that a client may send.
const GARBAGE: [&str; 5] = [
    "x",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-and-more",
    "\u{fc}\u{df}",
];

pub async fn garbage_in_the_header_begins_a_new_trace(world: &World) -> Result<()> {
    // Short enough for the limits on a request. A longer one is refused before it has a trace.
    let long = "4".repeat(5_000);
    for garbage in GARBAGE.into_iter().chain([long.as_str()]) {
        let name = garbage.get(..20).unwrap_or(garbage);
        let (sku, customer) = (world.product(Goods { price: 5, pieces: 1 }).await?, world.customer(5).await?);
        let key = Uuid::new_v4().to_string();
        let body = Body::Json(order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }]));
        let headers = [("idempotency-key", key.as_str()), ("traceparent", garbage)];
        let placed = world.send("POST", "/orders", &headers, body).await?;
        let decided = world.decision(placed.header("location")).await.context(name.to_owned())?;
        let id = decided["order_id"].as_str().context("an order has an id")?;
        let (what, mut last) = (format!("{name} started a new trace"), String::new());
        let outcome = eventually(&what, async || {
            let found = check(&spans_of(world, &format!("order={id}")).await?, &[]);
            last = found.as_ref().err().map_or(String::new(), |error| format!("{error:#}"));
            Ok(found.is_ok().then_some(()))
        });
        outcome.await.with_context(|| last)?;
    }
    for query in ["order=1", "trace=1", "after=-1", "limit=x", "who=me", &format!("trace={long}")] {
        let shop = world.shop().await;
        let (door, _) = shop.processes().pop().context("a shop has processes")?;
        let url = format!("{}/telemetry/spans?{query}", shop.address_of(door)?);
        let answer = reqwest::get(url).await?;
        ensure!(answer.status() == 400, "{query}: {}", answer.status());
    }
    Ok(())
}

/// The metrics of a service by name and labels, summed over its instances.
async fn metrics_of(world: &World, service: &str) -> Result<BTreeMap<String, f64>> {
    let shop = world.shop().await;
    let mut sums = BTreeMap::new();
    for instance in shop.instances(service) {
        for (name, value) in metrics_at(&instance, shop.address_of(&instance)?).await? {
            *sums.entry(name).or_default() += value;
        }
    }
    Ok(sums)
}

async fn metrics_at(process: &str, address: &str) -> Result<BTreeMap<String, f64>> {
    let url = format!("{address}/metrics");
    let text = reqwest::get(url).await?.error_for_status()?.text().await?;
    ensure!(text.ends_with("# EOF\n"), "{process}: the text is incomplete: {text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        let plain = name.split('{').next()?;
        let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
        Some((name.to_owned(), value.parse().ok()?)).filter(|_| plain.chars().all(known) && !plain.is_empty())
    };
    lines.map(|line| read(line).with_context(|| format!("{process}: {line:?} is not a metric"))).collect()
}

/// The sum of the metrics whose name starts like this and that have all these labels.
fn sum(metrics: &BTreeMap<String, f64>, name: &str, labels: &[&str]) -> f64 {
    let of_interest =
        |key: &&String| key.split('{').next() == Some(name) && labels.iter().all(|label| key.contains(label));
    metrics.keys().filter(of_interest).map(|key| metrics[key]).sum()
}

pub async fn metrics_move_with_what_is_sent(world: &World) -> Result<()> {
    const ORDERS: i64 = 3;
    let decides = world.driver.service_of("orders");
    let posts = ["http_request_method=\"POST\"", "http_route=\"/orders\""];
    let confirmed = ["outcome=\"confirmed\""];
    let before = metrics_of(world, decides).await?;
    let (sku, customer) =
        (world.product(Goods { price: 5, pieces: ORDERS }).await?, world.customer(5 * ORDERS).await?);
    for _ in 0..ORDERS {
        world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }])).await?;
    }
    // They are counted after the commit, which the client may see a moment earlier.
    let after = eventually("the orders are counted", async || {
        let after = metrics_of(world, decides).await?;
        let more = |name, labels: &[&str]| sum(&after, name, labels) - sum(&before, name, labels);
        let counted = more("http_server_request_duration_seconds_count", &posts) >= ORDERS as f64
            && more("cleave_orders_decided_total", &confirmed) >= ORDERS as f64;
        Ok(counted.then_some(after))
    })
    .await?;
    let positive =
        ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"];
    for name in positive.into_iter().chain(["db_client_connection_count"]) {
        ensure!(sum(&after, name, &[]) > 0.0, "{decides}: no {name} in {after:?}");
    }
    if !world.driver.has_messages() {
        return Ok(());
    }
    let gateway = metrics_of(world, "gateway").await?;
    let calls = sum(
        &gateway,
        "http_client_request_duration_seconds_count",
        &[&format!("service_peer_name=\"{decides}\"")],
    );
    ensure!(calls >= ORDERS as f64, "{calls} calls in {gateway:?}");
    let breakers = gateway.keys().filter(|key| key.starts_with("cleave_breaker_state")).count();
    ensure!(breakers == world.driver.services().len(), "{gateway:?}");
    // A service in every shop with messages.
    let payments = metrics_of(world, "payments").await?;
    for name in ["messaging_process_duration_seconds_count", "messaging_publish_duration_seconds_count"] {
        ensure!(sum(&payments, name, &[]) > 0.0, "no {name} in {payments:?}");
    }
    ensure!(payments.contains_key("cleave_outbox_rows"), "{payments:?}");
    ensure!(
        metrics_of(world, "registry").await?.keys().any(|key| key.contains("/instances")),
        "no heartbeat"
    );
    Ok(())
}

pub async fn off_is_off(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_without_telemetry(Driver::Orchestrated, infrastructure).await?;
    world.still_works().await?;
    {
        let shop = world.shop().await;
        for (name, _) in shop.processes() {
            for path in ["/telemetry/spans", "/metrics"] {
                let answer = reqwest::get(format!("{}{path}", shop.address_of(name)?)).await?;
                ensure!(answer.status() == 404, "{name} responds to {path} with {}", answer.status());
            }
        }
    }
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}
