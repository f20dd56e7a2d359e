//! From the queue to the module: many deliveries in one transaction, acknowledged after its commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use contracts::{BoxError, Message};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use platform::telemetry::{self, DATABASE, Kind, Span, Telemetry};
use platform::{CrashPoint, Flaw, Pool, db};
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use crate::broker::{Broker, within};
use crate::delivery::{ATTEMPTS, Received, unpack};
use crate::inbox;
use crate::metrics::Metrics;
use crate::outbox::{self, OutboxEntry};
use crate::reactor::{Failure, Fresh, Reactor};
use crate::relay::Wake;
use crate::topology::Topology;

/// The most deliveries in one transaction.
const BATCH: usize = 128;

/// How often a message is tried before it is a dead letter.
const MAX_ATTEMPTS: i64 = 5;

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
        let (connection, channel) = self.broker.connect("consumer").await?;
        self.topology.declare(&channel).await?;
        within(channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        let queue = self.topology.queue.as_str().into();
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let mut deliveries = within(channel.basic_consume(queue, "".into(), options, arguments)).await?;
        self.connected.store(true, Ordering::Relaxed);
        while !*stop.borrow() {
            let first = tokio::select! {
                _ = stop.changed() => break,
                delivery = deliveries.next() => delivery.ok_or_else(|| anyhow!("the broker cancelled us"))??,
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
            return self.handle(&mut items, stop).await;
        }
        self.handle(&mut items, stop).await?;
        ack(batch).await?;
        for item in &items {
            let key = item.envelope.as_ref().map_or("unreadable", |envelope| envelope.message.routing_key());
            self.metrics.processed(key, began.elapsed());
        }
        Ok(())
    }

    /// Handles all items in one transaction. Where one of them spoils it, each gets a transaction of its own.
    async fn handle(
        &self,
        items: &mut [Received<R::Message>],
        stop: &watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        match self.attempt(items, stop).await? {
            Ok(()) => Ok(()),
            Err(_) if items.len() > 1 => {
                for item in items {
                    Box::pin(self.handle(std::slice::from_mut(item), stop)).await?;
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
                Err(Failure::Broken(error)) if db::is_transient(&error) => {
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
            let mut outgoing = self.reactor.react(conn, messages).await?;
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

    /// A message that failed alone: tried again later, or given up (rules 16 and 17).
    fn put_aside(&self, item: &mut Received<R::Message>, failure: &Failure) -> OutboxEntry {
        item.span.failed(failure.kind());
        match failure {
            Failure::Poison(reason) => self.dead_letter(item, reason),
            Failure::Broken(error) if item.attempts + 1 >= MAX_ATTEMPTS => {
                self.dead_letter(item, &format!("failed {MAX_ATTEMPTS} times: {error}"))
            }
            Failure::Broken(error) => {
                telemetry::on_behalf(item.span.scope(), || {
                    tracing::warn!(%error, attempts = item.attempts + 1, "a message failed and is tried again later");
                });
                self.metrics.set_aside("retry");
                let headers = json!({ ATTEMPTS: item.attempts + 1 });
                OutboxEntry::to_queue(&self.topology.retry, headers, item.raw.clone(), item.span.context())
            }
        }
    }

    /// Dead letters go through the outbox like everything else: in the transaction, confirmed, at least once.
    fn dead_letter(&self, item: &Received<R::Message>, reason: &str) -> OutboxEntry {
        telemetry::on_behalf(item.span.scope(), || {
            tracing::error!(reason, "a message cannot be handled and is dead-lettered");
        });
        self.metrics.set_aside("dead-letter");
        let queue = if Flaw::RequeueAtOnce.is_on() { &self.topology.queue } else { &self.topology.dead };
        OutboxEntry::to_queue(queue, json!({ "x-reason": reason }), item.raw.clone(), item.span.context())
    }

    async fn send(&self, messages: &[OutboxEntry]) -> anyhow::Result<()> {
        let mut conn = db::get(&self.pool).await?;
        outbox::enqueue(&mut conn, messages).await.map_err(|error| anyhow!(error))?;
        self.wake.notify_one();
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
