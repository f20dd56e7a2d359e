//! Publishes one round of rows, and finds out which of them the broker has taken.

use std::collections::HashSet;
use std::time::Instant;

use futures_util::future::try_join_all;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use platform::{CrashPoint, Flaw};
use uuid::Uuid;

use super::Relay;
use crate::batch::{Batch, batches};
use crate::broker::within;
use crate::delivery::PUBLISHED;
use crate::holds::Holds;
use crate::outbox::OutboxRow;

/// AMQP's delivery mode for a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;

impl Relay {
    /// Publishes rows, waits for all confirms, and returns the ids of the safe rows. Only `Ack` without a return is
    /// success: rule 4 (confirms). Rows that were not taken stay in the outbox, and their destination is skipped for a
    /// while without delaying the others: rule 51 (partial progress).
    pub(super) async fn publish(
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

/// The ids of the returned messages. lapin attaches a return to the next confirm that completes, so they are collected
/// from all confirms: rule 6 (returns).
fn returned(confirmations: &[Confirmation]) -> HashSet<String> {
    let back = confirmations.iter().filter_map(|confirmation| match confirmation {
        Confirmation::Ack(message) | Confirmation::Nack(message) => message.as_ref(),
        Confirmation::NotRequested => None,
    });
    back.filter_map(|message| Some(message.delivery.properties.message_id().as_ref()?.to_string())).collect()
}
