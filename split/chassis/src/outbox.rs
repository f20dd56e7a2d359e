//! The *transactional outbox*: a message is written in the transaction of the change that it tells of.

use contracts::{BoxError, Envelope, Message, TraceContext};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{CrashPoint, Flaw, sql};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::flawed;

/// A message to be published.
#[derive(Debug, Clone)]
pub struct OutboxEntry {
    message_id: Uuid,
    destination: String,
    queue: bool,
    headers: Option<Value>,
    body: Vec<u8>,
    /// The span within which it is written.
    parent_span: i64,
}

impl OutboxEntry {
    /// A message to whoever listens to its routing key. It was sealed within some span; publishing it is one of its own,
    /// which is given its place in the trace here, because that is what travels.
    pub fn new<M: Message + Serialize>(mut envelope: Envelope<M>) -> Result<Self, BoxError> {
        let within = envelope.traceparent;
        envelope.traceparent = within.child();
        Ok(Self {
            message_id: envelope.id,
            destination: envelope.message.routing_key().to_owned(),
            queue: false,
            headers: None,
            body: serde_json::to_vec(&envelope)?,
            parent_span: written(within),
        })
    }

    /// The row that the relay would have read, had it been written.
    pub(crate) fn unstored(&self) -> OutboxRow {
        let Self { destination, queue, headers, body, parent_span, .. } = self.clone();
        OutboxRow { id: 0, destination, queue, headers, body, parent_span: Some(parent_span), waited_us: 0 }
    }

    /// Bytes to one queue, whatever they are: a message to be tried again, or a dead letter.
    pub(crate) fn to_queue(queue: &str, headers: Value, body: Vec<u8>, within: TraceContext) -> Self {
        Self {
            message_id: Uuid::new_v4(),
            destination: queue.to_owned(),
            queue: true,
            headers: Some(headers),
            body,
            parent_span: written(within),
        }
    }
}

/// The id of a span as PostgreSQL can keep it, which knows no unsigned numbers.
fn written(within: TraceContext) -> i64 {
    within.ids().1.cast_signed()
}

/// Puts messages into the outbox. Whoever calls owns the transaction, and wakes the relay after the commit.
pub async fn enqueue(conn: &mut AsyncPgConnection, messages: &[OutboxEntry]) -> Result<(), BoxError> {
    if messages.is_empty() {
        return Ok(());
    }
    CrashPoint::BeforeOutboxWrite.pass();
    if Flaw::NoOutbox.is_on() {
        flawed::dual_write(messages);
        return Ok(());
    }
    sql("INSERT INTO chassis.outbox (message_id, destination, queue, headers, body, parent_span)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6)")
    .bind::<Array<SqlUuid>, _>(messages.iter().map(|message| message.message_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(messages.iter().map(|message| message.destination.as_str()).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(messages.iter().map(|message| message.queue).collect::<Vec<_>>())
    .bind::<Array<Nullable<Jsonb>>, _>(
        messages.iter().map(|message| message.headers.as_ref()).collect::<Vec<_>>(),
    )
    .bind::<Array<Binary>, _>(messages.iter().map(|message| message.body.as_slice()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(messages.iter().map(|message| message.parent_span).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    CrashPoint::AfterOutboxWrite.pass();
    Ok(())
}

/// A message that waits to be published.
#[derive(Debug, QueryableByName)]
pub(crate) struct OutboxRow {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub destination: String,
    #[diesel(sql_type = Bool)]
    pub queue: bool,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub headers: Option<Value>,
    #[diesel(sql_type = Binary)]
    pub body: Vec<u8>,
    /// The span within which it was written.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub parent_span: Option<i64>,
    /// How long it has waited, in microseconds, by the database's clock.
    #[diesel(sql_type = BigInt)]
    pub waited_us: i64,
}

/// The oldest messages that wait. What counts is that a row is there, not that its id is above some mark: ids become
/// visible in the order of commits, which is not the order of ids (rule 2).
pub(crate) async fn pending(conn: &mut AsyncPgConnection, limit: i64) -> Result<Vec<OutboxRow>, BoxError> {
    if Flaw::NoOutbox.is_on() {
        return Ok(flawed::dual_written());
    }
    let after = if Flaw::IdOrderedPolling.is_on() { flawed::last_id() } else { 0 };
    let rows: Vec<OutboxRow> = sql("SELECT id, destination, queue, headers, body, parent_span,
         (extract(epoch FROM clock_timestamp() - written_at) * 1000000)::bigint AS waited_us
         FROM chassis.outbox WHERE id > $2 ORDER BY id LIMIT $1")
    .bind::<BigInt, _>(limit)
    .bind::<BigInt, _>(after)
    .load(conn)
    .await?;
    flawed::seen(&rows);
    Ok(rows)
}

/// Removes messages that the broker has confirmed.
pub(crate) async fn remove(conn: &mut AsyncPgConnection, ids: &[i64]) -> Result<(), BoxError> {
    sql("DELETE FROM chassis.outbox WHERE id = ANY($1)").bind::<Array<BigInt>, _>(ids).execute(conn).await?;
    Ok(())
}
