//! Telemetry: the spans of one order are one tree, from the request to the last commit, whoever did the work.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use tests::{Body, Driver, World, eventually};
use uuid::Uuid;

use crate::api::order;

/// What a span is called, and what it is in, as far as a tree goes.
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

/// The spans that all processes of a shop have of an order.
async fn spans_of(world: &World, query: &str) -> Result<Vec<Span>> {
    let shop = world.shop().await;
    let mut spans = Vec::new();
    for (name, _) in shop.processes() {
        let url = format!("{}/telemetry/spans?{query}", shop.address_of(name)?);
        let told = reqwest::get(url).await?.error_for_status()?.json::<Value>().await?;
        ensure!(told["service"] == name && told["instance"] == name, "{told}");
        for span in told["spans"].as_array().context("spans are a list")? {
            spans.push(Span::read(name, span)?);
        }
    }
    Ok(spans)
}

/// The span of a client, which nobody of ours records.
const CLIENT: &str = "00f067aa0ba902b7";

/// The spans of an order, once its tree is whole and the same whether it is asked for by the order or by its trace.
async fn finished_tree(world: &World, id: &str, trace: &str, wanted: &[(&str, usize)]) -> Result<Vec<Span>> {
    let mut last = String::new();
    let outcome = eventually("the trace is whole", async || {
        let mut spans = spans_of(world, &format!("order={id}")).await?;
        let by_client = |span: &&mut Span| span.parent.as_deref() == Some(CLIENT);
        spans.iter_mut().filter(by_client).for_each(|span| span.parent = None);
        let mut found = check(&spans, wanted);
        let by_trace = spans_of(world, &format!("trace={trace}")).await?.len();
        if by_trace != spans.len() {
            found = found.and(Err(anyhow!("{by_trace} by the trace, and {} by the order", spans.len())));
        }
        last = found.as_ref().err().map_or(String::new(), |error| format!("{error:#}"));
        Ok(found.is_ok().then_some(spans))
    });
    outcome.await.with_context(|| last)
}

/// One trace, one root, no orphan, no id twice, children within their parents' processes in time, and so many of each name.
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
        let parent = by_id.get(parent.as_str()).with_context(|| format!("{span:?} is an orphan"))?;
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
        ensure!(found == *times, "{name} is there {found} times instead of {times}: {}", names(spans));
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
    let (sku, customer) = (world.product(5, 1).await?, world.customer(5).await?);
    let trace = Uuid::new_v4().simple().to_string();
    let client = format!("00-{trace}-{CLIENT}-01");
    let key = Uuid::new_v4().to_string();
    let body = Body::Json(order(&customer, "seoul", &[(&sku, 1, 5)]));
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
        // The gateway's two, and the service's.
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
        ensure!(span.trace == trace, "the client's trace is not carried on: {span:?}");
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
