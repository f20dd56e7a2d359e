//! An instance is removed while it waits for its next restart, so it can do nothing for its own transactions.

use anyhow::{Context, Result, ensure};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use shop::shared::Shared;
use shop::supervisor::Supervisor;
use tests::{BOUND, Driver, Stage, eventually};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::number;

const NAME: &str = "monolith-2";

pub async fn an_instance_that_is_retired_in_its_back_off(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.new_infrastructure().await?;
    let world = stage.new_world_behind_gateway(Driver::TwoPhase, &infrastructure).await?;
    // The audit needs at least one order.
    world.still_works().await?;
    let database = world.databases.orders.clone();
    let infrastructure = Shared::new(Mutex::new(infrastructure));
    let logs = tempfile::tempdir()?;
    let supervisor = Supervisor::start(world.into_shop(), infrastructure.clone(), logs.path()).await?;
    let running = supervisor.scale("monolith", 2).await?;
    ensure!(running == ["monolith", NAME], "{running:?}");
    let epoch = format!("SELECT epoch AS number FROM two_phase.coordinators WHERE name = '{NAME}'");
    let epoch = number(&database, &epoch).await?;

    // Killed again and again, it is restarted after longer and longer pauses.
    eventually("its next restart is far away", async || {
        let _ = supervisor.shop().await.kill(NAME);
        let entries = supervisor.journal().entries();
        let pauses = entries.iter().filter(|entry| entry.process == NAME).filter_map(|entry| {
            let (_, pause) = entry.message.rsplit_once("restart in ")?;
            pause.trim_end_matches(" ms").parse::<u64>().ok()
        });
        Ok(pauses.max().filter(|pause| *pause > 3000))
    })
    .await?;
    let restarts = supervisor.restarts();
    let mut connection = AsyncPgConnection::establish(&database).await?;
    let gid = format!("cleave:{NAME}:{epoch}:{}:orders", Uuid::new_v4());
    connection.batch_execute(&format!("BEGIN; PREPARE TRANSACTION '{gid}'")).await?;
    let running = supervisor.scale("monolith", 1).await?;
    ensure!(running == ["monolith"], "{running:?}");
    ensure!(supervisor.restarts() == restarts, "it was restarted before it was removed");
    let left = format!("SELECT count(*) AS number FROM pg_prepared_xacts WHERE gid = '{gid}'");
    eventually("the other instance finishes its transactions", async || {
        Ok((number(&database, &left).await? == 0).then_some(()))
    })
    .await?;
    drop(connection);
    let shop = supervisor.release().await?;
    shop.drain(BOUND).await?;
    let infrastructure =
        infrastructure.take_back().await.context("nothing else uses the servers")?.into_inner();
    shop.stop(&infrastructure).await?;
    infrastructure.stop().await?;
    Ok(None)
}
