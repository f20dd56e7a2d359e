//! Exchanges and queues, declared by every service that uses them: whoever comes first makes them.

use futures_util::future::try_join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

use crate::broker::within;

/// How long a message that failed waits before it is tried again.
const RETRY_DELAY_MS: u32 = 1000;

/// The names that one service uses. All begin with the namespace, so that several shops can share a broker.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The exchange that all messages of the shop go through.
    pub exchange: String,
    /// Where this service's messages wait.
    pub queue: String,
    /// Where a message that failed waits for its next attempt.
    pub retry: String,
    /// Where a message ends that cannot be handled.
    pub dead: String,
    /// Where the broker puts what it takes out of `queue` on its own account. It comes back from there (rule 50).
    pub taken_out: String,
    /// The routing keys that lead to `queue`.
    routing_keys: &'static [&'static str],
}

impl Topology {
    /// The topology of a service.
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

    /// Makes what is not there yet, and returns the channel on which that was done. A queue that an older version declared,
    /// and that could not be replaced yet (see [`crate::upgrade`]), is used as it is.
    pub async fn declare(&self, connection: &Connection) -> anyhow::Result<Channel> {
        let channel = within(connection.create_channel()).await?;
        self.declare_beside(&channel).await?;
        if !self.declare_main(connection).await? {
            tracing::warn!(
                queue = self.queue,
                "this queue was declared by an older version, and a delivery limit can drop messages from it; it is \
                 replaced at the next start at which nobody consumes it"
            );
        }
        self.lead_to(&channel, &self.queue).await?;
        // Left over where an upgrade was cut short.
        self.lead_away_from(&channel, &self.taken_out).await?;
        Ok(channel)
    }

    /// Declares the exchange: all that a relay needs, since what no queue takes comes back and waits.
    pub async fn declare_exchange(&self, channel: &Channel) -> anyhow::Result<()> {
        let exchange = self.exchange.as_str().into();
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        within(channel.exchange_declare(exchange, ExchangeKind::Topic, durable, FieldTable::default())).await
    }

    /// Declares the exchange, and the queues beside that of this service.
    pub(crate) async fn declare_beside(&self, channel: &Channel) -> anyhow::Result<()> {
        self.declare_exchange(channel).await?;
        // What does not need the other is asked for at the same time: an instance that starts is waited for.
        tokio::try_join!(
            queue(channel, &self.dead, quorum()),
            queue(channel, &self.taken_out, classic()),
            queue(channel, &self.retry, self.back_after_delay())
        )?;
        Ok(())
    }

    /// Declares the queue of this service. `false` where it is there with other arguments, as an older version left it.
    pub(crate) async fn declare_main(&self, connection: &Connection) -> anyhow::Result<bool> {
        // On a channel of its own, which the broker closes where it says no.
        let channel = within(connection.create_channel()).await?;
        match queue(&channel, &self.queue, self.out_when_returned()).await {
            Ok(()) => within(channel.close(200, "declared".into())).await.map(|()| true),
            Err(error) if is_precondition_failed(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Leads all messages for this service to a queue.
    pub(crate) async fn lead_to(&self, channel: &Channel, queue: &str) -> anyhow::Result<()> {
        try_join_all(self.routing_keys.iter().map(|key| self.bind(channel, queue, key))).await?;
        Ok(())
    }

    /// Leads them there no more.
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

    /// A message waits in the retry queue until it expires, and then goes back to where it came from. Nothing is requeued
    /// at once (rule 17).
    fn back_after_delay(&self) -> FieldTable {
        let mut arguments = dead_lettering_to(&self.queue);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongUInt(RETRY_DELAY_MS));
        arguments
    }

    /// What the broker takes out of the queue, because it came back too often or for any other reason of its own, goes
    /// where [`crate::consumer`] finds it (rule 50). Not to the retry queue, although that is where failures wait: from
    /// there it would expire into a queue in which it has been, and the broker stops a message that goes in a circle
    /// without anybody having rejected it.
    ///
    /// No limit of our own is set: a policy may be lower, and then the lower one counts.
    fn out_when_returned(&self) -> FieldTable {
        dead_lettering_to(&self.taken_out)
    }
}

/// A quorum queue that dead-letters to another one, at least once: the usual dead-lettering of a queue can lose a message
/// (rule 16).
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

/// A durable queue that counts no deliveries, so that no limit takes anything out of it.
fn classic() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("classic"));
    arguments
}

/// A replicated, durable queue, which confirms a message only once it is on disk.
fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
