//! Connections to RabbitMQ.

use std::time::Duration;

use anyhow::{Context, anyhow};
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};

/// The longest that anything asked of the broker may take (rule 7). Longer than a few heartbeats, so that a broker
/// that is gone is noticed by the heartbeat and a slow one is not given up too early.
pub const LIMIT: Duration = Duration::from_secs(10);

/// The longest that a connection may take. A broker that has just started was seen to take connections and not go on
/// with them; whoever tries again soon is served.
const CONNECT: Duration = Duration::from_secs(3);

/// Where the broker is.
#[derive(Debug, Clone)]
pub struct Broker {
    url: String,
}

impl Broker {
    /// A broker at this URL. A heartbeat of 5 s notices a dead peer; lapin's own recovery stays off, because a
    /// connection that it revives can leave a confirm hanging: whoever owns a connection builds a new one (rule 8).
    pub fn new(url: &str) -> Self {
        let separator = if url.contains('?') { '&' } else { '?' };
        Self { url: format!("{url}{separator}heartbeat=5") }
    }

    /// Opens a connection. Whoever publishes has one, and whoever consumes has another: a broker that blocks publishers then
    /// still gets its acks (rule 9).
    pub async fn connect(&self, purpose: &str) -> anyhow::Result<Connection> {
        let properties = ConnectionProperties::default().with_connection_name(purpose.into());
        limited(CONNECT, Connection::connect(&self.url, properties)).await.map_err(|error| {
            anyhow!(
                "no connection to the broker {}: {error:#}. Check that RabbitMQ is running there and that the user \
                 and the password in --amqp-url (or AMQP_URL) are right",
                platform::db::without_password(self.url.split('?').next().unwrap_or_default())
            )
        })
    }
}

/// Takes a queue's messages, with so many ahead of our acks.
pub async fn consume(channel: &Channel, queue: &str, prefetch: u16) -> anyhow::Result<lapin::Consumer> {
    within(channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    within(channel.basic_consume(queue.into(), "".into(), options, arguments)).await
}

/// Waits for an answer of the broker, and not for ever.
pub async fn within<T>(answer: impl Future<Output = lapin::Result<T>>) -> anyhow::Result<T> {
    limited(LIMIT, answer).await
}

async fn limited<T>(limit: Duration, answer: impl Future<Output = lapin::Result<T>>) -> anyhow::Result<T> {
    let answer = tokio::time::timeout(limit, answer).await;
    Ok(answer.with_context(|| format!("the broker did not answer within {} s", limit.as_secs()))??)
}
