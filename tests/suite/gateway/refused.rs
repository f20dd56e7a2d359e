//! Requests whose values the database refuses, again and again: each is told so, and no service is blamed.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use serde_json::json;
use tests::{Body, Driver, Goods, Line, Stage, World, order};
use uuid::Uuid;

use crate::edge::{AGAIN_AND_AGAIN, no_service_is_blamed};

pub async fn values_that_are_refused_are_no_failure(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let monolith = stage.new_world_behind_gateway(Driver::Local, infrastructure).await?;
    refused_for_their_values(&monolith).await.context("monolith")?;
    stage.close(monolith, infrastructure, Expected::default()).await?;
    let split = stage.new_world(Driver::Orchestrated, infrastructure).await?;
    refused_for_their_values(&split).await.context("services")?;
    stage.close(split, infrastructure, Expected::default()).await?;
    Ok(None)
}

async fn refused_for_their_values(world: &World) -> Result<()> {
    let goods = world.product(Goods { price: 666, pieces: 5 }).await?;
    let (empty, customer) =
        (world.product(Goods { price: 1, pieces: 0 }).await?, world.customer(10_000).await?);
    for (database, table, rule) in [
        (&world.databases.catalog, "catalog.products", "price <> 13"),
        (&world.databases.inventory, "inventory.stock", "on_hand <> 13"),
        (&world.databases.payments, "payments.wallets", "balance <> 13"),
        (&world.databases.orders, "orders.orders", "total <> 666"),
    ] {
        let mut connection = AsyncPgConnection::establish(database).await?;
        connection
            .batch_execute(&format!("ALTER TABLE {table} ADD CONSTRAINT refuses CHECK ({rule})"))
            .await?;
    }
    let poor = format!("customer-{}", Uuid::new_v4().simple());
    let body = order(&customer, "seoul", &[Line { sku: &goods, pieces: 1, price: 666 }]);
    for _ in 0..AGAIN_AND_AGAIN {
        let id = Uuid::new_v4();
        let product = json!([{ "sku": empty, "name": "x", "price": 13 }]);
        let receipt = json!({ "receipt_id": id, "lines": [{ "sku": empty, "quantity": 13 }] });
        let deposit = json!([{ "deposit_id": id, "customer_id": poor, "amount": 13 }]);
        for (method, path, body) in [
            ("PUT", "/products", product),
            ("POST", "/stock/receipts", receipt),
            ("POST", "/wallets/deposits", deposit),
        ] {
            let answer = world.send(method, path, &[], Body::Json(body)).await?;
            answer.is_problem(422, "not_possible").context(path)?;
        }
        world.order(&id.to_string(), &body).await?.is_problem(422, "not_possible").context("/orders")?;
    }
    no_service_is_blamed(world).await?;
    ensure!(world.on_hand(&goods).await? == 5, "something was reserved");
    world.still_works().await
}
