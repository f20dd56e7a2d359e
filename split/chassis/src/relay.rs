//! The *message relay*: from the outbox to the broker, at least once.
//!
//! A crash at any point leaves a row that was not confirmed, or one that was and is still there: it is published
//! again, and the inbox at the other end knows it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use diesel::QueryableByName;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use platform::telemetry::Telemetry;
use platform::{CrashPoint, Flaw, db, sql};
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::broker::{Broker, within};
use crate::delivery::PUBLISHED;
use crate::metrics::Metrics;
use crate::outbox::{self, OutboxRow};
use crate::publishing::Publishing;
use crate::topology::Topology;

/// Tells the relay that something was committed to the outbox. A hint: without it the relay looks all the same,
/// [`POLL`] later (rule 11).
pub type Wake = Arc<Notify>;

/// How often the relay looks unasked.
const POLL: Duration = Duration::from_millis(100);

/// The most rows that are published before any is removed.
const ROWS: i64 = 500;

/// The most messages that travel together.
const BATCH: usize = 64;

/// How long the relay waits after a failure before it builds everything anew.
const PAUSE: Duration = Duration::from_millis(500);

/// AMQP's mark for a message that must survive a restart of the broker.
const PERSISTENT: u8 = 2;

/// Publishes the outbox of one service.
pub struct Relay {
    pub database_url: String,
    pub broker: Broker,
    pub topology: Topology,
    pub wake: Wake,
    /// How often each message is published. Above 1 only where a test wants to see that it makes no difference.
    pub deliveries: u8,
    pub telemetry: Telemetry,
    pub metrics: Metrics,
}

impl Relay {
    /// Publishes until told to stop, and then what there is at that moment.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while let Err(error) = self.session(&mut stop).await {
            tracing::warn!(error = format!("{error:#}"), "the relay lost its connection and starts anew");
            if *stop.borrow() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One life of the relay's two connections.
    async fn session(&self, stop: &mut watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut conn = db::connect_one(&self.database_url).await?;
        while !only_relay(&mut conn).await? {
            if *stop.borrow() {
                return Ok(());
            }
            self.pause(stop).await;
        }
        let (_connection, channel) = self.broker.connect("relay").await?;
        self.topology.declare(&channel).await?;
        within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        loop {
            // Asked before the rows are read: whoever stops this relay writes no more, so these rows hold all it wrote.
            let stopping = *stop.borrow();
            let rows = outbox::pending(&mut conn, ROWS).await.map_err(|error| anyhow!(error))?;
            if rows.is_empty() {
                if stopping {
                    return Ok(());
                }
                self.pause(stop).await;
                continue;
            }
            if Flaw::SentBeforePublished.is_on() {
                outbox::remove(&mut conn, &rows.iter().map(|row| row.id).collect::<Vec<_>>())
                    .await
                    .map_err(|error| anyhow!(error))?;
            }
            CrashPoint::BeforePublish.pass();
            let publishing = Publishing::begin(&self.telemetry, &rows);
            let published = self.publish(&channel, &rows).await;
            self.metrics.published(published.is_ok(), publishing.elapsed());
            publishing.end(published.as_deref().unwrap_or_default());
            let confirmed = published?;
            CrashPoint::AfterConfirm.pass();
            outbox::remove(&mut conn, &confirmed).await.map_err(|error| anyhow!(error))?;
            CrashPoint::AfterMarkSent.pass();
            if confirmed.len() < rows.len() {
                bail!("{} messages reached no queue and stay in the outbox", rows.len() - confirmed.len());
            }
            // What comes now is written by other instances, whose relay waits for this one to go.
            if stopping && rows.len() < ROWS as usize {
                return Ok(());
            }
        }
    }

    async fn pause(&self, stop: &mut watch::Receiver<bool>) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            _ = stop.changed() => {}
        }
    }

    /// Publishes rows, waits for the broker's word on all of them, and gives the ids of those that are safe.
    async fn publish(&self, channel: &Channel, rows: &[OutboxRow]) -> anyhow::Result<Vec<i64>> {
        let batches = batches(rows);
        let mut sent = HashMap::new();
        let mut confirms = Vec::new();
        for batch in &batches {
            // A message id of its own for each batch: a returned one is known by it (rule 6).
            let id = Uuid::new_v4();
            sent.insert(id.to_string(), batch);
            for _ in 0..self.deliveries {
                confirms.push(self.send(channel, id, batch).await?);
            }
        }
        CrashPoint::AfterPublish.pass();
        if Flaw::UncheckedConfirm.is_on() {
            return Ok(rows.iter().map(|row| row.id).collect());
        }
        let returned = within(returned_messages(confirms)).await??;
        let safe = sent.iter().filter(|(id, _)| !returned.contains(*id));
        Ok(safe.flat_map(|(_, batch)| batch.rows.iter().map(|row| row.id)).collect())
    }

    fn headers(&self, batch: &Batch<'_>) -> FieldTable {
        let mut headers = batch.headers();
        if self.telemetry.is_on() {
            let now = contracts::clock::now().timestamp_micros();
            headers.insert(PUBLISHED.into(), AMQPValue::LongLongInt(now));
        }
        headers
    }

    async fn send(
        &self,
        channel: &Channel,
        id: Uuid,
        batch: &Batch<'_>,
    ) -> anyhow::Result<PublisherConfirm> {
        let exchange = if batch.rows[0].queue { "" } else { &self.topology.exchange };
        // Mandatory: a message that no queue takes comes back. Without it the broker drops and acks it (rule 5).
        let options = BasicPublishOptions { mandatory: !Flaw::NotMandatory.is_on(), ..Default::default() };
        let properties = BasicProperties::default()
            .with_message_id(id.to_string().into())
            .with_content_type(batch.content_type.into())
            .with_delivery_mode(PERSISTENT)
            .with_headers(self.headers(batch));
        let key = batch.rows[0].destination.as_str().into();
        within(channel.basic_publish(exchange.into(), key, options, &batch.body(), properties)).await
    }
}

/// Whether this is the service's only relay. Two would overtake each other and put an order's messages out of order
/// (rule 3). The lock lasts as long as the connection.
async fn only_relay(conn: &mut AsyncPgConnection) -> anyhow::Result<bool> {
    #[derive(QueryableByName)]
    struct Lock {
        #[diesel(sql_type = Bool)]
        locked: bool,
    }
    let lock: Lock =
        sql("SELECT pg_try_advisory_lock(hashtext('chassis.relay')) AS locked").get_result(conn).await?;
    Ok(lock.locked)
}

/// Messages that travel together: one AMQP message costs the broker the same whether it carries one or many.
struct Batch<'a> {
    rows: Vec<&'a OutboxRow>,
    content_type: &'static str,
}

/// Sorts rows into batches by destination, each in the order of its rows. What goes to one queue goes as it is.
fn batches(rows: &[OutboxRow]) -> Vec<Batch<'_>> {
    let mut batches: Vec<Batch> = Vec::new();
    for row in rows {
        let open = batches.iter_mut().rev().find(|batch| {
            !row.queue && batch.rows[0].destination == row.destination && batch.rows.len() < BATCH
        });
        match open {
            Some(batch) => {
                batch.rows.push(row);
                batch.content_type = "application/cloudevents-batch+json";
            }
            None => batches.push(Batch { rows: vec![row], content_type: "application/cloudevents+json" }),
        }
    }
    batches
}

impl Batch<'_> {
    /// One CloudEvent, or a JSON array of them.
    fn body(&self) -> Vec<u8> {
        if let [row] = self.rows.as_slice() {
            return row.body.clone();
        }
        let bodies: Vec<&[u8]> = self.rows.iter().map(|row| row.body.as_slice()).collect();
        [b"[".as_slice(), &bodies.join(b",".as_slice()), b"]"].concat()
    }

    fn headers(&self) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in self.rows[0].headers.iter().flat_map(|headers| headers.as_object()).flatten() {
            let value = match value.as_i64() {
                Some(number) => AMQPValue::LongLongInt(number),
                None => AMQPValue::LongString(value.as_str().unwrap_or_default().into()),
            };
            table.insert(name.as_str().into(), value);
        }
        table
    }
}

/// Waits for all confirms, and gives the ids of the messages that came back. Only `Ack` is success (rule 4). lapin
/// hands a returned message to whichever confirm completes next, so they are collected and matched by id (rule 6).
async fn returned_messages(
    confirms: Vec<PublisherConfirm>,
) -> lapin::Result<anyhow::Result<HashSet<String>>> {
    let mut returned = HashSet::new();
    for confirmation in try_join_all(confirms).await? {
        match confirmation {
            Confirmation::Ack(None) => {}
            Confirmation::Ack(Some(message)) => {
                let id = message.delivery.properties.message_id().as_ref().map(ToString::to_string);
                tracing::error!(id, key = %message.delivery.routing_key, "no queue takes this message");
                returned.extend(id);
            }
            other => return Ok(Err(anyhow!("the broker did not take a message: {other:?}"))),
        }
    }
    Ok(Ok(returned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, destination: &str, queue: bool) -> OutboxRow {
        let (destination, body) = (destination.into(), id.to_string().into());
        OutboxRow { id, destination, queue, headers: None, body, parent_span: None, waited_us: 0 }
    }

    #[test]
    fn messages_for_one_destination_travel_together_and_in_order() {
        let rows = [
            row(1, "a", false),
            row(2, "b", false),
            row(3, "a", false),
            row(4, "dead", true),
            row(5, "dead", true),
        ];
        let batches = batches(&rows);
        let bodies: Vec<String> =
            batches.iter().map(|batch| String::from_utf8(batch.body()).unwrap()).collect();
        assert_eq!(bodies, ["[1,3]", "2", "4", "5"]);
    }

    #[test]
    fn a_parcel_does_not_grow_without_end() {
        let rows: Vec<OutboxRow> = (0..BATCH as i64 + 1).map(|id| row(id, "a", false)).collect();
        let batches = batches(&rows);
        assert_eq!(batches.iter().map(|batch| batch.rows.len()).collect::<Vec<_>>(), [BATCH, 1]);
    }
}
