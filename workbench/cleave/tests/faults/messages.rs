//! Faults of messages between an exchange and a queue, set up as in a shop.

use std::time::Instant;

use faults::FaultSpec;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use serde_json::json;

use crate::Result;
use crate::ground::*;
use crate::servers::Servers;

const KEY: &str = "inventory.reserve-stock";

/// The queue of the inventory, with its exchange.
struct Queue {
    channel: Channel,
    _connection: Connection,
}

impl Queue {
    async fn open(servers: &Servers) -> Result<Queue> {
        let connection = Connection::connect(&servers.broker, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        channel.exchange_declare("shop".into(), ExchangeKind::Topic, durable, FieldTable::default()).await?;
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare("shop.inventory".into(), durable, FieldTable::default()).await?;
        let (queue, exchange) = ("shop.inventory".into(), "shop".into());
        let options = QueueBindOptions::default();
        channel.queue_bind(queue, exchange, KEY.into(), options, FieldTable::default()).await?;
        Ok(Queue { channel, _connection: connection })
    }

    /// Sends a message. Returns whether the broker accepted it.
    async fn send(&self, body: u8) -> Result<bool> {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let properties = BasicProperties::default().with_delivery_mode(2);
        let sent =
            self.channel.basic_publish("shop".into(), KEY.into(), options, &[body], properties).await?;
        Ok(within(sent).await??.is_ack())
    }

    async fn send_all(&self, bodies: std::ops::Range<u8>) -> Result {
        for body in bodies {
            assert!(self.send(body).await?);
        }
        Ok(())
    }

    /// Waits for this many messages, and consumes them.
    async fn take(&self, messages: usize) -> Result<Vec<u8>> {
        let deadline = Instant::now() + BOUND;
        let mut taken = Vec::new();
        while taken.len() < messages {
            assert!(Instant::now() < deadline, "only {taken:?} came");
            match self.next().await? {
                Some(body) => taken.push(body),
                None => tokio::time::sleep(ms(5)).await,
            }
        }
        Ok(taken)
    }

    async fn next(&self) -> Result<Option<u8>> {
        let got = self.channel.basic_get("shop.inventory".into(), BasicGetOptions::default()).await?;
        let Some(message) = got else { return Ok(None) };
        message.delivery.acker.ack(BasicAckOptions::default()).await?;
        Ok(Some(message.delivery.data[0]))
    }
}

fn fault(kind: &str, attributes: serde_json::Value) -> Result<FaultSpec> {
    let spec = json!({"kind": kind, "target": "inventory", "attributes": attributes, "for": "1m"});
    Ok(serde_json::from_value(spec)?)
}

#[tokio::test]
async fn messages_are_repeated_delayed_reordered_refused_and_poisoned() -> Result {
    let servers = Servers::start(true).await?;
    let (queue, faults) = (Queue::open(&servers).await?, &servers.faults);

    let id = faults.add(&fault("duplicate", json!({}))?).await?;
    queue.send_all(0..3).await?;
    assert_eq!(queue.take(6).await?, [0, 0, 1, 1, 2, 2]);
    assert_eq!(faults.heal(id).await?.hits, 3);

    let id = faults.add(&fault("delay", json!({"delay": 300, "key": KEY}))?).await?;
    let began = Instant::now();
    queue.send_all(0..3).await?;
    assert_eq!(queue.take(3).await?, [0, 1, 2]);
    assert!(began.elapsed() >= ms(300), "{:?}", began.elapsed());
    assert_eq!(faults.heal(id).await?.hits, 3);

    let id = faults.add(&fault("reorder", json!({"window": 3, "wait": 500}))?).await?;
    queue.send_all(0..3).await?;
    assert_eq!(queue.take(3).await?, [2, 1, 0]);
    queue.send_all(3..5).await?;
    assert_eq!(queue.take(2).await?, [4, 3], "two are enough when they have waited");
    queue.send_all(5..6).await?;
    assert_eq!(queue.take(1).await?, [5]);
    assert_eq!(faults.heal(id).await?.hits, 3, "2, 1 and 4 overtook another");

    let id = faults.add(&fault("drop_before_confirm", json!({}))?).await?;
    assert!(!queue.send(0).await? && !queue.send(0).await?);
    let record = faults.heal(id).await?;
    assert_eq!(record.hits, 2, "{}", record.hit);
    assert!(queue.send(1).await?);
    assert_eq!(queue.take(1).await?, [1], "what was refused did not come");

    let id = faults.add(&fault("poison", json!({"count": 2}))?).await?;
    assert_eq!(queue.take(2).await?, [b'n', b'n']);
    let log = faults.log();
    assert_eq!(log.iter().find(|record| record.id == id).expect("it is in the log").hits, 2);
    assert_eq!(queue.next().await?, None);
    Ok(())
}

#[tokio::test]
async fn what_is_held_goes_on_at_the_end_even_if_the_broker_died_meanwhile() -> Result {
    let servers = Servers::start(true).await?;
    let queue = Queue::open(&servers).await?;
    let id = servers.faults.add(&fault("delay", json!({"delay": "1m"}))?).await?;
    queue.send_all(0..3).await?;
    assert_eq!(queue.next().await?, None);
    servers.faults.add(&FaultSpec::new("restart_broker", None)?).await?;
    let queue = Queue::open(&servers).await?;
    servers.faults.heal(id).await?;
    let mut came = queue.take(3).await?;
    came.sort_unstable();
    assert_eq!(came, [0, 1, 2]);
    queue.send_all(3..4).await?;
    assert_eq!(queue.take(1).await?, [3], "the way is free again");
    Ok(())
}
