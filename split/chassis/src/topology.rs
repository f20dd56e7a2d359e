//! Exchanges and queues, declared by every service that uses them: whoever comes first makes them.

use futures_util::future::try_join_all;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ExchangeKind};

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
            queue,
            routing_keys,
        }
    }

    /// Makes what is not there yet. Fails where a queue is there with other properties. What does not need the other is
    /// asked for at the same time: an instance that starts is waited for.
    pub async fn declare(&self, channel: &Channel) -> anyhow::Result<()> {
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let exchange = self.exchange.as_str().into();
        within(channel.exchange_declare(exchange, ExchangeKind::Topic, durable, FieldTable::default()))
            .await?;
        tokio::try_join!(
            queue(channel, &self.queue, quorum()),
            queue(channel, &self.dead, quorum()),
            queue(channel, &self.retry, self.back_after_delay())
        )?;
        try_join_all(self.routing_keys.iter().map(|key| self.bind(channel, key))).await?;
        Ok(())
    }

    async fn bind(&self, channel: &Channel, key: &str) -> anyhow::Result<()> {
        let (queue, exchange) = (self.queue.as_str().into(), self.exchange.as_str().into());
        let options = QueueBindOptions::default();
        within(channel.queue_bind(queue, exchange, key.into(), options, FieldTable::default())).await
    }

    /// A message waits in the retry queue until it expires, and then goes back to where it came from. At least once:
    /// the usual dead-lettering of a queue can lose a message (rule 16). Nothing is requeued at once (rule 17).
    fn back_after_delay(&self) -> FieldTable {
        let mut arguments = quorum();
        let mut set = |name: &str, value: &str| {
            arguments.insert(name.into(), text(value));
        };
        set("x-dead-letter-exchange", "");
        set("x-dead-letter-routing-key", &self.queue);
        set("x-dead-letter-strategy", "at-least-once");
        set("x-overflow", "reject-publish");
        arguments.insert("x-message-ttl".into(), AMQPValue::LongUInt(RETRY_DELAY_MS));
        arguments
    }
}

async fn queue(channel: &Channel, name: &str, arguments: FieldTable) -> anyhow::Result<()> {
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    within(channel.queue_declare(name.into(), durable, arguments)).await?;
    Ok(())
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
