//! Crashes under load: no accepted order is lost, and the invariants hold.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use audit::{Expected, Fault};
use servers::Infrastructure;
use tests::{DELIVERIES, Driver, Load, Mix, Stage, World};
use topology::SERVICES;
use uuid::Uuid;

/// Customers at the same moment.
const CLIENTS: u64 = 8;

/// Orders accepted before and after a crash: enough to have many under way.
const ORDERS: u64 = 60;

fn expected(accepted: Vec<Uuid>, fault: &str) -> Expected {
    Expected {
        accepted: Some(accepted),
        outcomes: Mix::OUTCOMES.map(String::from).to_vec(),
        min_per_outcome: 1,
        faults: vec![Fault { name: fault.into(), fired: true }],
        ..Expected::default()
    }
}

/// Kills a process under load, restarts it, lets the load go on, and audits.
async fn crash(world: &Arc<World>, mix: &Mix, process: &str, known: &mut Vec<Uuid>) -> Result<()> {
    let load = Load::start(world, mix, CLIENTS);
    load.proceed(ORDERS).await?;
    {
        let mut shop = world.shop().await;
        shop.kill(process)?;
        shop.restart(process).await?;
    }
    load.proceed(ORDERS).await?;
    known.extend(load.finish().await?);
    world.audit(expected(known.clone(), &format!("kill -9 of {process}"))).await
}

pub async fn the_monolith(stage: &Stage) -> Result<Option<String>> {
    each(stage, Driver::Local, &["monolith"]).await
}

pub async fn each_process_of_the_split_shop(stage: &Stage) -> Result<Option<String>> {
    each(stage, Driver::Orchestrated, &["inventory", "orders", "payments", "catalog", "shipping", "gateway"])
        .await
}

/// Two instances of a service share its database, queue and outbox. If either is killed, the other finishes
/// its work, without a restart.
pub async fn one_of_two_of_everything(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in [Driver::Orchestrated, Driver::Choreographed, Driver::Tcc] {
        one_of_two(stage, infrastructure, driver).await.with_context(|| driver.to_string())?;
    }
    Ok(None)
}

async fn one_of_two(stage: &Stage, infrastructure: &Infrastructure, driver: Driver) -> Result<()> {
    let world = Arc::new(stage.new_world(driver, infrastructure).await?);
    let mix = Mix::prepare(&world).await?;
    let load = Load::start(&world, &mix, CLIENTS);
    for service in SERVICES {
        load.proceed(ORDERS / 3).await?;
        world.shop().await.kill(service)?;
    }
    load.proceed(ORDERS).await?;
    let accepted = load.finish().await?;
    let world = Arc::into_inner(world).ok_or_else(|| anyhow!("a client still runs"))?;
    stage.close(world, infrastructure, expected(accepted, "kill -9 of one of two")).await
}

async fn each(stage: &Stage, driver: Driver, processes: &[&str]) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = Arc::new(stage.new_world_of_one(driver, infrastructure, DELIVERIES).await?);
    let mix = Mix::prepare(&world).await?;
    let mut known = Vec::new();
    for process in processes {
        crash(&world, &mix, process, &mut known).await.with_context(|| format!("kill -9 of {process}"))?;
    }
    let world = Arc::into_inner(world).ok_or_else(|| anyhow!("a client still runs"))?;
    stage.close(world, infrastructure, expected(known, "kill -9 of every process in turn")).await?;
    Ok(None)
}
