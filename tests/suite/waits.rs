//! While a database holds a service up, the log, `status`, `order` and the page name the service, what it waits for and
//! since when.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use reqwest::Client;
use serde_json::{Value, json};
use tests::{Stage, eventually};
use uuid::Uuid;

use crate::control::{run, while_up};
use crate::docs;

pub async fn a_service_that_waits_is_named(stage: &Stage) -> Result<Option<String>> {
    while_up(stage, "up split:orchestrated --yes", named_everywhere).await
}

async fn named_everywhere(cleave: &Path, folder: &Path, state: &Value) -> Result<()> {
    let shop = &state["shops"][0];
    let address = shop["address"].as_str().context("a shop has an address")?;
    let inventory = shop["databases"]["inventory"].as_str().context("inventory has a database")?;
    let client = Client::new();
    let product: Value = client.get(format!("{address}/products/product-0001")).send().await?.json().await?;

    // From here on, inventory cannot read its stock, and each attempt ends at the lock time-out.
    let mut holder = AsyncPgConnection::establish(inventory).await?;
    holder.batch_execute("BEGIN; LOCK TABLE inventory.stock IN ACCESS EXCLUSIVE MODE").await?;
    let order = json!({
        "customer_id": "customer-00001", "region": "seoul",
        "lines": [{ "sku": "product-0001", "quantity": 1, "unit_price": product["price"] }],
    });
    let placed =
        client.post(format!("{address}/orders")).header("idempotency-key", Uuid::new_v4().to_string());
    let placed: Value = placed.json(&order).send().await?.json().await?;
    let id = placed["order_id"].as_str().with_context(|| format!("placed: {placed}"))?;

    let waits = eventually("status says that inventory waits", async || {
        let (_, said) = run(cleave, folder, "status --json").await?;
        let status: Value = serde_json::from_str(&said[said.find('{').context("JSON")?..])?;
        docs::fits(&status, "status.schema.json")?;
        let all = status["shops"][0]["processes"].as_array().context("processes")?.clone();
        let others = all.iter().filter(|process| process["name"] != "inventory");
        ensure!(others.clone().all(|process| process["waits"] == json!([])), "others wait, too: {status}");
        let inventory = all.iter().find(|process| process["name"] == "inventory").context("inventory")?;
        ensure!(inventory["ready"] == true, "a process that waits stays ready: {inventory}");
        Ok(inventory["waits"].get(0).cloned())
    })
    .await?;
    ensure!(waits["part"] == "consumer" && waits["on"] == "database", "{waits}");
    for (command, text) in [
        ("status", "inventory: the consumer has waited for the database since "),
        (&format!("order {id}"), "inventory: the consumer has waited for the database since "),
        ("--lang ko status", "inventory: 컨슈머: "),
        ("logs inventory", "the consumer waits for the database"),
    ] {
        let (_, said) = run(cleave, folder, command).await?;
        ensure!(said.contains(text), "`{command}` lacks {text:?}: {said}");
    }

    holder.batch_execute("ROLLBACK").await?;
    eventually("the order is decided, and nothing waits any more", async || {
        let order: Value = client.get(format!("{address}/orders/{id}")).send().await?.json().await?;
        let (_, said) = run(cleave, folder, "status").await?;
        Ok((order["status"] == "confirmed" && !said.contains("has waited")).then_some(()))
    })
    .await?;
    let (_, said) = run(cleave, folder, "logs inventory").await?;
    ensure!(said.contains("the consumer no longer waits for the database"), "{said}");
    Ok(())
}

/// A monolith has no consumer: its requests wait.
pub async fn a_monolith_that_waits_is_named(stage: &Stage) -> Result<Option<String>> {
    while_up(stage, "up monolith:local --yes", named_in_a_monolith).await
}

async fn named_in_a_monolith(cleave: &Path, folder: &Path, state: &Value) -> Result<()> {
    let shop = &state["shops"][0];
    let address = shop["address"].as_str().context("a shop has an address")?;
    let database = shop["databases"]["inventory"].as_str().context("inventory has a database")?;
    let client = Client::new();
    let product: Value = client.get(format!("{address}/products/product-0001")).send().await?.json().await?;
    let mut holder = AsyncPgConnection::establish(database).await?;
    holder.batch_execute("BEGIN; LOCK TABLE inventory.stock IN ACCESS EXCLUSIVE MODE").await?;
    let order = json!({
        "customer_id": "customer-00001", "region": "seoul",
        "lines": [{ "sku": "product-0001", "quantity": 1, "unit_price": product["price"] }],
    });
    let key = Uuid::new_v4().to_string();
    let place = client.post(format!("{address}/orders")).header("idempotency-key", &key).json(&order);
    let placed = tokio::spawn(place.send());
    eventually("status says that the monolith waits", async || {
        let (_, said) = run(cleave, folder, "status").await?;
        let named = said.contains("monolith: the checkout has waited for the database since ");
        Ok(named.then_some(()))
    })
    .await?;
    let (_, said) = run(cleave, folder, "logs monolith").await?;
    ensure!(said.contains("the checkout waits for the database"), "{said}");
    holder.batch_execute("ROLLBACK").await?;
    // The gateway may have given up by now, and then the response says where to ask.
    placed.await??;
    eventually("the order is decided, and nothing waits any more", async || {
        let found = client.get(format!("{address}{}", contracts::path_by_key(&key))).send().await?;
        let order: Value = found.json().await?;
        let (_, said) = run(cleave, folder, "status").await?;
        Ok((order["status"] == "confirmed" && !said.contains("has waited")).then_some(()))
    })
    .await
}

/// Two instances of a service handle messages side by side, and both are held up. Each is named.
pub async fn each_of_two_instances_is_named(stage: &Stage) -> Result<Option<String>> {
    while_up(stage, "up split:orchestrated --yes", both_named).await
}

async fn both_named(cleave: &Path, folder: &Path, state: &Value) -> Result<()> {
    let shop = &state["shops"][0];
    let address = shop["address"].as_str().context("a shop has an address")?;
    let database = shop["databases"]["inventory"].as_str().context("inventory has a database")?;
    let (code, said) = run(cleave, folder, "scale inventory=2").await?;
    ensure!(code == Some(0), "scale: {said}");
    let client = Client::new();
    let product: Value = client.get(format!("{address}/products/product-0001")).send().await?.json().await?;
    let mut holder = AsyncPgConnection::establish(database).await?;
    holder.batch_execute("BEGIN; LOCK TABLE inventory.stock IN ACCESS EXCLUSIVE MODE").await?;
    let order = json!({
        "customer_id": "customer-00001", "region": "seoul",
        "lines": [{ "sku": "product-0001", "quantity": 1, "unit_price": product["price"] }],
    });
    eventually("status says that both wait", async || {
        // The broker gives the next message to the one that has none.
        let place =
            client.post(format!("{address}/orders")).header("idempotency-key", Uuid::new_v4().to_string());
        place.json(&order).send().await?.error_for_status()?;
        let (_, said) = run(cleave, folder, "status").await?;
        let waits =
            |name: &str| said.contains(&format!("{name}: the consumer has waited for the database since "));
        Ok((waits("inventory") && waits("inventory-2")).then_some(()))
    })
    .await?;
    holder.batch_execute("ROLLBACK").await?;
    eventually("nothing waits any more", async || {
        let (_, said) = run(cleave, folder, "status").await?;
        Ok((!said.contains("has waited")).then_some(()))
    })
    .await
}
