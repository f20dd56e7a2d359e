//! The *message relay*: from the outbox to the broker, at least once.
//!
//! A crash at any point leaves a row that was not confirmed, or one that was and is still there: it is published
//! again, and the inbox at the other end knows it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
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

use crate::batch::{Batch, batches};
use crate::broker::{Broker, within};
use crate::delivery::PUBLISHED;
use crate::holds::Holds;
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
        let connection = self.broker.connect("relay").await?;
        let channel = within(connection.create_channel()).await?;
        self.topology.declare_exchange(&channel).await?;
        within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let mut holds = Holds::default();
        loop {
            // Asked before the rows are read: whoever stops this relay writes no more, so these rows hold all it wrote.
            let stopping = *stop.borrow();
            let held = holds.held(Instant::now());
            let rows = outbox::pending(&mut conn, &held, ROWS).await.map_err(|error| anyhow!(error))?;
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
            let published = self.publish(&channel, &rows, &mut holds).await;
            self.metrics.published(published.is_ok(), publishing.elapsed());
            publishing.end(published.as_deref().unwrap_or_default());
            let confirmed = published?;
            CrashPoint::AfterConfirm.pass();
            outbox::remove(&mut conn, &confirmed).await.map_err(|error| anyhow!(error))?;
            CrashPoint::AfterMarkSent.pass();
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

    /// Publishes rows, waits for the broker's word on all of them, and returns the ids of those that are safe. Only `Ack`
    /// without a return is success (rule 4). What was not taken stays in the outbox, and its destination is left alone
    /// for a while: that is no reason to hold up the others (rule 51).
    async fn publish(
        &self,
        channel: &Channel,
        rows: &[OutboxRow],
        holds: &mut Holds,
    ) -> anyhow::Result<Vec<i64>> {
        let batches = batches(rows, |destination| holds.doubts(destination));
        let (mut ids, mut confirms) = (Vec::new(), Vec::new());
        for batch in &batches {
            // A message id of its own for each batch: a returned one is known by it (rule 6).
            let id = Uuid::new_v4();
            ids.push(id);
            for _ in 0..self.deliveries {
                confirms.push(self.send(channel, id, batch).await?);
            }
        }
        CrashPoint::AfterPublish.pass();
        if Flaw::UncheckedConfirm.is_on() {
            return Ok(rows.iter().map(|row| row.id).collect());
        }
        let confirmations = within(try_join_all(confirms)).await?;
        let returned = returned(&confirmations);
        let of_batches = confirmations.chunks(self.deliveries.into());
        let mut safe = Vec::with_capacity(rows.len());
        let mut refused = HashSet::new();
        for ((batch, id), confirmations) in batches.iter().zip(ids).zip(of_batches) {
            let taken = confirmations.iter().all(|word| matches!(word, Confirmation::Ack(_)));
            match taken && !returned.contains(&id.to_string()) {
                true => safe.extend(batch.rows.iter().map(|row| row.id)),
                false => drop(refused.insert(batch.destination())),
            }
        }
        let now = Instant::now();
        batches
            .iter()
            .map(Batch::destination)
            .filter(|one| !refused.contains(one))
            .for_each(|one| holds.took(one));
        refused.into_iter().for_each(|one| holds.failed(one, now));
        Ok(safe)
    }

    fn headers(&self, batch: &Batch<'_>) -> FieldTable {
        let mut headers = batch.headers();
        if self.telemetry.is_on() {
            let now = contracts::clock::now().timestamp_micros();
            headers.insert(PUBLISHED.into(), AMQPValue::LongLongInt(now));
        }
        headers
    }

    async fn send(&self, channel: &Channel, id: Uuid, batch: &Batch<'_>) -> anyhow::Result<PublisherConfirm> {
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

/// The ids of the messages that came back. lapin hands a returned message to whichever confirm completes next, so they
/// are collected from all of them (rule 6).
fn returned(confirmations: &[Confirmation]) -> HashSet<String> {
    let back = confirmations.iter().filter_map(|confirmation| match confirmation {
        Confirmation::Ack(message) | Confirmation::Nack(message) => message.as_ref(),
        Confirmation::NotRequested => None,
    });
    back.filter_map(|message| Some(message.delivery.properties.message_id().as_ref()?.to_string())).collect()
}
