//! The *transactional outbox*: a message is written in the same transaction as the change that it reports.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use contracts::{BoxError, Envelope, Message, TraceContext};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{CrashPoint, Flaw, sql};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::schema::outbox;

mod flawed;

/// A message to be published.
#[derive(Debug, Clone)]
pub struct OutboxEntry {
    message_id: Uuid,
    destination: String,
    queue: bool,
    headers: Option<Value>,
    body: Vec<u8>,
    /// The span in which it is written.
    parent_span: i64,
    /// The order that it is about; `None` for bytes to a queue.
    subject: Option<Uuid>,
}

impl OutboxEntry {
    /// A message to all queues bound to its routing key. Publishing it gets a span of its own. That span's id is
    /// assigned here and replaces the one in the envelope, since the envelope travels to the consumer.
    pub fn new<M: Message + Serialize>(mut envelope: Envelope<M>) -> Result<Self, BoxError> {
        let within = envelope.traceparent;
        envelope.traceparent = within.child();
        Ok(Self {
            message_id: envelope.id,
            subject: Some(envelope.subject.0),
            destination: envelope.message.routing_key().to_owned(),
            queue: false,
            headers: None,
            body: serde_json::to_vec(&envelope)?,
            parent_span: written(within),
        })
    }

    /// The row as the relay would read it, with this id.
    fn into_row(self, id: i64) -> OutboxRow {
        let Self { destination, queue, headers, body, parent_span, subject, .. } = self;
        OutboxRow {
            id,
            destination,
            queue,
            headers,
            body,
            parent_span: Some(parent_span),
            subject,
            waited_us: 0,
        }
    }

    /// Bytes to a queue, unchanged: a message to be retried, or a dead letter.
    pub(crate) fn to_queue(queue: &str, headers: Value, body: Vec<u8>, within: TraceContext) -> Self {
        Self {
            message_id: Uuid::new_v4(),
            subject: None,
            destination: queue.to_owned(),
            queue: true,
            headers: Some(headers),
            body,
            parent_span: written(within),
        }
    }
}

/// A span id as PostgreSQL stores it, which has no unsigned numbers.
fn written(within: TraceContext) -> i64 {
    within.ids().1.cast_signed()
}

/// Rows that a transaction has put into the outbox. After the commit, give them to [`Handover`](crate::Handover).
#[derive(Debug, Default)]
#[must_use = "the relay publishes them at once only if they are handed over"]
pub struct Written(pub(crate) Vec<WrittenRow>);

/// A row, and what the relay has to know before it publishes the row without reading the outbox.
#[derive(Debug)]
pub(crate) struct WrittenRow {
    pub row: OutboxRow,
    /// Rows of the same order that were in the outbox before this one.
    pub earlier: Vec<i64>,
    at: Instant,
}

impl WrittenRow {
    /// The row with its waiting time until now.
    pub fn waited(self) -> OutboxRow {
        let waited_us = self.at.elapsed().as_micros().try_into().unwrap_or(i64::MAX);
        OutboxRow { waited_us, ..self.row }
    }
}

#[derive(QueryableByName)]
#[diesel(table_name = outbox, check_for_backend(Pg))]
struct Inserted {
    message_id: Uuid,
    id: i64,
    #[diesel(sql_type = Array<BigInt>)]
    earlier: Vec<i64>,
}

/// Rows that the same statement inserts are not visible to the subquery.
const INSERT: &str = "INSERT INTO chassis.outbox AS written
        (message_id, destination, queue, headers, body, parent_span, subject)
    SELECT message_id, destination, queue, headers, body, parent_span, subject
    FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::jsonb[], $5::bytea[], $6::bigint[], $7::uuid[])
        AS message (message_id, destination, queue, headers, body, parent_span, subject)
    RETURNING message_id, id,
        ARRAY(SELECT before.id FROM chassis.outbox AS before WHERE before.subject = written.subject) AS earlier";

/// Puts messages into the outbox. The caller owns the transaction, and hands the result over after the commit.
///
/// If two messages have the same id, because they repeat one answer, only one of them is in the result.
pub async fn enqueue(conn: &mut AsyncPgConnection, messages: Vec<OutboxEntry>) -> Result<Written, BoxError> {
    if messages.is_empty() {
        return Ok(Written::default());
    }
    CrashPoint::BeforeOutboxWrite.pass();
    if Flaw::NoOutbox.is_on() {
        flawed::dual_write(messages);
        return Ok(Written::default());
    }
    let at = Instant::now();
    let inserted: Vec<Inserted> = sql(INSERT)
        .bind::<Array<SqlUuid>, _>(messages.iter().map(|message| message.message_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(
            messages.iter().map(|message| message.destination.as_str()).collect::<Vec<_>>(),
        )
        .bind::<Array<Bool>, _>(messages.iter().map(|message| message.queue).collect::<Vec<_>>())
        .bind::<Array<Nullable<Jsonb>>, _>(
            messages.iter().map(|message| message.headers.as_ref()).collect::<Vec<_>>(),
        )
        .bind::<Array<Binary>, _>(messages.iter().map(|message| message.body.as_slice()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(messages.iter().map(|message| message.parent_span).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            messages.iter().map(|message| message.subject).collect::<Vec<_>>(),
        )
        .load(conn)
        .await?;
    CrashPoint::AfterOutboxWrite.pass();
    let mut messages: HashMap<Uuid, OutboxEntry> =
        messages.into_iter().map(|message| (message.message_id, message)).collect();
    let rows = inserted.into_iter().filter_map(|Inserted { message_id, id, earlier }| {
        Some(WrittenRow { row: messages.remove(&message_id)?.into_row(id), earlier, at })
    });
    Ok(Written(rows.collect()))
}

/// A row that waits to be published.
#[derive(Debug, QueryableByName)]
#[diesel(table_name = outbox, check_for_backend(Pg))]
pub(crate) struct OutboxRow {
    pub id: i64,
    pub destination: String,
    pub queue: bool,
    pub headers: Option<Value>,
    pub body: Vec<u8>,
    /// The span in which it was written.
    pub parent_span: Option<i64>,
    /// The order that it is about, if any.
    pub subject: Option<Uuid>,
    /// How long it has waited, in microseconds.
    #[diesel(sql_type = BigInt)]
    pub waited_us: i64,
}

const PENDING: &str = "SELECT id, destination, queue, headers, body, parent_span, subject,
    (extract(epoch FROM clock_timestamp() - written_at) * 1000000)::bigint AS waited_us
    FROM chassis.outbox WHERE id > $2 ORDER BY id LIMIT $1";

const PENDING_BUT_HELD: &str = "SELECT id, destination, queue, headers, body, parent_span, subject,
    (extract(epoch FROM clock_timestamp() - written_at) * 1000000)::bigint AS waited_us
    FROM chassis.outbox WHERE id > $2 AND destination <> ALL($3) AND NOT EXISTS (
        SELECT FROM chassis.outbox AS held
        WHERE held.subject = outbox.subject AND held.id < outbox.id AND held.destination = ANY($3))
    ORDER BY id LIMIT $1";

/// The oldest pending rows, except those to a held destination and later ones of the same orders: rule 51 (partial
/// progress).
///
/// A row is pending because it exists, not because its id is above some mark. Ids become visible in the order of
/// commits, which is not the order of the ids: rule 2 (pending rows).
pub(crate) async fn pending(
    conn: &mut AsyncPgConnection,
    held: &[&str],
    limit: i64,
) -> Result<Vec<OutboxRow>, BoxError> {
    if Flaw::NoOutbox.is_on() {
        return Ok(flawed::dual_written());
    }
    let after = if Flaw::IdOrderedPolling.is_on() { flawed::last_id() } else { 0 };
    let rows: Vec<OutboxRow> = if held.is_empty() {
        sql(PENDING).bind::<BigInt, _>(limit).bind::<BigInt, _>(after).load(conn).await?
    } else {
        sql(PENDING_BUT_HELD)
            .bind::<BigInt, _>(limit)
            .bind::<BigInt, _>(after)
            .bind::<Array<Text>, _>(held)
            .load(conn)
            .await?
    };
    flawed::seen(&rows);
    Ok(rows)
}

/// Removes rows that the broker has confirmed.
pub(crate) async fn remove(conn: &mut AsyncPgConnection, ids: &[i64]) -> Result<(), BoxError> {
    diesel::delete(outbox::table.filter(outbox::id.eq_any(ids))).execute(conn).await?;
    Ok(())
}

/// Which of these orders still have a message to be published. Call this before asking again: a question that has not
/// been sent cannot have been answered. See rule 52 (asking again).
pub async fn unsent(conn: &mut AsyncPgConnection, orders: &[Uuid]) -> Result<HashSet<Uuid>, BoxError> {
    let unsent = outbox::table.filter(outbox::subject.eq_any(orders));
    let subjects: Vec<Uuid> = unsent.select(outbox::subject.assume_not_null()).distinct().load(conn).await?;
    Ok(subjects.into_iter().collect())
}

#[cfg(test)]
impl WrittenRow {
    /// A row with this id, after these others of its order.
    pub fn for_test(id: i64, earlier: &[i64]) -> WrittenRow {
        let entry = OutboxEntry::to_queue("queue", Value::Null, Vec::new(), TraceContext::root());
        WrittenRow { row: entry.into_row(id), earlier: earlier.to_vec(), at: Instant::now() }
    }
}
