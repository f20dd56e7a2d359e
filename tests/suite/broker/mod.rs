//! Broker problems that others have reported (see docs/field-log.md): text larger than a frame, limits that
//! drop messages, messages that no queue takes, queues that vanish. The services recover by themselves and
//! lose nothing.

mod alarm;
mod foreign;
mod limits;
mod queues;
mod sending;

use anyhow::{Result, bail, ensure};
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use servers::Infrastructure;
use tests::{Driver, Goods, Line, Stage, World, eventually, order};
use uuid::Uuid;

pub use alarm::a_memory_alarm_is_waited_out;
pub use foreign::foreign_text_of_any_size_is_set_aside;
pub use limits::{
    a_delivery_limit_drops_nothing, a_failure_around_a_suspect_is_no_death, a_kill_during_a_wait_is_no_death,
    what_kills_its_consumer_is_set_aside,
};
pub use queues::{
    a_queue_that_vanishes_comes_back, an_exchange_that_vanishes_loses_nothing, an_older_queue_is_replaced,
};
pub use sending::{a_returned_message_delays_no_other, asking_again_backs_off};

/// A channel to a world's broker.
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

    /// The name of a service's queue, or of one that belongs to it, such as `inventory.dead`.
    fn queue(&self, name: &str) -> String {
        format!("{}.{name}", self.namespace)
    }

    /// The number of ready messages in a queue, and of its consumers.
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
        ensure!(sent.await?.is_ack(), "{name} did not accept a message");
        Ok(())
    }

    /// Takes the next dead letter of a service from its queue: the reason and the body.
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

/// The column `number` of the only row.
async fn number(database: &str, statement: &str) -> Result<i64> {
    let mut connection = AsyncPgConnection::establish(database).await?;
    let number: Number = diesel::sql_query(statement).get_result(&mut connection).await?;
    Ok(number.number)
}

/// Goods and money for orders that can all be confirmed. Created while all services are running.
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

    /// Places orders that can all be confirmed, and returns their locations.
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

/// [`World::still_works`], retried until the gateway uses a restarted service again.
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

/// How often the relay of a service had to reconnect.
async fn relay_lost(world: &World, service: &str) -> Result<usize> {
    let log = std::fs::read_to_string(world.shop().await.log(service)?)?;
    Ok(log.matches("the relay lost its connection").count())
}
