//! The servers themselves crash under load: the broker several times, and the database.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use audit::{Expected, Fault};
use futures_util::future::try_join_all;
use tests::{Driver, Load, Mix, Stage, World};
use uuid::Uuid;

/// Customers at the same moment, in each shop.
const CLIENTS: u64 = 4;

/// Orders accepted before and after a crash.
const ORDERS: u64 = 20;

fn expected(accepted: Vec<Uuid>, fault: &str) -> Expected {
    Expected {
        accepted: Some(accepted),
        outcomes: Mix::OUTCOMES.map(String::from).to_vec(),
        min_per_outcome: 1,
        faults: vec![Fault { name: fault.into(), fired: true }],
        ..Expected::default()
    }
}

/// Crashes of the broker in every run of the suite, and in a full run.
pub const CRASHES: usize = 3;
pub const CRASHES_IN_FULL: usize = 10;

pub async fn the_broker_three_times(stage: &Stage) -> Result<Option<String>> {
    the_broker(stage, CRASHES).await
}

pub async fn the_broker_ten_times(stage: &Stage) -> Result<Option<String>> {
    the_broker(stage, CRASHES_IN_FULL).await
}

/// Also in a choreography, where no command is sent again: a message that the broker loses is lost for good.
async fn the_broker(stage: &Stage, times: usize) -> Result<Option<String>> {
    let mut infrastructure = stage.new_infrastructure().await?;
    let world = Arc::new(stage.new_world(Driver::Choreographed, &infrastructure).await?);
    let mix = Mix::prepare(&world).await?;
    let load = Load::start(&world, &mix, CLIENTS);
    for crash in 1..=times {
        load.proceed(ORDERS).await?;
        let Some(broker) = infrastructure.rabbitmq.as_mut().and_then(|broker| broker.running.private())
        else {
            return Ok(Some("the broker is not a private one, so it cannot be crashed".into()));
        };
        broker.kill_hard()?;
        broker.restart().await?;
        world.still_works().await.with_context(|| format!("after crash {crash}"))?;
    }
    let expected = expected(load.finish().await?, "kill -9 of the broker");
    let world = Arc::into_inner(world).ok_or_else(|| anyhow!("a client still runs"))?;
    stage.close(world, &infrastructure, expected).await?;
    infrastructure.stop().await?;
    Ok(None)
}

/// Their shops run at the same time, with two instances of everything, so there is only one hybrid among them.
const DRIVERS_AT_ONCE: [Driver; 6] = [
    Driver::Local,
    Driver::TwoPhase,
    Driver::Orchestrated,
    Driver::Choreographed,
    Driver::Tcc,
    Driver::HYBRIDS[2],
];

/// A shop of every driver, and one hybrid, on one database server, which dies twice.
pub async fn the_database(stage: &Stage) -> Result<Option<String>> {
    let mut infrastructure = stage.new_infrastructure().await?;
    let worlds = try_join_all(DRIVERS_AT_ONCE.map(|driver| stage.new_world(driver, &infrastructure))).await?;
    let worlds: Vec<Arc<World>> = worlds.into_iter().map(Arc::new).collect();
    let mixes = try_join_all(worlds.iter().map(|world| Mix::prepare(world))).await?;
    let loads: Vec<Load> =
        worlds.iter().zip(&mixes).map(|(world, mix)| Load::start(world, mix, CLIENTS)).collect();
    for _ in 0..2 {
        try_join_all(loads.iter().map(|load| load.proceed(ORDERS))).await?;
        let Some(database) = infrastructure.postgres.running.private() else {
            return Ok(Some("the database is not a private one, so it cannot be crashed".into()));
        };
        database.kill_hard()?;
        database.restart().await?;
    }
    try_join_all(loads.iter().map(|load| load.proceed(ORDERS))).await?;
    for (world, load) in worlds.into_iter().zip(loads) {
        let expected = expected(load.finish().await?, "kill -9 of the database, twice");
        let world = Arc::into_inner(world).ok_or_else(|| anyhow!("a client still runs"))?;
        let driver = world.driver;
        stage.close(world, &infrastructure, expected).await.with_context(|| driver.to_string())?;
    }
    infrastructure.stop().await?;
    Ok(None)
}
