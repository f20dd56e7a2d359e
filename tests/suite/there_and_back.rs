//! A module leaves a real `cleave up monolith` that takes orders, and comes home again.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tests::Stage;

use crate::control::{run, says, while_up};
use crate::docs::fits;

/// One module at a time: no request fails, both sides answer reads in the same way, and the audit holds at each step.
pub async fn a_module_leaves_and_comes_home_under_load(stage: &Stage) -> Result<Option<String>> {
    while_up(stage, "up monolith --rate 30/s --yes", there_and_back).await
}

/// Processes die while a module moves. The move is finished or given up, and nothing is lost or doubled.
pub async fn a_move_survives_the_death_of_processes(stage: &Stage) -> Result<Option<String>> {
    while_up(stage, "up monolith --rate 30/s --proxies --yes", broken_on_the_way).await
}

async fn there_and_back(cleave: &Path, folder: &Path, state: &Value) -> Result<()> {
    let address = state["shops"][0]["address"].as_str().context("a shop has an address")?;
    says(cleave, folder, "extract billing", 2, "catalog, inventory, payments, shipping").await?;
    says(cleave, folder, "extract orders", 2, "runs the checkout").await?;
    says(cleave, folder, "merge payments", 2, "already in the monolith").await?;
    says(cleave, folder, "extract payments --plan", 0, "0 messages now, 2 then").await?;
    let (_, said) = run(cleave, folder, "extract payments --plan --json").await?;
    fits(&serde_json::from_str(&said)?, "move-plan.schema.json").context("the JSON of a plan")?;
    ensure!(order(address).await? == StatusCode::CREATED, "all steps are at home");

    for module in ["payments", "shipping"] {
        let moved = moved(cleave, folder, &format!("extract {module}")).await?;
        ensure!(moved["compared"]["same"].as_u64() > Some(0), "{moved}");
        says(cleave, folder, &format!("extract {module}"), 2, "has already left").await?;
        says(cleave, folder, "audit --live --for 3s", 0, "held").await?;
        ensure!(order(address).await? == StatusCode::ACCEPTED, "a step has left");
    }
    says(cleave, folder, "status", 0, "hybrid:payments/shipping").await?;
    says(cleave, folder, "scale monolith=2", 0, "monolith-").await?;
    for module in ["payments", "shipping"] {
        moved(cleave, folder, &format!("merge {module}")).await?;
        says(cleave, folder, "audit --live --for 3s", 0, "held").await?;
    }
    says(cleave, folder, "status", 0, "monolith:local").await?;
    ensure!(order(address).await? == StatusCode::CREATED, "all steps are at home again");
    // What was left behind does not prevent a second time.
    moved(cleave, folder, "extract payments").await?;
    says(cleave, folder, "audit --live --for 3s", 0, "held").await
}

/// Runs a move under load. No request may have failed.
async fn moved(cleave: &Path, folder: &Path, command: &str) -> Result<Value> {
    let mut tries = 0;
    let said = loop {
        tries += 1;
        let (code, said) = run(cleave, folder, &format!("{command} --json")).await?;
        // On a busy machine a gate may not close in time. Then the move is given up, and the shop goes on.
        let given_up = code == Some(2) && said.contains("goes on as before");
        ensure!(code == Some(0) || (given_up && tries < 3), "{command}: {said}");
        if code == Some(0) {
            break said;
        }
    };
    // What goes to standard error follows.
    let json = &said[said.find('{').context("JSON")?..];
    let done = serde_json::Deserializer::from_str(json).into_iter::<Value>().next().context("JSON")??;
    fits(&done, "move.schema.json").context("the JSON of a move")?;
    ensure!(done["moved"]["compared"]["different"] == 0, "{command}: {done}");
    let served = done["served"].as_object().context("the gateway has figures")?;
    let sum = |field: &str| served.values().filter_map(|asked| asked[field].as_u64()).sum::<u64>();
    ensure!(sum("requests") > 0 && sum("failed") == 0, "{command}: {done}");
    Ok(done["moved"].clone())
}

async fn broken_on_the_way(cleave: &Path, folder: &Path, _state: &Value) -> Result<()> {
    for (command, process) in [
        ("extract payments", "monolith"),
        ("extract payments", "payments"),
        ("merge payments", "payments"),
        ("merge payments", "monolith"),
    ] {
        let kill = format!("fault add kill --process {process}");
        let (moving, killing) = tokio::join!(run(cleave, folder, command), async {
            tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
            run(cleave, folder, &kill).await
        });
        let ((code, said), _) = (moving?, killing?);
        // Given up or done: the shop says where the module is, and both are right.
        ensure!(code == Some(0) || code == Some(2), "{command}: {said}");
        says(cleave, folder, "audit --live --for 3s", 0, "held")
            .await
            .with_context(|| format!("{command}: {said}"))?;
    }
    Ok(())
}

async fn order(address: &str) -> Result<StatusCode> {
    let order = json!({
        "customer_id": "customer-00001", "region": "seoul",
        "lines": [{ "sku": "product-0001", "quantity": 1, "unit_price": price(address).await? }]
    });
    let request = Client::new().post(format!("{address}/orders")).json(&order);
    let answer = request.header("idempotency-key", uuid::Uuid::new_v4().to_string()).send().await?;
    Ok(answer.status())
}

async fn price(address: &str) -> Result<Value> {
    let product: Value = reqwest::get(format!("{address}/products/product-0001")).await?.json().await?;
    Ok(product["price"].clone())
}
