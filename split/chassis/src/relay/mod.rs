//! The *message relay*: publishes the outbox to the broker, at least once.
//!
//! Rows that this process has written come from memory, through the [`Handover`]. All others are read from the outbox:
//! those of other instances, those of a process that died, and those that were not taken.
//!
//! A crash at any point leaves rows that were not confirmed, or rows that were confirmed but not deleted yet. Both are
//! published again, and the receiver's inbox recognises duplicates.

mod handover;
mod publish;

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, anyhow};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use lapin::Channel;
use lapin::options::ConfirmSelectOptions;
use platform::telemetry::Telemetry;
use platform::{CrashPoint, Flaw, Waits, db};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::advisory;
use crate::broker::{Broker, BrokerFailed, waits_on, within};
use crate::holds::Holds;
use crate::metrics::Metrics;
use crate::outbox::{self, OutboxRow};
use crate::publishing::Publishing;
use crate::topology::Topology;

pub use handover::Handover;

/// How often the relay reads the outbox, and deletes what is published.
const POLL: Duration = Duration::from_millis(100);

/// The same if the last reading found something: then another instance is probably writing too.
const SOON: Duration = Duration::from_millis(10);

/// The maximum number of rows that are read at once, and of published ones that are not deleted yet.
const ROWS: usize = 500;

/// The name of this part in reports of what waits.
const PART: &str = "relay";

/// The pause after a failure, before the relay reconnects.
const PAUSE: Duration = Duration::from_millis(500);

/// The relay's session only deletes rows that the broker has confirmed, so it need not wait for the disk. If the
/// database loses a deletion, the row is published again, as after any crash.
const NOT_FLUSHED: &str = "SET synchronous_commit = off";
/// For rows to a queue. Dead letters have no inbox that would drop a second copy.
const FLUSHED: &str = "SET synchronous_commit = on";

/// Publishes the outbox of one service.
pub struct Relay {
    pub database_url: String,
    pub broker: Broker,
    pub topology: Topology,
    pub handover: Handover,
    /// How many times each message is published. More than 1 only in tests, to show that duplicates make no difference.
    pub deliveries: u8,
    pub waits: Waits,
    pub telemetry: Telemetry,
    pub metrics: Metrics,
}

/// The relay while both of its connections work.
struct Session<'a> {
    relay: &'a Relay,
    conn: AsyncPgConnection,
    channel: Channel,
    holds: Holds,
    /// Rows that are published and not deleted yet.
    sent: Vec<i64>,
    /// The same rows, and those of the last deletion: a transaction may have seen them just before.
    known: HashSet<i64>,
    /// When to read the outbox next.
    read_at: Instant,
}

impl Relay {
    /// Publishes until told to stop, then publishes what is pending at that moment.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while let Err(error) = self.session(&mut stop).await {
            self.waits.begin(PART, waits_on(&error), format!("{error:#}"));
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
            // The database responds: what another instance publishes is not waited for.
            self.waits.end(PART);
            if tokio::time::timeout(POLL, stop.wait_for(|stop| *stop)).await.is_ok() {
                return Ok(());
            }
            // The other instance reads them.
            drop(self.handover.take(&HashSet::new()));
        }
        conn.batch_execute(NOT_FLUSHED).await?;
        let connection = self.broker.connect("relay").await?;
        let channel = within(connection.create_channel()).await?;
        self.topology.declare_exchange(&channel).await?;
        within(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        self.waits.end(PART);
        let mut session = Session {
            relay: self,
            conn,
            channel,
            holds: Holds::default(),
            sent: Vec::new(),
            known: HashSet::new(),
            read_at: Instant::now(),
        };
        session.run(stop).await
    }

    async fn pause(&self, stop: &mut watch::Receiver<bool>, until: Instant) {
        tokio::select! {
            () = self.handover.notified() => {}
            () = tokio::time::sleep_until(until) => {}
            _ = stop.changed() => {}
        }
    }
}

impl Session<'_> {
    async fn run(&mut self, stop: &mut watch::Receiver<bool>) -> anyhow::Result<()> {
        loop {
            // Checked before reading the rows: the service writes nothing more once it stops the relay, so these rows
            // are complete.
            let stopping = *stop.borrow();
            let rows = self.next(stopping).await?;
            self.publish(&rows).await?;
            // Rows from now on are written by other instances, whose relay is waiting for this one to end.
            if stopping && rows.len() < ROWS {
                return self.delete_sent().await;
            }
            if rows.is_empty() {
                self.relay.pause(stop, self.read_at).await;
            }
        }
    }

    /// The rows to publish: those handed over, or those in the outbox if it is time to read it or there may be others.
    async fn next(&mut self, read: bool) -> anyhow::Result<Vec<OutboxRow>> {
        // Rows that are taken here and not used are in the outbox, which is read afterwards.
        let given = self.relay.handover.take(&self.known);
        let due = read || Instant::now() >= self.read_at || self.sent.len() >= ROWS;
        match given {
            // While a destination takes nothing, the outbox knows which rows have to wait.
            Some(rows) if !due && self.holds.are_none() => Ok(rows),
            _ => self.read().await,
        }
    }

    /// Deletes what is published, then reads the oldest pending rows.
    async fn read(&mut self) -> anyhow::Result<Vec<OutboxRow>> {
        self.delete_sent().await?;
        let held = self.holds.held(std::time::Instant::now());
        let rows =
            outbox::pending(&mut self.conn, &held, ROWS as i64).await.map_err(|error| anyhow!(error))?;
        let pause = match rows.len() {
            0 => POLL,
            ROWS.. => Duration::ZERO,
            _ => SOON,
        };
        self.read_at = Instant::now() + pause;
        if held.is_empty() && rows.len() < ROWS {
            self.holds.keep(|destination| rows.iter().any(|row| row.destination == destination));
        }
        Ok(rows)
    }

    async fn publish(&mut self, rows: &[OutboxRow]) -> anyhow::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let relay = self.relay;
        if Flaw::SentBeforePublished.is_on() {
            self.sent.extend(rows.iter().map(|row| row.id));
            self.delete_sent().await?;
        }
        CrashPoint::BeforePublish.pass();
        let publishing = Publishing::begin(&relay.telemetry, rows);
        let published = relay.publish(&self.channel, rows, &mut self.holds).await;
        relay.metrics.published(published.is_ok(), publishing.elapsed());
        publishing.end(published.as_deref().unwrap_or_default());
        let confirmed = published.context(BrokerFailed)?;
        CrashPoint::AfterConfirm.pass();
        if confirmed.len() < rows.len() {
            // The others are still in the outbox.
            self.read_at = Instant::now();
        }
        self.known.extend(&confirmed);
        self.sent.extend(confirmed);
        if rows.iter().any(|row| row.queue) {
            self.conn.batch_execute(FLUSHED).await?;
            self.delete_sent().await?;
            self.conn.batch_execute(NOT_FLUSHED).await?;
        }
        Ok(())
    }

    async fn delete_sent(&mut self) -> anyhow::Result<()> {
        if self.sent.is_empty() {
            return Ok(());
        }
        outbox::remove(&mut self.conn, &self.sent).await.map_err(|error| anyhow!(error))?;
        CrashPoint::AfterMarkSent.pass();
        self.known = self.sent.drain(..).collect();
        Ok(())
    }
}

/// Tries to become the service's only relay. Two relays would overtake each other and reorder an order's messages:
/// rule 3 (one relay). The lock lasts as long as the connection.
async fn only_relay(conn: &mut AsyncPgConnection) -> anyhow::Result<bool> {
    advisory::try_lock(conn, "chassis.relay").await
}
