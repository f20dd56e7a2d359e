//! The broker at its worst, as others have met it: text larger than a frame, limits that drop messages, ways that lead
//! nowhere, queues that vanish. The services go on by themselves, and nothing is lost.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use audit::Expected;
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::json;
use servers::Infrastructure;
use tests::{Driver, Goods, Line, Stage, World, eventually};
use uuid::Uuid;

use tests::order;

/// More than fits in a frame, of 131,064 bytes.
const LARGER_THAN_A_FRAME: usize = 200_000;

/// A channel of our own to a world's broker.
struct Probe {
    connection: Connection,
    channel: Channel,
    namespace: String,
}

impl Probe {
    async fn new(world: &World) -> Result<Probe> {
        let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Probe { connection, channel, namespace: world.namespace.clone() })
    }

    /// The name of a service's queue, or of one beside it, such as `inventory.dead`.
    fn queue(&self, name: &str) -> String {
        format!("{}.{name}", self.namespace)
    }

    /// How many messages are ready in a queue, and how many consume it.
    async fn look(&self, name: &str) -> Result<(u32, u32)> {
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let declared = self.channel.queue_declare(self.queue(name).into(), passive, FieldTable::default());
        let queue = declared.await?;
        Ok((queue.message_count(), queue.consumer_count()))
    }

    async fn publish(&self, name: &str, body: &[u8], properties: BasicProperties) -> Result<()> {
        let properties = properties.with_delivery_mode(2);
        let options = BasicPublishOptions::default();
        let sent =
            self.channel.basic_publish("".into(), self.queue(name).into(), options, body, properties).await?;
        ensure!(sent.await?.is_ack(), "{name} did not take a message");
        Ok(())
    }

    /// The next dead letter of a service: its reason and its body. It is taken out.
    async fn dead_letter(&self, service: &str) -> Result<(String, Vec<u8>)> {
        let queue = self.queue(&format!("{service}.dead"));
        eventually(&format!("there is a dead letter in {queue}"), async || {
            let options = BasicGetOptions { no_ack: true };
            let Some(letter) = self.channel.basic_get(queue.as_str().into(), options).await? else {
                return Ok(None);
            };
            let headers = letter.properties.headers().as_ref();
            let reason = match headers.and_then(|headers| headers.inner().get("x-reason")) {
                Some(AMQPValue::LongString(text)) => text.to_string(),
                other => bail!("the reason is {other:?}"),
            };
            Ok(Some((reason, letter.delivery.data)))
        })
        .await
    }

    async fn bind(&self, service: &str, key: &str) -> Result<()> {
        let (queue, exchange) = (self.queue(service).into(), self.namespace.as_str().into());
        let options = QueueBindOptions::default();
        Ok(self.channel.queue_bind(queue, exchange, key.into(), options, FieldTable::default()).await?)
    }

    async fn unbind(&self, service: &str, key: &str) -> Result<()> {
        let (queue, exchange) = (self.queue(service).into(), self.namespace.as_str().into());
        Ok(self.channel.queue_unbind(queue, exchange, key.into(), FieldTable::default()).await?)
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.channel.queue_delete(self.queue(name).into(), QueueDeleteOptions::default()).await?;
        Ok(())
    }

    async fn close(self) -> Result<()> {
        Ok(self.connection.close(200, "done".into()).await?)
    }
}

/// A world in which every message is published once.
async fn world(stage: &Stage, driver: Driver, infrastructure: &Infrastructure) -> Result<World> {
    stage.new_world_of_one(driver, infrastructure, 1).await
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The number that a statement selects under the name `number`.
async fn number(database: &str, statement: &str) -> Result<i64> {
    let mut connection = AsyncPgConnection::establish(database).await?;
    let number: Number = diesel::sql_query(statement).get_result(&mut connection).await?;
    Ok(number.number)
}

/// Goods and money, for orders that can all be confirmed. Made while all services are there.
struct Means {
    sku: String,
    customer: String,
}

impl Means {
    async fn of(world: &World) -> Result<Means> {
        Ok(Means {
            sku: world.product(Goods { price: 1, pieces: 1000 }).await?,
            customer: world.customer(1000).await?,
        })
    }

    /// Places so many orders, all of which can be confirmed; their locations.
    async fn order(&self, world: &World, count: usize) -> Result<Vec<String>> {
        let mut places = Vec::new();
        for _ in 0..count {
            let order = order(&self.customer, "seoul", &[Line { sku: &self.sku, pieces: 1, price: 1 }]);
            let placed = world.order(&Uuid::new_v4().to_string(), &order).await?.expect(202)?;
            places.push(placed.header("location").to_owned());
        }
        Ok(places)
    }
}

/// As [`World::still_works`], once the gateway trusts again a service that was away.
async fn works_again(world: &World) -> Result<()> {
    eventually("the shop works again", async || Ok(world.still_works().await.ok())).await
}

async fn all_confirmed(world: &World, places: &[String]) -> Result<()> {
    for place in places {
        let order = world.decision(place).await?;
        ensure!(order["status"] == "confirmed", "{order}");
    }
    Ok(())
}

/// How often the relay of a service had to begin anew.
async fn relay_lost(world: &World, service: &str) -> Result<usize> {
    let log = std::fs::read_to_string(world.shop().await.log(service)?)?;
    Ok(log.matches("the relay lost its connection").count())
}

/// D1. What a message says is quoted in the reason of its dead letter, which is a header, and headers have to fit in one
/// frame: else the broker closes the relay's connection, again and again.
pub async fn foreign_text_of_any_size_is_set_aside(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = world(stage, Driver::Orchestrated, infrastructure).await?;
    let probe = Probe::new(&world).await?;
    let long = "A".repeat(LARGER_THAN_A_FRAME);
    let bodies = [
        json!({ "traceparent": long }),
        json!({ "type": long, "traceparent": "x" }),
        json!({ "specversion": long, "id": Uuid::new_v4(), "source": "/x", "subject": Uuid::new_v4(),
                "time": "2026-01-01T00:00:00Z",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "type": "inventory.release-stock.v1", "data": { "order_id": Uuid::new_v4() } }),
        json!({ "id": long }),
        json!("가".repeat(LARGER_THAN_A_FRAME)),
        json!([{ "traceparent": long }]),
    ];
    for body in bodies {
        let mut headers = FieldTable::default();
        headers.insert("x-attempts".into(), AMQPValue::LongLongInt(i64::MAX));
        headers.insert("x-delivery-count".into(), AMQPValue::LongLongInt(i64::MAX));
        headers.insert("x-first-death-reason".into(), AMQPValue::LongString("A".repeat(60_000).into()));
        let properties =
            BasicProperties::default().with_headers(headers).with_content_encoding("gzip".into());
        probe.publish("inventory", body.to_string().as_bytes(), properties).await?;
        let (reason, raw) = probe.dead_letter("inventory").await?;
        ensure!((10..2000).contains(&reason.len()), "a reason of {} bytes", reason.len());
        let whole = body.get(0).unwrap_or(&body).to_string();
        ensure!(raw == whole.as_bytes(), "the dead letter is {} bytes, not {}", raw.len(), whole.len());
        world.still_works().await.context("after a dead letter")?;
    }
    ensure!(relay_lost(&world, "inventory").await? == 0, "the relay of the inventory lost its connection");
    // A row of an older version, which did not bound what it wrote.
    let mut database = AsyncPgConnection::establish(&world.databases.inventory).await?;
    let row = format!(
        "INSERT INTO chassis.outbox (message_id, destination, queue, headers, body)
         VALUES (gen_random_uuid(), '{}', true, jsonb_build_object('x-reason', repeat('A', 200000)), 'x')",
        probe.queue("inventory.dead")
    );
    database.batch_execute(&row).await?;
    let (reason, _) = probe.dead_letter("inventory").await?;
    ensure!(reason.len() < 2000, "a reason of {} bytes", reason.len());
    // What a client sends comes back in a problem, and is cut there too.
    let problem = world.get(&format!("/orders?customer={}", "%20".repeat(2000))).await?;
    ensure!(problem.text.len() < 4000, "a problem of {} bytes", problem.text.len());
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

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

/// The queue of an older version does not dead-letter, and cannot be changed. It is replaced, with all that is in it.
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
    // The same arguments are accepted; others would be an error.
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    let queue = probe.queue("inventory");
    let channel = probe.connection.create_channel().await?;
    channel
        .queue_declare(queue.as_str().into(), durable, dead_lettering(&format!("{queue}.taken-out")))
        .await
        .context("the queue is not as this version declares it")?;

    // While somebody consumes it, it is used as it is.
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

/// What an older version declared.
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

/// D3. What no queue takes waits by itself: more of it than the relay looks at in one go, and yet others go on, on the same
/// connection. What its own order wrote later waits behind it.
pub async fn what_comes_back_holds_nobody_up(stage: &Stage) -> Result<Option<String>> {
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
    world.still_works().await.context("behind 600 messages that nobody hears")?;

    probe.unbind("shipping", "shipping.schedule-shipment").await?;
    let stuck = means.order(&world, 3).await?;
    let waiting =
        "SELECT count(*) AS number FROM chassis.outbox WHERE destination = 'shipping.schedule-shipment'";
    eventually("three commands wait in the outbox", async || {
        Ok((number(&world.databases.orders, waiting).await? == 3).then_some(()))
    })
    .await?;
    // This one needs no shipment.
    let (sku, customer) = (world.product(Goods { price: 5, pieces: 1 }).await?, world.customer(5).await?);
    world
        .refused(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 4 }]), "price_changed")
        .await?;
    // Behind a message of its own order that waits; another order's is not.
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
    ensure!(eventually("one is heard", next).await? == "free");
    // Longer than the first pauses of the destination: each time that it is tried, nothing goes past it.
    tokio::time::sleep(Duration::from_secs(2)).await;
    ensure!(next().await?.is_none(), "a message went past one of its own order that came back");
    for place in &stuck {
        ensure!(world.get(place).await?.json["status"] == "pending");
    }
    ensure!(relay_lost(&world, "orders").await? == 0, "the relay began anew");

    probe.bind("shipping", "shipping.schedule-shipment").await?;
    all_confirmed(&world, &stuck).await?;
    ensure!(eventually("the other is heard", next).await? == "behind");
    outbox.batch_execute("DELETE FROM chassis.outbox WHERE destination = 'nobody.hears-this'").await?;
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// D5. An answer that is overdue is asked for again, each time after twice as long; a question that still lies in the
/// asker's own outbox is not asked a second time.
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

    // The question has left, and nobody answers: it is asked again after 1, 3, 7 and 15 s.
    world.shop().await.kill("inventory")?;
    let asked = means.order(&world, 2).await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let again = number(&world.databases.orders, attempts).await?;
    ensure!((2..=4).contains(&again), "asked again {again} times in 10 s");
    let (waiting, _) = probe.look("inventory").await?;
    ensure!(waiting <= 10, "{waiting} messages for two orders");
    world.shop().await.restart("inventory").await?;
    all_confirmed(&world, &asked).await?;

    // The question has not left.
    let key = if driver == Driver::Tcc { "inventory.reserve-stock" } else { "catalog.honour-prices" };
    let service = key.split('.').next().unwrap_or_default();
    probe.unbind(service, key).await?;
    let unasked = means.order(&world, 2).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let again = number(&world.databases.orders, attempts).await?;
    // Where all participants are asked at once, the later questions about an order wait behind the one that came back.
    let twice = "SELECT count(*) - count(DISTINCT (subject, destination)) AS number FROM chassis.outbox";
    let twice = number(&world.databases.orders, twice).await?;
    ensure!((again, twice) == (0, 0), "asked again {again} times, {twice} questions are in the outbox twice");
    probe.bind(service, key).await?;
    all_confirmed(&world, &unasked).await?;
    probe.close().await?;
    stage.close(world, infrastructure, Expected::default()).await
}

/// Somebody deletes a queue, or empties it. What was in it is asked for again; the service makes its queue anew.
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
