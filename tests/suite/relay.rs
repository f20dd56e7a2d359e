//! The relay, tested from both ends: the outbox that it reads, and a queue that it fills.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel::sql_query;
use diesel::sql_types::{Binary, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::try_join_all;
use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use tests::{Driver, Goods, Line, Stage, eventually, order};

/// Enough writers to keep the outbox from ever being empty.
const WRITERS: usize = 2;
/// Between two rows of one writer. The relay keeps up, so it never finds more than it takes at once.
const PACE: Duration = Duration::from_millis(1);
/// Makes each round of the relay take 20 ms, in which the writers write more than one row.
const SLOW: [&str; 2] = [
    "CREATE FUNCTION chassis.slow() RETURNS trigger LANGUAGE plpgsql
     AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$",
    "CREATE TRIGGER slow AFTER DELETE ON chassis.outbox FOR EACH STATEMENT EXECUTE FUNCTION chassis.slow()",
];
const INSERT: &str = "INSERT INTO chassis.outbox (message_id, destination, queue, body) \
                      VALUES (gen_random_uuid(), $1, true, $2)";
/// A row about the order that the relay is not told of, as if another instance had written it.
const EARLIER: &str = "CREATE FUNCTION orders.earlier() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN
         INSERT INTO chassis.outbox (message_id, destination, queue, subject, body)
         VALUES (gen_random_uuid(), 'QUEUE', true, NEW.order_id, 'earlier');
         RETURN NULL;
     END $$;
     CREATE TRIGGER earlier AFTER INSERT ON orders.orders FOR EACH ROW EXECUTE FUNCTION orders.earlier()";
/// Just before the supervisor kills an instance that does not stop by itself.
const KILLED: Duration = Duration::from_secs(14);

/// A channel, and a queue that ends with its connection.
async fn heard(connection: &Connection) -> Result<(Channel, String)> {
    let channel = connection.create_channel().await?;
    let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let queue = channel.queue_declare("".into(), exclusive, FieldTable::default()).await?;
    let name = queue.name().to_string();
    Ok((channel, name))
}

/// A stopping instance publishes what is in the outbox, and leaves rows that others write meanwhile to the
/// next relay. No message is lost in between.
pub async fn one_that_stops_does_not_wait_for_others(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_of_one(Driver::Orchestrated, infrastructure, 1).await?;
    let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
    let (channel, queue) = heard(&connection).await?;

    let mut inventory = AsyncPgConnection::establish(&world.databases.inventory).await?;
    for statement in SLOW {
        diesel_async::RunQueryDsl::execute(sql_query(statement), &mut inventory).await?;
    }
    // These stand for other instances that write to the same outbox.
    let (written, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let writers = (0..WRITERS).map(|_| {
        let database = world.databases.inventory.clone();
        tokio::spawn(write(database, queue.clone(), written.clone(), enough.clone()))
    });
    let writers: Vec<_> = writers.collect();
    eventually("the relay publishes", async || {
        let there = channel.basic_get(queue.clone().into(), BasicGetOptions { no_ack: false }).await?;
        Ok(there.is_some().then_some(()))
    })
    .await?;

    let mut shop = world.shop().await;
    shop.add("inventory").await?;
    let began = Instant::now();
    shop.remove("inventory").await?;
    let took = began.elapsed();
    drop(shop);
    enough.store(true, Ordering::Relaxed);
    for writer in try_join_all(writers).await? {
        writer.context("a writer")?;
    }
    ensure!(took < KILLED, "it had to be killed, because it published as long as others wrote");

    let written = written.load(Ordering::Relaxed);
    // Unacknowledged messages return to the queue when the channel closes.
    channel.close(200, "looked".into()).await?;
    let channel = connection.create_channel().await?;
    let mut published = BTreeSet::new();
    eventually("the next relay has published the rest", async || {
        take(&channel, &queue, &mut published).await?;
        Ok((published.len() as u64 == written).then_some(()))
    })
    .await
    .with_context(|| format!("{} of {written}", published.len()))?;
    println!("ended after {took:?}; {written} messages, none lost");
    connection.close(200, "done".into()).await?;
    world.still_works().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// The relay has a row in memory, and an earlier row of the same order is only in the table. The earlier one is
/// published first.
pub async fn an_order_keeps_its_order_across_instances(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_of_one(Driver::Orchestrated, infrastructure, 1).await?;
    let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
    let (channel, queue) = heard(&connection).await?;
    let (exchange, key) = (world.namespace.as_str().into(), "catalog.honour-prices".into());
    let bound =
        channel.queue_bind(queue.as_str().into(), exchange, key, Default::default(), FieldTable::default());
    bound.await?;
    let (sku, customer) = (world.product(Goods { price: 1, pieces: 100 }).await?, world.customer(100).await?);
    let mut orders = AsyncPgConnection::establish(&world.databases.orders).await?;
    orders.batch_execute(&EARLIER.replace("QUEUE", &queue)).await?;
    // Several times, because the relay may happen to read the table just then.
    for _ in 0..10 {
        world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 1 }])).await?;
        for expected in [true, false] {
            let message = eventually("both messages arrive", async || {
                Ok(channel.basic_get(queue.as_str().into(), BasicGetOptions { no_ack: true }).await?)
            })
            .await?;
            ensure!((message.delivery.data == b"earlier") == expected, "the later one was published first");
        }
    }
    connection.close(200, "done".into()).await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// Writes rows one after the other, each with its own number.
async fn write(
    database: String,
    queue: String,
    written: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
) -> Result<()> {
    let mut connection = AsyncPgConnection::establish(&database).await?;
    while !enough.load(Ordering::Relaxed) {
        let number = written.fetch_add(1, Ordering::Relaxed).to_string();
        let row = sql_query(INSERT).bind::<Text, _>(&queue).bind::<Binary, _>(number.as_bytes());
        diesel_async::RunQueryDsl::execute(row, &mut connection).await?;
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

/// Takes everything from the queue.
async fn take(channel: &Channel, queue: &str, bodies: &mut BTreeSet<Vec<u8>>) -> Result<()> {
    while let Some(message) = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await? {
        bodies.insert(message.delivery.data);
    }
    Ok(())
}
