//! Replaces a queue that an older version declared, without losing a message.
//!
//! A queue's arguments cannot be changed after its declaration. So messages are routed to another queue, the old queue
//! is emptied into that one, deleted, and declared again. The other queue is the one from which messages are put back
//! anyway, so a crash at any point leaves no message in a queue without a consumer.

use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use platform::{Pool, db};

use crate::advisory;
use crate::broker::within;
use crate::topology::Topology;

/// How long the old queue must stay empty. Longer than expired messages from the retry queue need to arrive.
const QUIET: Duration = Duration::from_millis(500);

/// The lock of the instance that replaces the queue.
const UPGRADE: &str = "chassis.upgrade";

/// Replaces this service's queue if an older version declared it and it has no consumer. One instance at a time, or the
/// second would delete what the first has created.
pub async fn replace_older_queue(
    connection: &Connection,
    topology: &Topology,
    pool: &Pool,
) -> anyhow::Result<()> {
    if topology.declare_main(connection).await? {
        return Ok(());
    }
    let mut conn = db::get(pool).await?;
    ensure!(
        advisory::try_lock(&mut conn, UPGRADE).await?,
        "another instance is replacing the queue {}",
        topology.queue
    );
    let replaced = match topology.declare_main(connection).await {
        Ok(true) => Ok(()),
        Ok(false) => replace(connection, topology).await,
        Err(error) => Err(error),
    };
    advisory::unlock(&mut conn, UPGRADE).await?;
    replaced
}

async fn replace(connection: &Connection, topology: &Topology) -> anyhow::Result<()> {
    let channel = within(connection.create_channel()).await?;
    within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
    if consumers(&channel, &topology.queue).await? > 0 {
        return Ok(());
    }
    tracing::info!(queue = topology.queue, "replacing the queue that an older version declared");
    topology.declare_beside(&channel).await?;
    topology.lead_to(&channel, &topology.taken_out).await?;
    topology.lead_away_from(&channel, &topology.queue).await?;
    let mut moved = 0;
    loop {
        let now = empty(&channel, topology).await?;
        moved += now;
        if now == 0 && messages(&channel, &topology.retry).await? == 0 {
            break;
        }
        tokio::time::sleep(QUIET).await;
    }
    // A quorum queue cannot be deleted with the `if-unused` condition, so check it here.
    if consumers(&channel, &topology.queue).await? > 0 {
        topology.lead_to(&channel, &topology.queue).await?;
        return topology.lead_away_from(&channel, &topology.taken_out).await;
    }
    within(channel.queue_delete(topology.queue.as_str().into(), QueueDeleteOptions::default())).await?;
    ensure!(
        topology.declare_main(connection).await?,
        "an older version has just declared the queue {} again",
        topology.queue
    );
    tracing::info!(queue = topology.queue, moved, "replaced the queue");
    Ok(())
}

/// Moves all messages from the old queue to the other one. Returns how many.
async fn empty(channel: &Channel, topology: &Topology) -> anyhow::Result<u32> {
    let mut moved = 0;
    while let Some(message) =
        within(channel.basic_get(topology.queue.as_str().into(), BasicGetOptions::default())).await?
    {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let (to, properties) = (topology.taken_out.as_str().into(), message.properties.clone());
        let sent = channel.basic_publish("".into(), to, options, &message.data, properties);
        let confirmation = within(within(sent).await?).await?;
        if !confirmation.is_ack() || confirmation.take_message().is_some() {
            bail!("the queue {} did not take a message", topology.taken_out);
        }
        if !within(message.acker.ack(BasicAckOptions::default())).await? {
            return Err(anyhow!("the broker did not accept an ack"));
        }
        moved += 1;
    }
    Ok(moved)
}

async fn messages(channel: &Channel, queue: &str) -> anyhow::Result<u32> {
    let passive = QueueDeclareOptions { passive: true, ..Default::default() };
    Ok(within(channel.queue_declare(queue.into(), passive, FieldTable::default())).await?.message_count())
}

async fn consumers(channel: &Channel, queue: &str) -> anyhow::Result<u32> {
    let passive = QueueDeclareOptions { passive: true, ..Default::default() };
    Ok(within(channel.queue_declare(queue.into(), passive, FieldTable::default())).await?.consumer_count())
}
