//! Messages that were not handled: they are retried later, dead-lettered, or put back into the queue.

use anyhow::anyhow;
use contracts::{TraceContext, excerpt};
use lapin::message::Delivery;
use platform::{Flaw, db, telemetry};
use serde_json::json;

use crate::broker::within;
use crate::consumer::Consumer;
use crate::delivery::{ATTEMPTS, Counts, MAX_ATTEMPTS, Received, TAKEN_OUT};
use crate::outbox::{self, OutboxEntry};
use crate::reactor::{Failure, Reactor};

/// The maximum length of a dead letter's reason, in bytes. Errors quote invalid input of any length: rule 49 (text
/// bounds).
const LONGEST_REASON: usize = 1000;

impl<R: Reactor + ?Sized> Consumer<R> {
    /// A message that failed by itself: retried later or given up, rules 16 (attempts) and 17 (requeue).
    pub(crate) fn put_aside(&self, received: &mut Received<R::Message>, failure: &Failure) -> OutboxEntry {
        received.span.failed(failure.kind());
        match failure {
            Failure::Poison(reason) => self.dead_letter(received, reason),
            Failure::Broken(error) if received.attempts + 1 >= MAX_ATTEMPTS => {
                self.dead_letter(received, &format!("failed {MAX_ATTEMPTS} times: {error}"))
            }
            Failure::Broken(error) => {
                telemetry::on_behalf(received.span.scope(), || {
                    let error = excerpt(&error.to_string(), LONGEST_REASON).into_owned();
                    tracing::warn!(
                        error,
                        attempts = received.attempts + 1,
                        "a message failed and will be retried later"
                    );
                });
                self.metrics.set_aside("retry");
                let headers = json!({ ATTEMPTS: received.attempts + 1 });
                let (queue, body) = (&self.topology.retry, received.raw.clone());
                OutboxEntry::to_queue(queue, headers, body, received.span.context())
            }
        }
    }

    /// Dead letters go through the outbox like all messages: within the transaction, confirmed, at least once.
    pub(crate) fn dead_letter(&self, received: &Received<R::Message>, reason: &str) -> OutboxEntry {
        let reason = excerpt(reason, LONGEST_REASON);
        telemetry::on_behalf(received.span.scope(), || {
            tracing::error!(reason = &*reason, "a message cannot be handled and is dead-lettered");
        });
        self.metrics.set_aside("dead-letter");
        let queue = if Flaw::RequeueAtOnce.is_on() { &self.topology.queue } else { &self.topology.dead };
        let headers = json!({ "x-reason": reason });
        OutboxEntry::to_queue(queue, headers, received.raw.clone(), received.span.context())
    }

    /// Puts a message back that the broker removed from the queue. The message is not known to be bad: the delivery
    /// limit counts every message that was in flight when a consumer died, and most of them did not cause it. See
    /// rules 46 (bad moments) and 50 (delivery limit).
    pub(crate) async fn bring_back(&self, delivery: &Delivery) -> anyhow::Result<()> {
        let counts = Counts::of(delivery);
        let headers = json!({ ATTEMPTS: counts.attempts, TAKEN_OUT: i64::from(counts.over_limit) });
        tracing::warn!(
            over_limit = counts.over_limit,
            "the broker removed a message from the queue, putting it back"
        );
        self.metrics.set_aside("brought-back");
        let (queue, body) = (&self.topology.queue, delivery.data.clone());
        self.send(vec![OutboxEntry::to_queue(queue, headers, body, TraceContext::root())]).await?;
        within(delivery.acker.ack(Default::default())).await?;
        Ok(())
    }

    pub(crate) async fn send(&self, messages: Vec<OutboxEntry>) -> anyhow::Result<()> {
        let mut conn = db::get(&self.pool).await?;
        let written = outbox::enqueue(&mut conn, messages).await.map_err(|error| anyhow!(error))?;
        self.handover.committed(written);
        Ok(())
    }
}
