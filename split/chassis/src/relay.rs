//! The *message relay*: publishes the outbox to the broker, at least once.
//!
//! A crash at any point leaves rows that were not confirmed, or rows that were confirmed but not deleted yet. Both are
//! published again, and the receiver's inbox recognises duplicates.

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

/// Tells the relay that something was committed to the outbox. Only a hint: without it the relay looks [`POLL`] later.
/// See rule 11 (polling).
pub type Wake = Arc<Notify>;

/// How often the relay looks without being woken.
const POLL: Duration = Duration::from_millis(100);

/// The maximum number of rows that are published before confirmed ones are removed.
const ROWS: i64 = 500;

/// The pause after a failure, before the relay reconnects.
const PAUSE: Duration = Duration::from_millis(500);

/// AMQP's delivery mode for a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// Publishes the outbox of one service.
pub struct Relay {
    pub database_url: String,
    pub broker: Broker,
    pub topology: Topology,
    pub wake: Wake,
    /// How many times each message is published. More than 1 only in tests, to show that duplicates make no difference.
    pub deliveries: u8,
    pub telemetry: Telemetry,
    pub metrics: Metrics,
}

impl Relay {
    /// Publishes until told to stop, then publishes what is pending at that moment.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while let Err(error) = self.session(&mut stop).await {
            tracing::warn!(error = format!("{error:#}"), "the relay lost its connection and reconnects");
            if *stop.borrow() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Publishes until one of its two connections is lost or the service stops.
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
            // Checked before reading the rows: the service writes nothing more once it stops the relay, so these rows
            // are complete.
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
            // Rows from now on are written by other instances, whose relay is waiting for this one to end.
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

    /// Publishes rows, waits for all confirms, and returns the ids of the safe rows. Only `Ack` without a return is
    /// success: rule 4 (confirms). Rows that were not taken stay in the outbox, and their destination is skipped for a
    /// while without delaying the others: rule 51 (partial progress).
    async fn publish(
        &self,
        channel: &Channel,
        rows: &[OutboxRow],
        holds: &mut Holds,
    ) -> anyhow::Result<Vec<i64>> {
        let batches = batches(rows, |destination| holds.doubts(destination));
        let (mut ids, mut confirms) = (Vec::new(), Vec::new());
        for batch in &batches {
            // Each batch has its own message id, by which a return is matched: rule 6 (returns).
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
        // Mandatory: a message that no queue takes is returned. Otherwise the broker would drop it and send an ack:
        // rule 5 (mandatory).
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

/// Tries to become the service's only relay. Two relays would overtake each other and reorder an order's messages:
/// rule 3 (one relay). The lock lasts as long as the connection.
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

/// The ids of the returned messages. lapin attaches a return to the next confirm that completes, so they are collected
/// from all confirms: rule 6 (returns).
fn returned(confirmations: &[Confirmation]) -> HashSet<String> {
    let back = confirmations.iter().filter_map(|confirmation| match confirmation {
        Confirmation::Ack(message) | Confirmation::Nack(message) => message.as_ref(),
        Confirmation::NotRequested => None,
    });
    back.filter_map(|message| Some(message.delivery.properties.message_id().as_ref()?.to_string())).collect()
}
