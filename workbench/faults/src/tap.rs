//! A *tap* on the messages with one routing key to one service. It replaces the service's queue, so that messages can
//! be held back, repeated, refused or lost.
//!
//! It needs only the broker, not the shop: it moves the key's *binding* from the service's queue to another queue. A
//! held message is later sent straight to the service's queue with all its properties, and is removed from the tap
//! only when the broker has confirmed it there.
//!
//! When a service reconnects, it declares its bindings again. From then on messages reach both the service and the
//! tap, so the service may get them twice. Its inbox handles that.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lapin::message::BasicGetMessage;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeleteOptions,
    QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::words;
use terminal::language::seconds;
use topology::{MONOLITH, SERVICES};

/// The time limit for the broker, far longer than a healthy one needs.
const LIMIT: Duration = Duration::from_secs(10);
/// The interval between checks for arrived messages.
const TICK: Duration = Duration::from_millis(20);
/// AMQP's delivery mode for messages that survive a restart of the broker.
const PERSISTENT: u8 = 2;

/// An active tap. Dropping it does not remove it: call [`Tap::remove`].
#[derive(Debug)]
pub struct Tap {
    connection: Connection,
    channel: Channel,
    exchange: String,
    key: String,
    /// The service's queue.
    queue: String,
    /// The queue that replaces it, if there is one.
    own: Option<String>,
    /// Copies of the messages sent on by [`Tap::pass_and_keep`].
    kept: Vec<(Vec<u8>, BasicProperties)>,
}

impl Tap {
    /// Holds messages back until they are released.
    pub async fn holding(amqp_url: &str, namespace: &str, service: &str, key: &str) -> Result<Tap> {
        Tap::place(amqp_url, namespace, service, key, Some(FieldTable::default())).await
    }

    /// Refuses messages: the queue is full, so the broker responds to the publisher with a *nack*. Refused messages
    /// are also copied to a second queue, so that they can be counted.
    pub async fn refusing(amqp_url: &str, namespace: &str, service: &str, key: &str) -> Result<Tap> {
        let mut full = FieldTable::default();
        let mut set = |name: &str, value: String| {
            full.insert(name.into(), AMQPValue::LongString(value.into()));
        };
        set("x-overflow", "reject-publish-dlx".into());
        set("x-dead-letter-exchange", String::new());
        set("x-dead-letter-routing-key", beside(&own_queue(namespace, service, key)));
        full.insert("x-max-length".into(), AMQPValue::LongUInt(0));
        Tap::place(amqp_url, namespace, service, key, Some(full)).await
    }

    /// Loses messages: no queue takes them. The broker returns those published as *mandatory*, and drops others.
    pub async fn losing(amqp_url: &str, namespace: &str, service: &str, key: &str) -> Result<Tap> {
        Tap::place(amqp_url, namespace, service, key, None).await
    }

    async fn place(
        amqp_url: &str,
        namespace: &str,
        service: &str,
        key: &str,
        own: Option<FieldTable>,
    ) -> Result<Tap> {
        let connection = within(Connection::connect(amqp_url, ConnectionProperties::default())).await;
        let connection = connection.with_context(words::cannot_reach_broker)?;
        let channel = within(connection.create_channel()).await?;
        within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let tap = Tap {
            connection,
            channel,
            exchange: namespace.to_owned(),
            key: key.to_owned(),
            queue: format!("{namespace}.{service}"),
            own: own.is_some().then(|| own_queue(namespace, service, key)),
            kept: Vec::new(),
        };
        // Bind the new queue first: a message in between then arrives twice instead of being lost.
        if let (Some(name), Some(arguments)) = (&tap.own, own) {
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            let refused = tap.channel.queue_declare(beside(name).into(), durable, FieldTable::default());
            within(refused).await?;
            within(tap.channel.queue_declare(name.as_str().into(), durable, arguments)).await?;
            tap.bind(name).await?;
        }
        tap.unbind(&tap.queue).await?;
        Ok(tap)
    }

    /// Waits until this many messages are held back. One message may contain several orders.
    pub async fn wait_for(&self, messages: u32, bound: Duration) -> Result<()> {
        let deadline = Instant::now() + bound;
        loop {
            let held = self.held().await?;
            if held >= messages {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(words::too_few_messages(messages, &self.key, held, seconds(bound)));
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// The number of messages currently held back.
    pub async fn held(&self) -> Result<u32> {
        self.count(self.own()?).await
    }

    /// The number of refused messages. Each attempt to send one counts.
    pub async fn refused(&self) -> Result<u32> {
        self.count(&beside(self.own()?)).await
    }

    async fn count(&self, queue: &str) -> Result<u32> {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declared = self.channel.queue_declare(queue.into(), passive, FieldTable::default());
        Ok(within(declared).await?.message_count())
    }

    /// Sends all held messages on to the service in their order of arrival. Returns how many.
    pub async fn release(&self) -> Result<usize> {
        let mut released = 0;
        while let Some(message) = self.next().await? {
            self.forward(&message).await?;
            released += 1;
        }
        Ok(released)
    }

    /// Like [`Tap::release`], but keeps a copy of each message for [`Tap::repeat`].
    pub async fn pass_and_keep(&mut self) -> Result<usize> {
        let mut passed = 0;
        while let Some(message) = self.next().await? {
            self.forward(&message).await?;
            self.kept.push((message.delivery.data.clone(), message.delivery.properties.clone()));
            passed += 1;
        }
        Ok(passed)
    }

    /// Sends the kept copies once more. Returns how many.
    pub async fn repeat(&self) -> Result<usize> {
        for (body, properties) in &self.kept {
            publish(&self.channel, &self.queue, body, properties.clone()).await?;
        }
        Ok(self.kept.len())
    }

    /// Restores the binding, and sends on all messages that are still held back.
    pub async fn remove(self) -> Result<()> {
        self.bind(&self.queue).await?;
        if let Some(own) = &self.own {
            self.unbind(own).await?;
            self.release().await?;
            for queue in [own.clone(), beside(own)] {
                within(self.channel.queue_delete(queue.into(), QueueDeleteOptions::default())).await?;
            }
        }
        within(self.connection.close(200, "the tap is removed".into())).await
    }

    /// The next held message. It belongs to the broker until it is forwarded.
    pub async fn next(&self) -> Result<Option<BasicGetMessage>> {
        within(self.channel.basic_get(self.own()?.into(), BasicGetOptions::default())).await
    }

    /// Sends a message on to the service.
    pub async fn forward(&self, message: &BasicGetMessage) -> Result<()> {
        self.copy(message).await?;
        within(message.delivery.acker.ack(BasicAckOptions::default())).await?;
        Ok(())
    }

    /// Sends a copy of a held message to the service.
    pub async fn copy(&self, message: &BasicGetMessage) -> Result<()> {
        let (body, properties) = (&message.delivery.data, message.delivery.properties.clone());
        publish(&self.channel, &self.queue, body, properties).await
    }

    fn own(&self) -> Result<&str> {
        self.own.as_deref().context("this tap holds no messages, it loses them")
    }

    async fn bind(&self, queue: &str) -> Result<()> {
        let (exchange, key) = (self.exchange.as_str().into(), self.key.as_str().into());
        let options = QueueBindOptions::default();
        let bound = self.channel.queue_bind(queue.into(), exchange, key, options, FieldTable::default());
        within(bound).await.with_context(|| words::cannot_bind(&self.key, queue))
    }

    async fn unbind(&self, queue: &str) -> Result<()> {
        let (exchange, key) = (self.exchange.as_str().into(), self.key.as_str().into());
        let unbound = self.channel.queue_unbind(queue.into(), exchange, key, FieldTable::default());
        within(unbound).await.with_context(|| words::cannot_unbind(&self.key, queue))
    }
}

/// The name of the queue that replaces the service's.
fn own_queue(namespace: &str, service: &str, key: &str) -> String {
    format!("{namespace}.{service}.tap.{key}")
}

/// The name of the second queue, for copies of refused messages.
fn beside(own: &str) -> String {
    format!("{own}.refused")
}

/// Waits for a response of the broker, for at most [`LIMIT`].
async fn within<T>(answer: impl Future<Output = lapin::Result<T>>) -> Result<T> {
    let answer = tokio::time::timeout(LIMIT, answer).await;
    Ok(answer.with_context(|| words::broker_silent(seconds(LIMIT)))??)
}

/// Puts a message with any content straight into a queue, as an attacker with the password could.
pub async fn put(amqp_url: &str, queue: &str, body: &[u8]) -> Result<()> {
    let connection = within(Connection::connect(amqp_url, ConnectionProperties::default())).await?;
    let channel = within(connection.create_channel()).await?;
    within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
    publish(&channel, queue, body, BasicProperties::default()).await?;
    within(connection.close(200, "done".into())).await
}

/// Deletes the queues and the exchange of a shop that has ended, because each costs the broker work.
pub async fn delete_queues(amqp_url: &str, namespace: &str) -> Result<()> {
    let connection = within(Connection::connect(amqp_url, ConnectionProperties::default())).await?;
    let channel = within(connection.create_channel()).await?;
    for service in SERVICES.into_iter().chain([MONOLITH]) {
        for suffix in ["", ".retry", ".taken-out", ".dead"] {
            let queue = format!("{namespace}.{service}{suffix}");
            within(channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default())).await?;
        }
    }
    within(channel.exchange_delete(namespace.into(), ExchangeDeleteOptions::default())).await?;
    within(connection.close(200, "done".into())).await
}

/// Returns when the broker has confirmed that the queue has the message.
async fn publish(channel: &Channel, queue: &str, body: &[u8], properties: BasicProperties) -> Result<()> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = properties.with_delivery_mode(PERSISTENT);
    let sent = within(channel.basic_publish("".into(), queue.into(), options, body, properties)).await?;
    let confirmation = within(sent).await?;
    let taken = confirmation.is_ack() && confirmation.take_message().is_none();
    ensure!(taken, words::queue_refuses(queue));
    Ok(())
}
