//! How many messages each queue of a shop holds, and whether it has consumers.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};

use crate::words;
use terminal::language::seconds;
use topology::ShopHandle;

/// More than a healthy broker needs to respond.
const LIMIT: Duration = Duration::from_secs(3);

/// One queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Queue {
    pub messages: u32,
    pub consumers: u32,
}

/// The queues of every service and the dead-letter queues, by name. No message is consumed.
pub(super) async fn look(shop: &ShopHandle) -> Result<HashMap<String, Queue>> {
    let (Some(url), Some(namespace)) = (&shop.amqp_url, &shop.namespace) else {
        return Ok(HashMap::new());
    };
    let looking = async {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let mut queues = HashMap::new();
        for service in shop.driver.services() {
            for suffix in ["", ".retry", ".dead"] {
                let name = format!("{namespace}.{service}{suffix}");
                let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
                let queue =
                    channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await?;
                let (messages, consumers) = (queue.message_count(), queue.consumer_count());
                queues.insert(name, Queue { messages, consumers });
            }
        }
        connection.close(200, "looked".into()).await?;
        Ok::<_, lapin::Error>(queues)
    };
    let looked = tokio::time::timeout(LIMIT, looking).await;
    Ok(looked.with_context(|| words::broker_silent(seconds(LIMIT)))??)
}
