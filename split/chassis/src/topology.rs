//! Exchanges and queues. Every service declares those that it uses; the first one creates them.

use futures_util::future::try_join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

use crate::broker::within;

/// How long a failed message waits before it is retried.
const RETRY_DELAY_MS: u32 = 1000;

/// The names that one service uses. All begin with the namespace, so that several shops can share a broker.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The exchange for all messages of the shop.
    pub exchange: String,
    /// The queue with this service's messages.
    pub queue: String,
    /// The queue in which a failed message waits for its next attempt.
    pub retry: String,
    /// The queue of messages that cannot be handled.
    pub dead: String,
    /// The queue for messages that the broker removes from `queue` on its own. They are put back: rule 50 (delivery
    /// limit).
    pub taken_out: String,
    /// The routing keys that `queue` is bound to.
    routing_keys: &'static [&'static str],
}

impl Topology {
    pub fn new(namespace: &str, service: &str, routing_keys: &'static [&'static str]) -> Self {
        let queue = format!("{namespace}.{service}");
        Self {
            exchange: namespace.to_owned(),
            retry: format!("{queue}.retry"),
            dead: format!("{queue}.dead"),
            taken_out: format!("{queue}.taken-out"),
            queue,
            routing_keys,
        }
    }

    /// Creates what does not exist yet, and returns the channel that was used. A queue that an older version declared,
    /// and that could not be replaced yet (see [`crate::upgrade`]), is used as it is.
    pub async fn declare(&self, connection: &Connection) -> anyhow::Result<Channel> {
        let channel = within(connection.create_channel()).await?;
        self.declare_beside(&channel).await?;
        if !self.declare_main(connection).await? {
            tracing::warn!(
                queue = self.queue,
                "an older version declared this queue, and a delivery limit can drop messages from it; it will be \
                 replaced at the next start at which it has no consumer"
            );
        }
        self.lead_to(&channel, &self.queue).await?;
        // Left over if an upgrade was interrupted.
        self.lead_away_from(&channel, &self.taken_out).await?;
        Ok(channel)
    }

    /// Declares the exchange. A relay needs nothing else, because a message that no queue takes is returned and waits.
    pub async fn declare_exchange(&self, channel: &Channel) -> anyhow::Result<()> {
        let exchange = self.exchange.as_str().into();
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        within(channel.exchange_declare(exchange, ExchangeKind::Topic, durable, FieldTable::default())).await
    }

    /// Declares the exchange and the other queues of this service.
    pub(crate) async fn declare_beside(&self, channel: &Channel) -> anyhow::Result<()> {
        self.declare_exchange(channel).await?;
        // Independent declarations run concurrently, because others may be waiting for this instance to start.
        tokio::try_join!(
            queue(channel, &self.dead, quorum()),
            queue(channel, &self.taken_out, classic()),
            queue(channel, &self.retry, self.back_after_delay())
        )?;
        Ok(())
    }

    /// Declares this service's main queue. `false` if it exists with other arguments, declared by an older version.
    pub(crate) async fn declare_main(&self, connection: &Connection) -> anyhow::Result<bool> {
        // On a separate channel, since the broker closes the channel if it refuses.
        let channel = within(connection.create_channel()).await?;
        match queue(&channel, &self.queue, self.out_when_returned()).await {
            Ok(()) => within(channel.close(200, "declared".into())).await.map(|()| true),
            Err(error) if is_precondition_failed(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Binds a queue to all of this service's routing keys.
    pub(crate) async fn lead_to(&self, channel: &Channel, queue: &str) -> anyhow::Result<()> {
        try_join_all(self.routing_keys.iter().map(|key| self.bind(channel, queue, key))).await?;
        Ok(())
    }

    /// Removes these bindings.
    pub(crate) async fn lead_away_from(&self, channel: &Channel, queue: &str) -> anyhow::Result<()> {
        let unbind = async |key: &str| {
            let (queue, exchange) = (queue.into(), self.exchange.as_str().into());
            within(channel.queue_unbind(queue, exchange, key.into(), FieldTable::default())).await
        };
        try_join_all(self.routing_keys.iter().map(|key| unbind(key))).await?;
        Ok(())
    }

    async fn bind(&self, channel: &Channel, queue: &str, key: &str) -> anyhow::Result<()> {
        let (queue, exchange) = (queue.into(), self.exchange.as_str().into());
        let options = QueueBindOptions::default();
        within(channel.queue_bind(queue, exchange, key.into(), options, FieldTable::default())).await
    }

    /// A message waits in the retry queue until it expires, then returns to its queue. Nothing is requeued immediately:
    /// rule 17 (requeue).
    fn back_after_delay(&self) -> FieldTable {
        let mut arguments = dead_lettering_to(&self.queue);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongUInt(RETRY_DELAY_MS));
        arguments
    }

    /// Messages that the broker removes from the queue, because they returned too often or for another reason, go to a
    /// queue from which [`crate::consumer`] puts them back: rule 50 (delivery limit). They do not go to the retry
    /// queue. From there they would expire into a queue that they came from, and the broker drops messages that go in a
    /// circle without having been rejected by a consumer.
    ///
    /// No delivery limit is set here: a policy may be lower, and then the lower one applies.
    fn out_when_returned(&self) -> FieldTable {
        dead_lettering_to(&self.taken_out)
    }
}

/// A quorum queue that dead-letters into another queue at least once. Default dead-lettering can lose a message:
/// rule 16 (attempts).
fn dead_lettering_to(queue: &str) -> FieldTable {
    let mut arguments = quorum();
    let mut set = |name: &str, value: &str| {
        arguments.insert(name.into(), text(value));
    };
    set("x-dead-letter-exchange", "");
    set("x-dead-letter-routing-key", queue);
    set("x-dead-letter-strategy", "at-least-once");
    set("x-overflow", "reject-publish");
    arguments
}

fn is_precondition_failed(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<lapin::Error>().map(lapin::Error::kind);
    let failed = AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED);
    matches!(kind, Some(ErrorKind::ProtocolError(error)) if *error.kind() == failed)
}

async fn queue(channel: &Channel, name: &str, arguments: FieldTable) -> anyhow::Result<()> {
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    within(channel.queue_declare(name.into(), durable, arguments)).await?;
    Ok(())
}

/// A durable queue that does not count deliveries, so that no limit can remove a message from it.
fn classic() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("classic"));
    arguments
}

/// A replicated, durable queue. It confirms a message only once it is on disk.
fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
