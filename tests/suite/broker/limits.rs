//! Messages that come back again and again, until the broker or the service has had enough of them.

use std::time::Duration;

use anyhow::{Result, ensure};
use audit::Expected;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tests::{Driver, Stage, eventually};

use super::{Means, Probe, all_confirmed, number, works_again, world};

/// D2. A broker, or a policy, limits how often a message may come back to a queue; what is over it is dropped unless the
/// queue dead-letters. A consumer that dies takes its innocent neighbours along: they have to come back.
pub async fn a_delivery_limit_drops_nothing(stage: &Stage) -> Result<Option<String>> {
    let mut infrastructure = stage.new_infrastructure().await?;
    let Some(broker) = infrastructure.rabbitmq.as_mut().and_then(|broker| broker.running.private()) else {
        return Ok(Some("the broker is not a private one, so no policy is set".into()));
    };
    broker.ctl(&["set_policy", "limit", ".*", r#"{"delivery-limit":2}"#, "--apply-to", "queues"]).await?;
    // Nobody asks again here: what is lost stays lost.
    let world = world(stage, Driver::Choreographed, &infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    let mut blocker = AsyncPgConnection::establish(&world.databases.inventory).await?;
    blocker.batch_execute("BEGIN; LOCK TABLE chassis.inbox IN ACCESS EXCLUSIVE MODE").await?;
    let places = means.order(&world, 3).await?;
    for _ in 0..6 {
        eventually("the inventory has all messages in hand", async || {
            let ready = probe.look("inventory").await?.0 + probe.look("inventory.taken-out").await?.0;
            Ok((ready == 0).then_some(()))
        })
        .await?;
        let mut shop = world.shop().await;
        shop.kill("inventory")?;
        shop.restart("inventory").await?;
    }
    blocker.batch_execute("ROLLBACK").await?;
    all_confirmed(&world, &places).await?;
    ensure!(probe.look("inventory.dead").await?.0 == 0, "an innocent message was given up");
    probe.close().await?;
    stage.close(world, &infrastructure, Expected::default()).await?;
    infrastructure.stop().await?;
    Ok(None)
}

/// A message that ends every process that handles it is set aside after a stated number of deaths; its neighbours are not.
pub async fn what_kills_its_consumer_is_set_aside(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Choreographed, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    let crash = ["--crash-at".to_owned(), "before-business-write".to_owned()];
    world.shop().await.restart_with("inventory", &crash).await?;
    let places = means.order(&world, 1).await?;
    let mut deaths = 0;
    loop {
        let mut shop = world.shop().await;
        let ended = shop.wait_ended("inventory", Duration::from_secs(10)).await;
        if ended.is_err() {
            break;
        }
        deaths += 1;
        ensure!(deaths < 20, "the message goes on killing");
        shop.restart_with("inventory", &crash).await?;
    }
    // Twice before anybody suspects a message, and five times with it in hand.
    ensure!(deaths == 7, "it was given up after {deaths} deaths");
    let (reason, _) = probe.dead_letter("inventory").await?;
    ensure!(reason.contains("died 5 times"), "{reason}");
    world.shop().await.restart_with("inventory", &[]).await?;
    works_again(&world).await?;
    let left = number(&world.databases.inventory, "SELECT count(*) AS number FROM chassis.suspects").await?;
    ensure!(left == 0, "{left} suspects are left");
    let stuck = world.get(&places[0]).await?.expect(200)?.json;
    ensure!(stuck["status"] == "pending", "{stuck}");
    probe.close().await?;
    world.into_shop().stop(infrastructure).await?;
    Ok(None)
}
