//! How many messages stand in the queues of a split shop.

use std::time::Duration;

use anyhow::{Context, anyhow};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};

use super::Subject;

/// The services that have queues.
const SERVICES: [&str; 5] = ["catalog", "inventory", "orders", "payments", "shipping"];

/// No answer of a healthy broker takes as long.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a count may take to become what it will be: a quorum queue tells of a delivery a moment after it.
const SETTLING: Duration = Duration::from_secs(5);

/// What was found at the broker.
#[derive(Debug)]
pub(super) enum Queues {
    /// This shop has no broker.
    None,
    /// Messages by queue.
    Counted(Vec<(String, u64)>),
}

/// Counts the messages of every queue. Nothing is taken from them.
pub(super) async fn read(subject: &Subject) -> anyhow::Result<Queues> {
    let (Some(url), Some(namespace)) = (&subject.shop.amqp_url, &subject.shop.namespace) else {
        return Ok(Queues::None);
    };
    let counting = async {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let started = tokio::time::Instant::now();
        let queues = loop {
            let queues = count(&channel, namespace).await?;
            if settled(&queues, subject.expected.poison) || started.elapsed() > SETTLING {
                break queues;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        connection.close(200, "counted".into()).await?;
        Ok::<_, lapin::Error>(queues)
    };
    let queues = tokio::time::timeout(LIMIT, counting)
        .await
        .map_err(|_| anyhow!("the broker did not answer the audit within {LIMIT:?}"))?
        .with_context(|| format!("the audit cannot count the queues of {namespace}"))?;
    Ok(Queues::Counted(queues))
}

fn settled(queues: &[(String, u64)], poison: u64) -> bool {
    queues.iter().map(|(_, messages)| messages).sum::<u64>() == poison
}

/// How many messages were given up.
pub(super) async fn dead_letters(channel: &Channel, namespace: &str) -> Result<u64, lapin::Error> {
    let mut letters = 0;
    for service in SERVICES {
        letters += messages(channel, &format!("{namespace}.{service}.dead")).await?;
    }
    Ok(letters)
}

async fn count(channel: &Channel, namespace: &str) -> Result<Vec<(String, u64)>, lapin::Error> {
    let mut queues = Vec::new();
    for service in SERVICES {
        for suffix in ["", ".retry", ".taken-out", ".dead"] {
            let name = format!("{namespace}.{service}{suffix}");
            let waiting = messages(channel, &name).await?;
            queues.push((name, waiting));
        }
    }
    Ok(queues)
}

async fn messages(channel: &Channel, queue: &str) -> Result<u64, lapin::Error> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(queue.into(), passive, FieldTable::default()).await?;
    Ok(queue.message_count().into())
}
