//! From the queue to the module: many deliveries in one transaction, acknowledged after its commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use contracts::{BoxError, Message};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions};
use platform::telemetry::{DATABASE, Kind, Span, Telemetry};
use platform::{Blame, CrashPoint, Flaw, Pool, blame};
use tokio::sync::watch;
use uuid::Uuid;

use crate::broker::{Broker, consume, within};
use crate::delivery::{Received, unpack};
use crate::inbox;
use crate::metrics::Metrics;
use crate::outbox;
use crate::reactor::{Failure, Fresh, Reactor};
use crate::relay::Wake;
use crate::suspects;
use crate::topology::Topology;
use crate::upgrade;

/// The most deliveries that are handled and acknowledged together.
const BATCH: usize = 128;

/// The most messages in one transaction: a delivery can carry 64, and what is locked by 8,192 of them is waited for longer
/// than a lock may take.
const TRANSACTION: usize = 256;

/// How long to wait after a failure that has nothing to do with any message.
const PAUSE: Duration = Duration::from_millis(250);

/// Consumes one queue.
pub struct Consumer<R: ?Sized> {
    pub broker: Broker,
    pub topology: Topology,
    pub pool: Pool,
    pub wake: Wake,
    pub reactor: Arc<R>,
    /// How many deliveries the broker may send ahead of our acks. lapin's own buffer has no bound (rule 15).
    pub prefetch: u16,
    /// Whether the queue is being consumed: a part of readiness.
    pub connected: Arc<AtomicBool>,
    pub telemetry: Telemetry,
    pub metrics: Metrics,
}

impl<R: Reactor + ?Sized> Consumer<R> {
    /// Consumes until told to stop; builds everything anew whenever the connection is lost (rule 8).
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while let Err(error) = self.session(&mut stop).await {
            self.connected.store(false, Ordering::Relaxed);
            tracing::warn!(error = format!("{error:#}"), "the consumer lost its connection and starts anew");
            if *stop.borrow() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One life of the connection.
    async fn session(&self, stop: &mut watch::Receiver<bool>) -> anyhow::Result<()> {
        let connection = self.broker.connect("consumer").await?;
        upgrade::replace_older_queue(&connection, &self.topology, &self.pool).await?;
        let channel = self.topology.declare(&connection).await?;
        let mut deliveries = consume(&channel, &self.topology.queue, self.prefetch).await?;
        // On a channel of its own: an ack for all so far must not reach over to the other.
        let beside = within(connection.create_channel()).await?;
        let mut taken_out = consume(&beside, &self.topology.taken_out, 1).await?;
        self.connected.store(true, Ordering::Relaxed);
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
        // Stop taking; what was delivered and not acked goes back to the queue when the connection closes.
        within(channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default())).await?;
        within(connection.close(200, "stopping".into())).await
    }

    /// Handles a batch, then acknowledges it. Nothing is acknowledged before its effects are committed (rule 12).
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

    /// Handles messages in as few transactions as may be.
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

    /// Handles all items in one transaction. Where one of them spoils it, each gets a transaction of its own.
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
                self.send(&unhandled).await
            }
        }
    }

    /// Tries until the database is there to give an answer. Only a failure that is about the messages comes back.
    async fn attempt(
        &self,
        items: &[Received<R::Message>],
        stop: &watch::Receiver<bool>,
    ) -> anyhow::Result<Result<(), Failure>> {
        loop {
            match self.transact(items).await {
                Err(Failure::Broken(error)) if !counts_against(&error) => {
                    if *stop.borrow() {
                        bail!("stopped while the database was away: {error}");
                    }
                    tracing::warn!(%error, "trying a batch again");
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return Ok(outcome),
            }
        }
    }

    /// One transaction: the inbox rows, the effects, the outbox rows (rules 1 and 12).
    async fn transact(&self, items: &[Received<R::Message>]) -> Result<(), Failure> {
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
            // `remove`, so that a message that is twice in this very batch is handled once.
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
                suspects::take_in_hand(&self.pool, message).await?;
            }
            let reacted = self.reactor.react(conn, messages).await;
            if let Some(message) = suspect {
                suspects::put_down(&self.pool, message).await?;
            }
            let mut outgoing = reacted?;
            outgoing.extend(items.iter().filter_map(|item| {
                let reason = item.envelope.as_ref().err()?;
                Some(self.dead_letter(item, reason))
            }));
            outbox::enqueue(conn, &outgoing).await?;
            let commit = |(_, transaction): &(_, Span)| {
                transaction.scope().span(Kind::Client, "commit").with(DATABASE)
            };
            Ok(readable.iter().map(commit).collect::<Vec<_>>())
        })
        .await;
        match done {
            Ok(commits) => drop(commits),
            Err(failure) => {
                readable.iter_mut().for_each(|(_, transaction)| transaction.failed(failure.kind()));
                return Err(failure);
            }
        }
        self.wake.notify_one();
        self.reactor.committed();
        Ok(())
    }

    /// Does every second what time has made due.
    pub async fn tick(&self, mut stop: watch::Receiver<bool>) {
        while tokio::time::timeout(Duration::from_secs(1), stop.changed()).await.is_err() {
            match self.reactor.every_second(&self.pool).await {
                Ok(false) => {}
                Ok(true) => self.wake.notify_one(),
                Err(failure) => tracing::warn!(?failure, "what was due is tried again in a second"),
            }
        }
    }
}

/// What goes into a transaction together: as much as its bound allows (rule 48), but for a message that may be what a
/// process died of. It goes alone, so that it is known what was in hand (rule 50).
fn transactions<M>(items: &mut [Received<M>]) -> impl Iterator<Item = &mut [Received<M>]> {
    let together = items.chunk_by_mut(|one, next| !one.suspicious && !next.suspicious);
    together.flat_map(|items| items.chunks_mut(TRANSACTION))
}

/// Whether a failure counts against the messages that were being handled. What is wrong with the database never does: it
/// is waited out (rule 46). The only place that decides this.
fn counts_against(error: &BoxError) -> bool {
    blame(&**error) == Blame::Message
}

fn cancelled() -> anyhow::Error {
    anyhow!("the broker cancelled us")
}

/// The ids of all messages that could be read.
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
        // Not acked: the channel is gone, and the broker will send all of it again (rule 18).
        bail!("the broker did not take an ack");
    }
    CrashPoint::AfterAck.pass();
    Ok(())
}

/// A transaction around some work. diesel's own `transaction` wants work that can move between threads, which a
/// reactor's future does not promise; here nothing moves.
async fn in_transaction<T>(
    conn: &mut AsyncPgConnection,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    AnsiTransactionManager::begin_transaction(conn).await?;
    match work(conn).await {
        Ok(value) => {
            CrashPoint::BeforeCommit.pass();
            AnsiTransactionManager::commit_transaction(conn).await?;
            CrashPoint::AfterCommit.pass();
            Ok(value)
        }
        Err(failure) => {
            // Where this fails too the connection is broken, and the pool throws it away.
            let _ = AnsiTransactionManager::rollback_transaction(conn).await;
            Err(failure)
        }
    }
}
