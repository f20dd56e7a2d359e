//! The consumer: handles many deliveries in one transaction and acknowledges them after the commit.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use contracts::{BoxError, Message};
use diesel_async::AsyncPgConnection;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions};
use platform::telemetry::{DATABASE, Kind, Span, Telemetry};
use platform::{Blame, CrashPoint, Flaw, NotCommitted, Pool, Waits, blame};
use tokio::sync::watch;
use uuid::Uuid;

use crate::broker::{Broker, BrokerFailed, consume, waits_on, within};
use crate::delivery::{Received, unpack};
use crate::inbox;
use crate::metrics::Metrics;
use crate::outbox;
use crate::reactor::{Failure, Fresh, Reactor};
use crate::relay::Handover;
use crate::suspects;
use crate::topology::Topology;
use crate::upgrade;

/// The maximum number of deliveries that are handled and acknowledged together.
const BATCH: usize = 128;

/// The maximum number of messages in one transaction. A delivery can carry 64 messages, and the locks of 128 × 64 =
/// 8,192 messages would be held for longer than the lock time-out.
const TRANSACTION: usize = 256;

/// The name of this part in reports of what waits. All batches are handled by one task.
const PART: &str = "consumer";

const PERIODIC: &str = "periodic work";

/// The pause after a failure that no message has caused.
const PAUSE: Duration = Duration::from_millis(250);

/// Consumes one queue.
pub struct Consumer<R: ?Sized> {
    pub broker: Broker,
    pub topology: Topology,
    pub pool: Pool,
    pub handover: Handover,
    pub reactor: Arc<R>,
    /// How many deliveries the broker may send ahead of our acks. lapin's own buffer is unbounded: rule 15 (prefetch).
    pub prefetch: u16,
    /// Whether the queue is being consumed; part of readiness.
    pub connected: Arc<AtomicBool>,
    pub waits: Waits,
    pub telemetry: Telemetry,
    pub metrics: Metrics,
}

impl<R: Reactor + ?Sized> Consumer<R> {
    /// Consumes until told to stop. Rebuilds everything when the connection is lost: rule 8 (reconnect).
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while let Err(error) = self.session(&mut stop).await {
            self.connected.store(false, Ordering::Relaxed);
            self.waits.begin(PART, waits_on(&error), format!("{error:#}"));
            if *stop.borrow() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Consumes until the connection is lost or the service stops.
    async fn session(&self, stop: &mut watch::Receiver<bool>) -> anyhow::Result<()> {
        let connection = self.broker.connect("consumer").await?;
        upgrade::replace_older_queue(&connection, &self.topology, &self.pool).await?;
        let channel = self.topology.declare(&connection).await?;
        let mut deliveries = consume(&channel, &self.topology.queue, self.prefetch).await?;
        // On a separate channel, because an ack with `multiple` must not cover deliveries of the other queue.
        let beside = within(connection.create_channel()).await?;
        let mut taken_out = consume(&beside, &self.topology.taken_out, 1).await?;
        self.connected.store(true, Ordering::Relaxed);
        self.waits.end(PART);
        while !*stop.borrow() {
            let first = tokio::select! {
                _ = stop.changed() => break,
                delivery = deliveries.next() => delivery.ok_or_else(cancelled)??,
                delivery = taken_out.next() => {
                    self.bring_back(&delivery.ok_or_else(cancelled)??).await?;
                    continue;
                }
            };
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Some(Some(delivery)) = deliveries.next().now_or_never()
            {
                batch.push(delivery?);
            }
            self.process(&batch, stop).await?;
        }
        // Stop consuming. Deliveries without an ack return to the queue when the connection closes.
        within(channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default())).await?;
        within(connection.close(200, "stopping".into())).await
    }

    /// Handles a batch, then acknowledges it. Nothing is acknowledged before its effects are committed:
    /// rule 12 (inbox).
    async fn process(&self, batch: &[Delivery], stop: &watch::Receiver<bool>) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut items: Vec<Received<R::Message>> =
            batch.iter().flat_map(|delivery| unpack(delivery, &self.telemetry)).collect();
        if Flaw::AckBeforeCommit.is_on() {
            ack(batch).await?;
        }
        for items in items.chunks_mut(TRANSACTION) {
            self.handle(items, stop).await?;
        }
        if Flaw::AckBeforeCommit.is_on() {
            return Ok(());
        }
        ack(batch).await?;
        for item in &items {
            let key = item.envelope.as_ref().map_or("unreadable", |envelope| envelope.message.routing_key());
            self.metrics.processed(key, began.elapsed());
        }
        Ok(())
    }

    /// Handles messages in as few transactions as possible.
    async fn handle(
        &self,
        items: &mut [Received<R::Message>],
        stop: &watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        for together in transactions(items) {
            self.handle_together(together, stop).await?;
        }
        Ok(())
    }

    /// Handles all items in one transaction. If one of them fails, each gets its own transaction.
    async fn handle_together(
        &self,
        items: &mut [Received<R::Message>],
        stop: &watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        match self.attempt(items, stop).await? {
            Ok(()) => Ok(()),
            Err(_) if items.len() > 1 => {
                for item in items {
                    Box::pin(self.handle_together(std::slice::from_mut(item), stop)).await?;
                }
                Ok(())
            }
            Err(failure) => {
                let unhandled =
                    items.iter_mut().map(|item| self.put_aside(item, &failure)).collect::<Vec<_>>();
                self.send(unhandled).await
            }
        }
    }

    /// Retries until the database works again. Returns only failures that the messages have caused.
    async fn attempt(
        &self,
        items: &[Received<R::Message>],
        stop: &watch::Receiver<bool>,
    ) -> anyhow::Result<Result<(), Failure>> {
        let recorded = Cell::new(false);
        loop {
            match self.transact(items, &recorded).await {
                Err(Failure::Broken(error)) if !counts_against(&error) => {
                    if *stop.borrow() {
                        bail!("stopped while the database was unavailable: {error}");
                    }
                    self.waits.begin(PART, "database", error);
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => {
                    self.waits.end(PART);
                    return Ok(outcome);
                }
            }
        }
    }

    /// One transaction with the inbox rows, the effects and the outbox rows: rules 1 (outbox) and 12 (inbox). `recorded`
    /// says whether an earlier attempt has recorded a suspect message.
    async fn transact(&self, items: &[Received<R::Message>], recorded: &Cell<bool>) -> Result<(), Failure> {
        let mut conn = self.pool.get().await.map_err(BoxError::from)?;
        let claimed_apart = match Flaw::InboxApart.is_on() {
            true => Some(inbox::claim(&mut conn, &ids_of(items)).await?),
            false => None,
        };
        let mut readable: Vec<_> = items
            .iter()
            .filter_map(|item| {
                let transaction = item.span.scope().span(Kind::Internal, "transaction").with(DATABASE);
                Some((item.envelope.as_ref().ok()?, transaction))
            })
            .collect();
        let done = in_transaction(&mut conn, async |conn| {
            let mut fresh = match claimed_apart {
                Some(fresh) => fresh,
                None => inbox::claim(conn, &ids_of(items)).await?,
            };
            // `remove`, so that a message which is in this batch twice is handled once.
            let mut messages = Vec::with_capacity(readable.len());
            for (envelope, transaction) in &mut readable {
                if fresh.remove(&envelope.id) {
                    let scope = transaction.scope().clone();
                    messages.push(Fresh { envelope: (*envelope).clone(), scope });
                } else {
                    transaction.set("cleave.duplicate", true);
                }
            }
            let suspect = messages.first().map(|fresh| fresh.envelope.id).filter(|_| items[0].suspicious);
            if let Some(message) = suspect {
                suspects::take_in_hand(&self.pool, message, recorded.get()).await?;
                recorded.set(true);
            }
            let work = self.reactor.react(conn, messages);
            let reacted = match suspect {
                None => work.await,
                Some(message) => {
                    let reacted = suspects::handle(&self.pool, message, work).await;
                    suspects::put_down(&self.pool, message).await?;
                    reacted
                }
            };
            let mut outgoing = reacted?;
            outgoing.extend(items.iter().filter_map(|item| {
                let reason = item.envelope.as_ref().err()?;
                Some(self.dead_letter(item, reason))
            }));
            let written = outbox::enqueue(conn, outgoing).await?;
            let commit = |(_, transaction): &(_, Span)| {
                transaction.scope().span(Kind::Client, "commit").with(DATABASE)
            };
            Ok((written, readable.iter().map(commit).collect::<Vec<_>>()))
        })
        .await;
        match done {
            Ok((written, commits)) => {
                drop(commits);
                self.handover.committed(written);
            }
            Err(failure) => {
                readable.iter_mut().for_each(|(_, transaction)| transaction.failed(failure.kind()));
                return Err(failure);
            }
        }
        self.reactor.committed();
        Ok(())
    }

    /// Runs the reactor's periodic work every second.
    pub async fn tick(&self, mut stop: watch::Receiver<bool>) {
        while tokio::time::timeout(Duration::from_secs(1), stop.changed()).await.is_err() {
            match self.reactor.every_second(&self.pool).await {
                Ok(false) => {}
                Ok(true) => self.handover.look(),
                Err(Failure::Broken(error)) if !counts_against(&error) => {
                    self.waits.begin(PERIODIC, "database", error);
                    continue;
                }
                Err(failure) => tracing::warn!(?failure, "periodic work failed and is retried in a second"),
            }
            self.waits.end(PERIODIC);
        }
    }
}

/// Splits messages into transactions that are as large as allowed, rule 48 (batch locks). A message that may have
/// killed a process gets its own transaction, so that it is known which one was being handled: rule 50 (delivery
/// limit).
fn transactions<M>(items: &mut [Received<M>]) -> impl Iterator<Item = &mut [Received<M>]> {
    let together = items.chunk_by_mut(|one, next| !one.suspicious && !next.suspicious);
    together.flat_map(|items| items.chunks_mut(TRANSACTION))
}

/// Whether a failure counts against the messages that were being handled. Database problems never count; they are
/// waited out, rule 46 (bad moments). This is the only place that decides it.
fn counts_against(error: &BoxError) -> bool {
    blame(&**error) == Blame::Message
}

fn cancelled() -> anyhow::Error {
    anyhow!("the broker cancelled the consumer").context(BrokerFailed)
}

/// The ids of all readable messages.
fn ids_of<M>(items: &[Received<M>]) -> Vec<Uuid> {
    let believed = |item: &&Received<M>| !(Flaw::TrustRedelivered.is_on() && item.redelivered);
    items.iter().filter(believed).filter_map(|item| Some(item.envelope.as_ref().ok()?.id)).collect()
}

/// Acknowledges everything up to the end of this batch.
async fn ack(batch: &[Delivery]) -> anyhow::Result<()> {
    let Some(last) = batch.last() else { return Ok(()) };
    CrashPoint::BeforeAck.pass();
    let everything_so_far = BasicAckOptions { multiple: true };
    if !within(last.acker.ack(everything_so_far)).await? {
        // The ack failed: the channel is gone, and the broker will deliver everything again. See rule 18 (failed ack).
        return Err(anyhow!("it did not accept an ack").context(BrokerFailed));
    }
    CrashPoint::AfterAck.pass();
    Ok(())
}

/// Runs work in a transaction. If the answer to its commit is lost, it is tried again, and the inbox tells whether it
/// was done.
async fn in_transaction<T>(
    conn: &mut AsyncPgConnection,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let done = platform::transaction(conn, async |conn| {
        let done = work(conn).await?;
        CrashPoint::BeforeCommit.pass();
        Ok(done)
    });
    match done.await {
        Ok(done) => {
            CrashPoint::AfterCommit.pass();
            Ok(done)
        }
        Err(NotCommitted::RolledBack(failure)) => Err(failure),
        Err(NotCommitted::Unknown(error)) => Err(Failure::Broken(error)),
    }
}
