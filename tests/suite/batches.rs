//! After an outage a queue is long and deliveries carry many messages. Transactions stay bounded all the
//! same.

use anyhow::{Context, Result, ensure};
use contracts::{Command, Envelope, OrderId, TraceContext};
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use tests::{Driver, Stage, eventually};

/// The deliveries that wait when the service returns, and the messages in each of them.
const DELIVERIES: usize = 12;
const MESSAGES: usize = 64;

/// The most messages in one transaction: `TRANSACTION` in the chassis' consumer.
const BOUND: i64 = 256;

#[derive(QueryableByName)]
struct Transactions {
    #[diesel(sql_type = BigInt)]
    messages: i64,
    #[diesel(sql_type = BigInt)]
    largest: i64,
}

/// Rows that one transaction wrote have the same transaction id.
const TRANSACTIONS: &str =
    "SELECT coalesce(sum(rows), 0)::bigint AS messages, coalesce(max(rows), 0) AS largest
    FROM (SELECT count(*) AS rows FROM chassis.inbox GROUP BY xmin) AS transactions";

pub async fn a_long_queue_is_handled_in_bounded_transactions(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_of_one(Driver::Orchestrated, infrastructure, 1).await?;
    let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    world.shop().await.kill("inventory")?;
    let queue = format!("{}.inventory", world.namespace);
    for _ in 0..DELIVERIES {
        let command = || Command::ReleaseStock { order_id: OrderId::new() };
        let message = |_| Envelope::new("orders", TraceContext::root(), 0, command());
        let body = serde_json::to_vec(&(0..MESSAGES).map(message).collect::<Vec<_>>())?;
        let properties =
            BasicProperties::default().with_content_type("application/cloudevents-batch+json".into());
        let (options, key) = (BasicPublishOptions::default(), queue.as_str().into());
        channel.basic_publish("".into(), key, options, &body, properties).await?.await?;
    }
    connection.close(200, "done".into()).await?;
    world.shop().await.restart("inventory").await?;

    let mut inventory = AsyncPgConnection::establish(&world.databases.inventory).await?;
    let expected = i64::try_from(DELIVERIES * MESSAGES)?;
    let largest = eventually("the whole queue is handled", async || {
        let found: Transactions = sql_query(TRANSACTIONS).get_result(&mut inventory).await?;
        Ok((found.messages == expected).then_some(found.largest))
    })
    .await
    .context("after the restart")?;
    ensure!(largest > MESSAGES as i64, "the largest transaction had {largest} messages: nothing was batched");
    ensure!(largest <= BOUND, "one transaction handled {largest} messages");
    // The orders service does not know these orders and dead-letters the answers, so there is nothing to
    // audit.
    drop(inventory);
    world.into_shop().stop(infrastructure).await?;
    Ok(None)
}
