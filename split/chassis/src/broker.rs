//! Connections to RabbitMQ.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, anyhow};
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};

/// The time limit for every request to the broker: rule 7 (broker waits). Longer than a few heartbeats, so that a dead
/// broker is detected by the heartbeat and a slow one is not given up too early.
pub const LIMIT: Duration = Duration::from_secs(10);

/// The time limit for connecting. A broker that has just started can accept a connection and then never respond on it,
/// but a new attempt soon after succeeds.
const CONNECT: Duration = Duration::from_secs(3);

/// The context of errors that are the broker's.
#[derive(Debug, Clone, Copy)]
pub struct BrokerFailed;

impl fmt::Display for BrokerFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the broker failed")
    }
}

/// What a session that ended with this error waits for.
pub fn waits_on(error: &anyhow::Error) -> &'static str {
    let of_broker = error.is::<BrokerFailed>() || error.chain().any(|cause| cause.is::<lapin::Error>());
    if of_broker { "broker" } else { "database" }
}

/// The broker's address.
#[derive(Debug, Clone)]
pub struct Broker {
    url: String,
}

impl Broker {
    /// A broker at this URL. A heartbeat of 5 s detects a dead peer. lapin's own recovery stays off, because a
    /// connection that it recovers can leave a confirm hanging. The owner of a connection opens a new one instead:
    /// rule 8 (reconnect).
    pub fn new(url: &str) -> Self {
        let separator = if url.contains('?') { '&' } else { '?' };
        Self { url: format!("{url}{separator}heartbeat=5") }
    }

    /// Opens a connection. Publishing and consuming use separate ones, so that acks still get through while the broker
    /// blocks publishers: rule 9 (two connections).
    pub async fn connect(&self, purpose: &str) -> anyhow::Result<Connection> {
        let properties = ConnectionProperties::default().with_connection_name(purpose.into());
        limited(CONNECT, Connection::connect(&self.url, properties)).await.map_err(|error| {
            anyhow!(
                "cannot connect to the broker {}: {error:#}. Check that RabbitMQ is running there and that the user \
                 and password in --amqp-url (or AMQP_URL) are correct",
                platform::db::without_password(self.url.split('?').next().unwrap_or_default())
            )
            .context(BrokerFailed)
        })
    }
}

/// Starts consuming a queue. At most `prefetch` messages are in flight without an ack.
pub async fn consume(channel: &Channel, queue: &str, prefetch: u16) -> anyhow::Result<lapin::Consumer> {
    within(channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    within(channel.basic_consume(queue.into(), "".into(), options, arguments)).await
}

/// Waits for the broker's reply, up to the time limit.
pub async fn within<T>(answer: impl Future<Output = lapin::Result<T>>) -> anyhow::Result<T> {
    limited(LIMIT, answer).await
}

async fn limited<T>(limit: Duration, answer: impl Future<Output = lapin::Result<T>>) -> anyhow::Result<T> {
    let answer = tokio::time::timeout(limit, answer).await;
    let answer = answer.with_context(|| format!("no reply within {} s", limit.as_secs()));
    answer.context(BrokerFailed)?.context(BrokerFailed)
}
