//! The benchmarks of a busy machine and of recovery, in their shortest form. Their figures fit the schemas and the
//! tables, for any values.

use std::time::Duration;

use anyhow::{Result, ensure};
use experiments::bench::{BusyOptions, RecoveryOptions, busy, recovery};
use serde_json::{Value, json};
use tests::{Driver, Stage};

use crate::docs;

pub async fn of_a_busy_machine_is_as_described(stage: &Stage) -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let options = BusyOptions {
        drivers: vec![Driver::Local, Driver::Orchestrated],
        duration: Duration::from_secs(5),
        rate_per_s: 20.0,
        loops_per_core: 2,
        seed: 1,
        infra: servers::ServerOptions::default(),
    };
    let found = busy(stage.guard().await?, folder.path(), &options).await?;
    let table = found.table().to_string();
    let found = serde_json::to_value(found)?;
    docs::fits(&found, "bench-busy.schema.json")?;
    let shops = found["shops"].as_array().cloned().unwrap_or_default();
    let proxies: Vec<&Value> = shops.iter().map(|shop| &shop["proxies"]).collect();
    ensure!(proxies == [&json!(false), &json!(false), &json!(true), &json!(true)], "{found}");
    let met = |shop: &&Value| {
        shop["served"].as_f64() >= found["goal_served"].as_f64()
            && shop["decided_p99_ms"].as_f64().is_some_and(|p99| Some(p99) <= found["goal_p99_ms"].as_f64())
            && shop["taken_out_alive"] == 0
    };
    for shop in &shops {
        ensure!(shop["wanted"].as_u64() > Some(0), "{shop}");
        ensure!(shop["taken_out_alive"] == 0, "an instance that lives was taken out: {shop}");
        ensure!(shop["served"].as_f64() > Some(0.0) && shop["decided_p50_ms"].is_f64(), "{shop}");
    }
    verdicts_are_told(&table, shops.iter().filter(met).count(), shops.len())
}

pub async fn of_recovery_is_as_described(stage: &Stage) -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let options = RecoveryOptions { drivers: vec![Driver::Orchestrated], times: 1, seed: 1, yes: false };
    let found = recovery(stage.guard().await?, folder.path(), &options).await?;
    let table = found.table().to_string();
    let found = serde_json::to_value(found)?;
    docs::fits(&found, "bench-recovery.schema.json")?;
    let shops = found["shops"].as_array().cloned().unwrap_or_default();
    let broken: Vec<&Value> = shops.iter().map(|shop| &shop["broken"]).collect();
    ensure!(broken == ["broker", "database", "table", "binding"], "{found}");
    let others: Vec<bool> = shops.iter().map(|shop| shop["others_max_s"].is_f64()).collect();
    ensure!(others == [false, false, true, true], "{found}");
    // Ten times the goals. It could also be a hang that ends with a time-out.
    for shop in &shops {
        ensure!(shop["max_s"].as_f64() < Some(50.0), "it does not go on by itself: {shop}");
        ensure!(shop["others_max_s"].as_f64() < Some(20.0), "others wait for what they do not need: {shop}");
    }
    ensure!(shops.iter().all(|shop| shop["took_s"].as_array().map(Vec::len) == Some(1)), "{found}");
    let met = |shop: &&Value| {
        shop["max_s"].as_f64() <= found["goal_s"].as_f64()
            && shop["others_max_s"].as_f64() <= found["goal_others_s"].as_f64()
    };
    verdicts_are_told(&table, shops.iter().filter(met).count(), shops.len())
}

/// Checks that the table shows for each shop whether its figures met the goal.
fn verdicts_are_told(table: &str, met: usize, all: usize) -> Result<Option<String>> {
    let told = (table.matches("✓ met").count(), table.matches("✗ missed").count());
    ensure!(told == (met, all - met), "{met} of {all} met the goal:\n{table}");
    Ok(None)
}
