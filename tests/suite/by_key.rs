//! A client that got no response knows only its `Idempotency-Key`. With it, it finds the order.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use tests::{DELIVERIES, Driver, Goods, Line, Stage, World, order};
use uuid::Uuid;

pub async fn an_order_is_found_by_its_key(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 5, pieces: 2 }).await?, world.customer(10).await?);
    let order = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }]);
    // All of these mean something in a URL, and have to arrive as they are.
    let key = format!("{}/?&=#%2F..;+\"", Uuid::new_v4());
    let ask = contracts::path_by_key(&key);
    world.get(&ask).await?.is_problem(404, "not_found")?;
    let placed = world.order(&key, &order).await?;
    let decided = world.decision(placed.header("location")).await?;
    let found = world.get(&ask).await?.expect(200)?.json;
    ensure!(found["order_id"] == decided["order_id"], "{found} instead of {decided}");

    for query in
        ["", "?idempotency_key=", "?idempotency_key=a%20b", "?idempotency_key=a&customer=c", "?key=a"]
    {
        world
            .get(&format!("/orders/by-key{query}"))
            .await?
            .is_problem(400, "invalid_query")
            .context(query)?;
    }
    Ok(())
}

pub async fn an_order_whose_response_is_lost_is_found(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let split = stage.new_world_of_one(Driver::Orchestrated, infrastructure, DELIVERIES).await?;
    lost_and_found(&split, "orders").await.context("services")?;
    stage.close(split, infrastructure, Expected::default()).await?;
    let monolith = stage.new_world_behind_gateway(Driver::Local, infrastructure).await?;
    lost_and_found(&monolith, "monolith").await.context("monolith")?;
    stage.close(monolith, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// The only process that could respond is paused, so the gateway gives up. The order is placed when it continues.
async fn lost_and_found(world: &World, service: &str) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 5, pieces: 2 }).await?, world.customer(10).await?);
    let order = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }]);
    let key = Uuid::new_v4().to_string();
    // So that it does not take as long as the suite otherwise allows.
    world.shop().await.set("gateway.write_timeout_ms", 2000).await?;
    world.shop().await.pause(service).await?;
    let answer = world.order(&key, &order).await?;
    answer.is_problem(504, "outcome_unknown")?;
    ensure!(answer.json["ask"] == contracts::path_by_key(&key), "{}", answer.text);
    world.shop().await.resume(service)?;
    let ask = answer.json["ask"].as_str().context("`ask` is a path")?;
    let found = tests::eventually("the order is found by its key", async || {
        let found = world.get(ask).await?;
        Ok((found.status == 200).then_some(found.json))
    })
    .await?;
    let again = world.order(&key, &order).await?;
    ensure!(again.header("idempotency-replayed") == "true", "{}: {}", again.status, again.text);
    ensure!(again.json["order_id"] == found["order_id"], "{} instead of {found}", again.text);
    let decided = world.decision(again.header("location")).await?;
    ensure!(decided["status"] == "confirmed", "{decided}");
    ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (1, 5), "bought twice");
    Ok(())
}
