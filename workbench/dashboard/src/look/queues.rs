//! The message counts of a split shop's queues, over one connection that stays open.

use anyhow::{Result, anyhow};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};

use super::LIMIT;
use crate::sample::Queue;
use crate::words;
use terminal::language::seconds;
use topology::ShopHandle;

/// Reads the counts.
pub(super) struct Queues {
    url: String,
    namespace: String,
    services: Vec<&'static str>,
    open: Option<(Connection, Channel)>,
}

impl Queues {
    pub(super) fn of(shop: &ShopHandle) -> Option<Queues> {
        let (url, namespace) = shop.amqp_url.clone().zip(shop.namespace.clone())?;
        Some(Queues { url, namespace, services: shop.driver.services(), open: None })
    }

    pub(super) async fn now(&mut self) -> Result<Vec<Queue>> {
        // Taken out, because a channel that is abandoned in the middle of a call cannot be reused.
        let open = self.open.take();
        let counting = async {
            let (connection, channel) = match open {
                Some(open) => open,
                None => {
                    let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
                    let channel = connection.create_channel().await?;
                    (connection, channel)
                }
            };
            let mut queues = Vec::new();
            for service in &self.services {
                let [waiting, retry, dead] = ["", ".retry", ".dead"]
                    .map(|suffix| count(&channel, format!("{}.{service}{suffix}", self.namespace)));
                let (waiting, retry, dead) = tokio::try_join!(waiting, retry, dead)?;
                queues.push(Queue { service: (*service).to_owned(), waiting, retry, dead });
            }
            anyhow::Ok(((connection, channel), queues))
        };
        let counted = tokio::time::timeout(LIMIT, counting).await;
        let (open, queues) = counted.map_err(|_| anyhow!(words::no_answer(seconds(LIMIT))))??;
        self.open = Some(open);
        Ok(queues)
    }
}

async fn count(channel: &Channel, queue: String) -> Result<u64> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(queue.as_str().into(), passive, FieldTable::default()).await?;
    Ok(queue.message_count().into())
}
