//! Messages that somebody else sends, or that an older version left.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::json;
use tests::{Driver, Stage};
use uuid::Uuid;

use super::{Probe, relay_lost, world};

/// More than fits into a frame of 131,064 bytes.
const LARGER_THAN_A_FRAME: usize = 200_000;

/// The reason of a dead letter quotes the message. It is a header, and headers have to fit into one frame.
/// Otherwise the broker closes the relay's connection again and again.
pub async fn foreign_text_of_any_size_is_set_aside(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Orchestrated, infrastructure).await?;
    let probe = Probe::new(&world).await?;
    let long = "A".repeat(LARGER_THAN_A_FRAME);
    let bodies = [
        json!({ "traceparent": long }),
        json!({ "type": long, "traceparent": "x" }),
        json!({ "specversion": long, "id": Uuid::new_v4(), "source": "/x", "subject": Uuid::new_v4(),
                "time": "2026-01-01T00:00:00Z",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "type": "inventory.release-stock.v1", "data": { "order_id": Uuid::new_v4() } }),
        json!({ "id": long }),
        json!("가".repeat(LARGER_THAN_A_FRAME)),
        json!([{ "traceparent": long }]),
    ];
    for body in bodies {
        let mut headers = FieldTable::default();
        headers.insert("x-attempts".into(), AMQPValue::LongLongInt(i64::MAX));
        headers.insert("x-delivery-count".into(), AMQPValue::LongLongInt(i64::MAX));
        headers.insert("x-first-death-reason".into(), AMQPValue::LongString("A".repeat(60_000).into()));
        let properties =
            BasicProperties::default().with_headers(headers).with_content_encoding("gzip".into());
        probe.publish("inventory", body.to_string().as_bytes(), properties).await?;
        let (reason, raw) = probe.dead_letter("inventory").await?;
        ensure!((10..2000).contains(&reason.len()), "a reason of {} bytes", reason.len());
        let whole = body.get(0).unwrap_or(&body).to_string();
        ensure!(raw == whole.as_bytes(), "the dead letter is {} bytes, not {}", raw.len(), whole.len());
        world.still_works().await.context("after a dead letter")?;
    }
    ensure!(relay_lost(&world, "inventory").await? == 0, "the relay of the inventory lost its connection");
    // A row from an older version, which did not bound the text.
    let mut database = AsyncPgConnection::establish(&world.databases.inventory).await?;
    let row = format!(
        "INSERT INTO chassis.outbox (message_id, destination, queue, headers, body)
         VALUES (gen_random_uuid(), '{}', true, jsonb_build_object('x-reason', repeat('A', 200000)), 'x')",
        probe.queue("inventory.dead")
    );
    database.batch_execute(&row).await?;
    let (reason, _) = probe.dead_letter("inventory").await?;
    ensure!(reason.len() < 2000, "a reason of {} bytes", reason.len());
    // A problem quotes the client's request, and is bounded as well.
    let problem = world.get(&format!("/orders?customer={}", "%20".repeat(2000))).await?;
    ensure!(problem.text.len() < 4000, "a problem of {} bytes", problem.text.len());
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}
