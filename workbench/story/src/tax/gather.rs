//! The distribution tax of a whole load: collects the spans of all processes, order by order.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use futures_util::future::join_all;
use uuid::Uuid;

use super::{Moments, Part, PerMessage, moments, of};
use crate::last_decided;
use crate::spans::{self, Span};
use crate::tax::Tax;
use topology::ShopHandle;

/// Spans per request.
const PAGE: usize = 5_000;
/// The most pages to read from one process: more than it keeps.
const PAGES: usize = 40;

/// Where the time of these orders went, on average. `None` if the processes record no spans, or if no order has all of
/// its spans. A process keeps only its latest spans, so after a long load the sample is the last orders.
pub async fn of_load(shop: &ShopHandle, orders: &[(Uuid, Moments)]) -> Option<Tax> {
    let mut spans = Vec::new();
    for process in &shop.processes {
        // A process without spans, such as the registry, is not on any order's path.
        spans.extend(all(&process.address).await.unwrap_or_default());
    }
    average(&by_order(spans), orders, PerMessage::measure())
}

/// Where the time of a shop's last orders went, from request to decision, based on spans alone. Orders from every
/// client count.
pub async fn of_last(shop: &ShopHandle, orders: usize) -> Result<Option<Tax>> {
    let ids = last_decided(shop, orders).await?;
    let mut spans = HashMap::new();
    for id in &ids {
        let asked = shop.processes.iter().map(|process| spans_of(&process.address, *id));
        spans.insert(*id, join_all(asked).await.concat());
    }
    let within = |id: &Uuid| Some((*id, moments(&spans[id])?));
    let orders: Vec<_> = ids.iter().filter_map(within).collect();
    Ok(average(&spans, &orders, PerMessage::measure()))
}

/// The spans of an order in one process; empty if it records none.
async fn spans_of(address: &str, order: Uuid) -> Vec<Span> {
    spans::page(address, &format!("order={order}")).await.map(|page| page.spans).unwrap_or_default()
}

/// All spans that a process keeps.
async fn all(address: &str) -> Result<Vec<Span>> {
    let mut all = Vec::new();
    let mut after = 0;
    for _ in 0..PAGES {
        let page = spans::page(address, &format!("after={after}&limit={PAGE}")).await?;
        if page.spans.is_empty() {
            break;
        }
        after = page.next;
        all.extend(page.spans);
    }
    Ok(all)
}

/// The spans of each order: the whole trace in which any span names the order.
fn by_order(spans: Vec<Span>) -> HashMap<Uuid, Vec<Span>> {
    let mut traces: HashMap<String, Vec<Span>> = HashMap::new();
    for span in spans {
        traces.entry(span.trace_id.clone()).or_default().push(span);
    }
    let order = |spans: &[Span]| spans.iter().find_map(|span| span.text("cleave.order.id")?.parse().ok());
    traces.into_values().filter_map(|spans| Some((order(&spans)?, spans))).collect()
}

fn average(
    spans: &HashMap<Uuid, Vec<Span>>,
    orders: &[(Uuid, Moments)],
    messages: PerMessage,
) -> Option<Tax> {
    let mut sum: BTreeMap<Part, f64> = Part::ALL.into_iter().map(|part| (part, 0.0)).collect();
    let (mut known, mut whole) = (0_u64, 0);
    for (order, moments) in orders {
        let Some(parts) = spans.get(order).and_then(|spans| of(spans, *moments, messages)) else { continue };
        known += 1;
        whole += moments.decided - moments.intended;
        for (part, us) in parts {
            *sum.entry(part).or_default() += us;
        }
    }
    let mean_ms = |us: f64| us / known as f64 / 1000.0;
    (known > 0).then(|| Tax {
        orders: known,
        of: orders.len() as u64,
        whole_ms: mean_ms(whole as f64),
        parts_ms: sum.into_iter().map(|(part, us)| (part, mean_ms(us))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::Kind;
    use crate::spans::made_up::span;

    #[test]
    fn an_average_is_of_the_orders_whose_spans_are_there() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut request = span("a", None, "monolith", Kind::Server, "POST /orders", 0, 1_000);
        request.attributes.insert("cleave.order.id".into(), one.to_string().into());
        let step = span("b", Some("a"), "monolith", Kind::Internal, "orders.confirm-order", 100, 200);
        let spans = by_order(vec![request, step]);
        let moments = Moments { intended: 0, sent: 0, decided: 2_000 };
        let tax = average(&spans, &[(one, moments), (other, moments)], PerMessage::FREE).unwrap();
        assert_eq!((tax.orders, tax.of, tax.whole_ms), (1, 2, 2.0));
        assert_eq!((tax.parts_ms[&Part::Handler], tax.parts_ms[&Part::Network]), (1.0, 1.0));
        assert_eq!(average(&spans, &[(other, moments)], PerMessage::FREE), None);
    }
}
