//! Builds the story of one order in one shop.

use std::collections::HashMap;

use anyhow::Result;
use chrono::DateTime;
use uuid::Uuid;

use super::records::OrderRow;
use super::{
    Action, Event, Evidence, Language, OrderOutcome, Story, Wait, Waiting, Witness, advice, causes, database,
    queues, records, spans, traced, waits,
};
use topology::ShopHandle;

/// The lanes, from left to right.
const LANES: [&str; 8] =
    [traced::CLIENT, "gateway", "monolith", "orders", "catalog", "inventory", "payments", "shipping"];

/// The story of an order in one shop; `None` if it does not know it.
pub(super) async fn one(shop: &ShopHandle, id: Uuid) -> Result<Option<Story>> {
    let (records, (spans, heard), queues) =
        tokio::join!(records::read(shop, id), spans::of_order(shop, id), queues::look(shop));
    let Some(order) = records.order.clone() else { return Ok(None) };
    let mut told_by = records.witnesses.clone();
    told_by.extend(heard);
    let queues = queues.unwrap_or_else(|why| {
        let why_not = Some(format!("{why:#}"));
        told_by.push(Witness { name: "broker".into(), of: Evidence::Database, told: 0, why_not });
        HashMap::new()
    });
    let mode = shop.driver.mode();
    let happened = causes::merged(traced::events(&spans, id), database::events(&records, shop.driver));
    let (began, events) = causes::ordered(happened);
    let waits = waits::of(shop, &records, &queues, &told_by).await;
    let lanes = lanes(&events, &waits);
    let actions = advice::of(&waits).into_iter().map(|advice| Action {
        command: advice.command(id),
        says: advice.says(Language::English),
        advice,
    });
    Ok(Some(Story {
        schema: "cleave.story/1".into(),
        order_id: id,
        idempotency_key: order.idempotency_key.clone(),
        mode,
        driver: shop.driver,
        outcome: outcome(&order),
        began_at: DateTime::from_timestamp_micros(began).unwrap_or(order.placed_at),
        decided_us: order.decided_at.map(|decided| decided.timestamp_micros() - began),
        lanes,
        events,
        safe_next_actions: actions.collect(),
        waits_for: waits.into_iter().map(|on| Waiting { says: on.says(Language::English), on }).collect(),
        told_by,
    }))
}

fn outcome(order: &OrderRow) -> OrderOutcome {
    match order.status.as_str() {
        "pending" => OrderOutcome::Pending,
        "confirmed" => OrderOutcome::Confirmed,
        _ => OrderOutcome::Cancelled {
            code: order.refusal_code.clone().unwrap_or_default(),
            detail: order.refusal_detail.clone().unwrap_or_default(),
        },
    }
}

/// The lanes with events, and those that the order waits for. Unknown lanes come last.
fn lanes(events: &[Event], waits: &[Wait]) -> Vec<String> {
    let took_part = events.iter().map(|event| event.lane.as_str());
    let mut lanes: Vec<String> = Vec::new();
    for lane in took_part.chain(waits.iter().filter_map(Wait::service)) {
        if !lanes.iter().any(|known| known == lane) {
            lanes.push(lane.to_owned());
        }
    }
    lanes.sort_by_key(|lane| LANES.iter().position(|known| known == lane).unwrap_or(LANES.len()));
    lanes
}
