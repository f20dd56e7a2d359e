//! Messages that return to their queue until a limit of the broker or of the service is reached.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tests::{Driver, Stage, eventually};

use super::{Means, Probe, all_confirmed, number, works_again, world};

/// A broker or a policy limits how often a message may return to a queue. Beyond that it is dropped, unless
/// the queue dead-letters. When a consumer dies, the messages next to the bad one are counted too, and must
/// not be lost.
pub async fn a_delivery_limit_drops_nothing(stage: &Stage) -> Result<Option<String>> {
    let mut infrastructure = stage.new_infrastructure().await?;
    let Some(broker) = infrastructure.rabbitmq.as_mut().and_then(|broker| broker.running.private()) else {
        return Ok(Some("the broker is not a private one, so the case sets no policy".into()));
    };
    broker.ctl(&["set_policy", "limit", ".*", r#"{"delivery-limit":2}"#, "--apply-to", "queues"]).await?;
    // In a choreography no command is sent again, so a lost message stays lost.
    let world = world(stage, Driver::Choreographed, &infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    let mut blocker = AsyncPgConnection::establish(&world.databases.inventory).await?;
    blocker.batch_execute("BEGIN; LOCK TABLE chassis.inbox IN ACCESS EXCLUSIVE MODE").await?;
    let places = means.order(&world, 3).await?;
    for _ in 0..6 {
        eventually("all messages are delivered to the inventory", async || {
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
    ensure!(probe.look("inventory.dead").await?.0 == 0, "a message next to the bad one was dead-lettered");
    probe.close().await?;
    stage.close(world, &infrastructure, Expected::default()).await?;
    infrastructure.stop().await?;
    Ok(None)
}

/// A message that kills every process that handles it is dead-lettered after a fixed number of deaths. The
/// messages next to it are not.
pub async fn what_kills_its_consumer_is_set_aside(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Choreographed, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    let crash = ["--crash-at".to_owned(), "before-business-write".to_owned()];
    world.shop().await.restart_with("inventory", &crash).await?;
    let places = means.order(&world, 1).await?;
    let mut deaths = 0;
    eventually("there is a dead letter", async || {
        let mut shop = world.shop().await;
        if shop.ended("inventory")?.is_some() {
            deaths += 1;
            ensure!(deaths < 20, "the message still kills the service");
            shop.restart_with("inventory", &crash).await?;
        }
        Ok((probe.look("inventory.dead").await?.0 > 0).then_some(()))
    })
    .await?;
    // Two deaths before the message is suspected, and five while it is handled alone.
    ensure!(deaths == 7, "it was dead-lettered after {deaths} deaths");
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

/// A process that is killed while a suspect message waits for a lock of its module has not died of the message, however
/// often that happens.
pub async fn a_kill_during_a_wait_is_no_death(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Choreographed, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    let inventory = world.databases.inventory.clone();
    let mut blocker = AsyncPgConnection::establish(&inventory).await?;
    blocker.batch_execute("BEGIN; LOCK TABLE inventory.stock IN ACCESS EXCLUSIVE MODE").await?;
    let places = means.order(&world, 1).await?;
    let waiting = "SELECT count(*) AS number FROM pg_locks
        WHERE relation = 'inventory.stock'::regclass AND NOT granted";
    let recorded = "SELECT count(*) AS number FROM chassis.suspects WHERE waits";
    // The first two make the message a suspect. With the rest it would be a dead letter, if they counted.
    for kills in 0..9 {
        eventually("the message waits for the stock", async || {
            let waits = number(&inventory, if kills < 2 { waiting } else { recorded }).await?;
            Ok((waits > 0).then_some(()))
        })
        .await
        .with_context(|| format!("after {kills} kills"))?;
        world.shop().await.kill("inventory")?;
        // PostgreSQL does not notice that the client is gone, and would keep the inbox row until the lock time-out.
        let end = "SELECT count(pg_terminate_backend(pid)) AS number FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        number(&inventory, end).await?;
        world.shop().await.restart("inventory").await?;
    }
    blocker.batch_execute("ROLLBACK").await?;
    all_confirmed(&world, &places).await?;
    ensure!(probe.look("inventory.dead").await?.0 == 0, "the kills counted as deaths");
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// Makes the record of a suspect impossible to delete for eight times, as a database would that is away at that moment.
const STAYS: &str = "CREATE SEQUENCE public.tries;
    CREATE FUNCTION public.stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('public.tries') <= 8 THEN RAISE 'not now' USING ERRCODE = '55P03'; END IF;
        RETURN OLD;
    END $$;
    CREATE TRIGGER stays BEFORE DELETE ON chassis.suspects FOR EACH ROW EXECUTE FUNCTION public.stays()";

/// A suspect message whose handling fails because of the database is tried again. No process has died meanwhile, so
/// that counts as no death, however often it happens.
pub async fn a_failure_around_a_suspect_is_no_death(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Choreographed, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    let crash = ["--crash-at".to_owned(), "before-business-write".to_owned()];
    world.shop().await.restart_with("inventory", &crash).await?;
    let places = means.order(&world, 1).await?;
    for again in [true, true, false] {
        eventually("the message kills the service", async || {
            Ok(world.shop().await.ended("inventory")?.is_some().then_some(()))
        })
        .await?;
        if again {
            world.shop().await.restart_with("inventory", &crash).await?;
        }
    }
    let mut database = AsyncPgConnection::establish(&world.databases.inventory).await?;
    database.batch_execute(STAYS).await?;
    world.shop().await.restart_with("inventory", &[]).await?;
    all_confirmed(&world, &places).await?;
    ensure!(probe.look("inventory.dead").await?.0 == 0, "the failures counted as deaths");
    let tries = "SELECT last_value AS number FROM public.tries";
    ensure!(number(&world.databases.inventory, tries).await? > 8, "the record was not in the way");
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}
