//! The *inbox* (idempotent receiver): records which messages were handled.

use std::collections::HashSet;

use contracts::BoxError;
use diesel::pg::Pg;
use diesel::prelude::QueryableByName;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{CrashPoint, Flaw, sql};
use uuid::Uuid;

use crate::schema::inbox;

#[derive(QueryableByName)]
#[diesel(table_name = inbox, check_for_backend(Pg))]
struct Claimed {
    message_id: Uuid,
}

/// Marks messages as handled, in the transaction that handles them. Returns those that are new.
///
/// The broker's `redelivered` flag plays no part: it is not set when a publisher sends a message again. See
/// rule 13 (redelivered flag).
pub async fn claim(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> Result<HashSet<Uuid>, BoxError> {
    CrashPoint::BeforeInboxRow.pass();
    if Flaw::NoInbox.is_on() || Flaw::TrustRedelivered.is_on() {
        return Ok(ids.iter().copied().collect());
    }
    let claimed: Vec<Claimed> = sql("INSERT INTO chassis.inbox (message_id)
         SELECT DISTINCT id FROM unnest($1::uuid[]) AS id ORDER BY id
         ON CONFLICT DO NOTHING RETURNING message_id")
    .bind::<Array<SqlUuid>, _>(ids)
    .load(conn)
    .await?;
    CrashPoint::AfterInboxRow.pass();
    Ok(claimed.into_iter().map(|row| row.message_id).collect())
}

/// Deletes rows of messages that were handled more than a week ago. No message waits in a queue for that long and is
/// still useful: rule 14 (inbox retention).
pub async fn forget_old(conn: &mut AsyncPgConnection) -> Result<usize, BoxError> {
    // `now()` is constant within a transaction, so that the index on `handled_at` can be used.
    let old = sql("DELETE FROM chassis.inbox WHERE handled_at < now() - interval '7 days'");
    Ok(old.execute(conn).await?)
}
