//! Queues and exchanges that are not as the services declared them: of an older version, deleted, emptied.

use anyhow::{Context, Result};
use audit::Expected;
use lapin::options::{ExchangeDeclareOptions, ExchangeDeleteOptions, QueueDeclareOptions, QueuePurgeOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties, ExchangeKind};
use tests::{Driver, Stage, eventually};
use topology::SERVICES;

use super::{Means, Probe, all_confirmed, works_again, world};

/// The queue of an older version does not dead-letter, and its arguments cannot be changed. The service
/// replaces it and keeps its messages.
pub async fn an_older_queue_is_replaced(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Choreographed, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    world.shop().await.kill("inventory")?;
    older_queue(&probe).await?;
    let places = means.order(&world, 3).await?;
    eventually("the orders wait in the older queue", async || {
        Ok((probe.look("inventory").await?.0 > 0).then_some(()))
    })
    .await?;
    world.shop().await.restart("inventory").await?;
    all_confirmed(&world, &places).await?;
    // The broker accepts the same arguments again; different ones would be an error.
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    let queue = probe.queue("inventory");
    let channel = probe.connection.create_channel().await?;
    channel
        .queue_declare(queue.as_str().into(), durable, dead_lettering(&format!("{queue}.taken-out")))
        .await
        .context("the queue has not the arguments of this version")?;

    // A queue with a consumer is not replaced.
    world.shop().await.kill("inventory")?;
    older_queue(&probe).await?;
    let held = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
    let channel = held.create_channel().await?;
    channel.basic_qos(1, Default::default()).await?;
    let arguments = FieldTable::default();
    let stranger =
        channel.basic_consume(queue.as_str().into(), "".into(), Default::default(), arguments).await?;
    world.shop().await.restart("inventory").await?;
    drop(stranger);
    held.close(200, "gone".into()).await?;
    works_again(&world).await?;
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// Declares the queue as an older version did.
async fn older_queue(probe: &Probe) -> Result<()> {
    probe.delete("inventory").await?;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    probe.channel.queue_declare(probe.queue("inventory").into(), durable, quorum()).await?;
    for key in inventory::HEARS {
        probe.bind("inventory", key).await?;
    }
    Ok(())
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments
}

fn dead_lettering(to: &str) -> FieldTable {
    let mut arguments = quorum();
    for (name, value) in [
        ("x-dead-letter-exchange", ""),
        ("x-dead-letter-routing-key", to),
        ("x-dead-letter-strategy", "at-least-once"),
        ("x-overflow", "reject-publish"),
    ] {
        arguments.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    arguments
}

/// A queue is deleted or purged. Its lost messages are sent again, and the service declares its queue again.
pub async fn a_queue_that_vanishes_comes_back(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Orchestrated, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    world.shop().await.restart_with("orders", &["--answer-within".into(), "1".into()]).await?;
    for name in ["inventory", "inventory.taken-out"] {
        probe.delete(name).await?;
        world.still_works().await.with_context(|| format!("after {name} was deleted"))?;
    }
    world.shop().await.kill("inventory")?;
    let places = means.order(&world, 2).await?;
    eventually("two commands wait", async || Ok((probe.look("inventory").await?.0 > 0).then_some(())))
        .await?;
    probe.channel.queue_purge(probe.queue("inventory").into(), QueuePurgeOptions::default()).await?;
    world.shop().await.restart("inventory").await?;
    all_confirmed(&world, &places).await.context("after the queue was purged")?;
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// Somebody deletes the exchange, and with it every binding. The next who publishes makes it anew, but only a service that
/// starts binds its queue: until then messages wait in the outboxes, and nothing is lost.
pub async fn an_exchange_that_vanishes_loses_nothing(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Choreographed, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    let before = means.order(&world, 5).await?;
    let exchange = world.namespace.as_str();
    probe.channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await?;
    let mut places = means.order(&world, 5).await?;
    places.extend(before);
    eventually("the exchange is there again", async || {
        // The broker closes the channel of who asks for what is not there.
        let channel = probe.connection.create_channel().await?;
        let passive = ExchangeDeclareOptions { passive: true, ..Default::default() };
        let arguments = FieldTable::default();
        let there = channel.exchange_declare(exchange.into(), ExchangeKind::Topic, passive, arguments).await;
        Ok(there.is_ok().then_some(()))
    })
    .await?;
    for service in SERVICES {
        let mut shop = world.shop().await;
        shop.kill(service)?;
        shop.restart(service).await?;
    }
    all_confirmed(&world, &places).await.context("after the services were started again")?;
    works_again(&world).await?;
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}
