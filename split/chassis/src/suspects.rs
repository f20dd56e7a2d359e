//! Messages that may end the process that handles them: found without blaming those that were only near.

use contracts::BoxError;
use diesel::QueryableByName;
use diesel::sql_types::{Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use platform::{Pool, sql};
use uuid::Uuid;

use crate::reactor::Failure;

/// How often a process may die with a message in hand, and no other, before the message is a dead letter.
pub const MAX_DEATHS: i32 = 5;

#[derive(QueryableByName)]
struct Suspect {
    #[diesel(sql_type = Integer)]
    deaths: i32,
}

/// Puts on record, before the work and beside its transaction, that this message alone is in the module's hands. A process
/// that dies now leaves the record behind; waiting for a connection, a lock of ours or the broker is outside of it.
pub async fn take_in_hand(pool: &Pool, message: Uuid) -> Result<(), Failure> {
    let mut conn = pool.get().await.map_err(BoxError::from)?;
    let suspect: Suspect = sql("INSERT INTO chassis.suspects (message_id, deaths) VALUES ($1, 0)
         ON CONFLICT (message_id) DO UPDATE SET deaths = suspects.deaths + 1 RETURNING deaths")
    .bind::<SqlUuid, _>(message)
    .get_result(&mut conn)
    .await?;
    drop(conn);
    if suspect.deaths < MAX_DEATHS {
        return Ok(());
    }
    // Given up, and free to be sent again by whoever has mended the cause.
    put_down(pool, message).await?;
    Err(Failure::Poison(format!("the service died {MAX_DEATHS} times while it handled this message")))
}

/// The process has survived it, whatever came of it.
pub async fn put_down(pool: &Pool, message: Uuid) -> Result<(), Failure> {
    let mut conn = pool.get().await.map_err(BoxError::from)?;
    sql("DELETE FROM chassis.suspects WHERE message_id = $1")
        .bind::<SqlUuid, _>(message)
        .execute(&mut conn)
        .await?;
    Ok(())
}
