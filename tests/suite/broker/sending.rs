//! Messages that cannot be published, and answers that do not come.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use servers::Infrastructure;
use tests::{Driver, Goods, Line, Stage, eventually, order};

use super::{Means, Probe, all_confirmed, number, relay_lost, world};

/// Messages that no queue takes wait by themselves, even more of them than the relay reads at a time. Others
/// are published on the same connection. Later messages of the same order wait behind them.
pub async fn a_returned_message_delays_no_other(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Orchestrated, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    let mut outbox = AsyncPgConnection::establish(&world.databases.orders).await?;
    let insert = "INSERT INTO chassis.outbox (message_id, destination, queue, subject, body)";
    outbox
        .batch_execute(&format!(
            "{insert} SELECT gen_random_uuid(), 'nobody.hears-this', false, gen_random_uuid(), '{{}}'
             FROM generate_series(1, 600)"
        ))
        .await?;
    world.still_works().await.context("behind 600 messages that no queue takes")?;

    probe.unbind("shipping", "shipping.schedule-shipment").await?;
    let stuck = means.order(&world, 3).await?;
    let waiting =
        "SELECT count(*) AS number FROM chassis.outbox WHERE destination = 'shipping.schedule-shipment'";
    eventually("three commands wait in the outbox", async || {
        Ok((number(&world.databases.orders, waiting).await? == 3).then_some(()))
    })
    .await?;
    // This order is refused for its price, so it needs no shipment.
    let (sku, customer) = (world.product(Goods { price: 5, pieces: 1 }).await?, world.customer(5).await?);
    world
        .refused(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 4 }]), "price_changed")
        .await?;
    // The first message is behind one of its own order, which waits. The second belongs to another order.
    let heard = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let heard = probe.channel.queue_declare("".into(), heard, FieldTable::default()).await?;
    let heard = heard.name().to_string();
    outbox
        .batch_execute(&format!(
            "{insert} SELECT gen_random_uuid(), '{heard}', true, subject, 'behind' FROM chassis.outbox
             WHERE destination = 'shipping.schedule-shipment' LIMIT 1;
             {insert} VALUES (gen_random_uuid(), '{heard}', true, gen_random_uuid(), 'free')"
        ))
        .await?;
    let next = async || {
        let options = BasicGetOptions { no_ack: true };
        let message = probe.channel.basic_get(heard.as_str().into(), options).await?;
        Ok(message.map(|message| String::from_utf8_lossy(&message.delivery.data).into_owned()))
    };
    ensure!(eventually("the free message arrives", next).await? == "free");
    // Longer than the first pauses of the destination, whose ends cannot be seen from outside. Each time it is tried,
    // nothing of the same order may overtake.
    tokio::time::sleep(Duration::from_secs(2)).await;
    ensure!(next().await?.is_none(), "a message overtook one of its own order that came back");
    for place in &stuck {
        ensure!(world.get(place).await?.json["status"] == "pending");
    }
    ensure!(relay_lost(&world, "orders").await? == 0, "the relay reconnected");

    probe.bind("shipping", "shipping.schedule-shipment").await?;
    all_confirmed(&world, &stuck).await?;
    ensure!(eventually("the other message arrives", next).await? == "behind");
    outbox.batch_execute("DELETE FROM chassis.outbox WHERE destination = 'nobody.hears-this'").await?;
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// If an answer is overdue, the command is sent again, with the pause doubling each time. A command that is
/// still in the sender's own outbox is not written a second time.
pub async fn asking_again_backs_off(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in [Driver::Orchestrated, Driver::Tcc] {
        asking_again(stage, infrastructure, driver).await.with_context(|| driver.to_string())?;
    }
    Ok(None)
}

async fn asking_again(stage: &Stage, infrastructure: &Infrastructure, driver: Driver) -> Result<()> {
    let world = world(stage, driver, infrastructure).await?;
    let (probe, means) = (Probe::new(&world).await?, Means::of(&world).await?);
    world.shop().await.restart_with("orders", &["--answer-within".into(), "1".into()]).await?;
    let attempts = "SELECT max(attempt)::bigint AS number FROM checkout.sagas WHERE NOT finished";

    // The command was published, and no answer comes. It is sent again after 1, 3, 7 and 15 s; never sooner.
    world.shop().await.kill("inventory")?;
    let began = Instant::now();
    let asked = means.order(&world, 2).await?;
    eventually("it is asked again three times", async || {
        Ok((number(&world.databases.orders, attempts).await? >= 3).then_some(()))
    })
    .await?;
    ensure!(began.elapsed() >= Duration::from_secs(7), "asked again three times in {:?}", began.elapsed());
    let (waiting, _) = probe.look("inventory").await?;
    let again = number(&world.databases.orders, attempts).await?;
    ensure!(
        i64::from(waiting) <= 2 * (1 + again),
        "{waiting} messages for two orders, asked again {again} times"
    );
    world.shop().await.restart("inventory").await?;
    all_confirmed(&world, &asked).await?;

    // The command was not published.
    let key = if driver == Driver::Tcc { "inventory.reserve-stock" } else { "catalog.honour-prices" };
    let service = key.split('.').next().unwrap_or_default();
    probe.unbind(service, key).await?;
    let unasked = means.order(&world, 2).await?;
    let deadline = "SELECT (extract(epoch FROM min(deadline)) * 1000)::bigint AS number FROM checkout.sagas
         WHERE NOT finished";
    let (mut last, mut overdue) = (number(&world.databases.orders, deadline).await?, 0);
    eventually("the answers are overdue three times", async || {
        let now = number(&world.databases.orders, deadline).await?;
        overdue += i32::from(std::mem::replace(&mut last, now) != now);
        Ok((overdue >= 3).then_some(()))
    })
    .await?;
    let again = number(&world.databases.orders, attempts).await?;
    // If all participants are asked at once, an order's later commands wait behind the one that came back.
    let twice = "SELECT count(*) - count(DISTINCT (subject, destination)) AS number FROM chassis.outbox";
    let twice = number(&world.databases.orders, twice).await?;
    ensure!((again, twice) == (0, 0), "asked again {again} times, {twice} questions are in the outbox twice");
    probe.bind(service, key).await?;
    all_confirmed(&world, &unasked).await?;
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await
}
