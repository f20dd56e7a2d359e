//! Finds messages that kill the process which handles them, without blaming those that were merely in flight.

use contracts::BoxError;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use platform::{Pool, sql};
use uuid::Uuid;

use crate::reactor::Failure;
use crate::schema::suspects;

/// How many times a process may die while it handles this message alone, before the message becomes a dead letter.
pub const MAX_DEATHS: i32 = 5;

#[derive(QueryableByName)]
#[diesel(table_name = suspects, check_for_backend(Pg))]
struct Suspect {
    deaths: i32,
}

/// Records, before the work and outside its transaction, that the module is about to handle this message alone. If the
/// process dies now, the record stays. `recorded` says that this attempt follows one that has recorded it, so that no
/// process has died in between. Waiting for a connection, for the chassis's locks or for the broker is not covered.
pub async fn take_in_hand(pool: &Pool, message: Uuid, recorded: bool) -> Result<(), Failure> {
    let mut conn = pool.get().await.map_err(BoxError::from)?;
    let suspect: Suspect = sql("INSERT INTO chassis.suspects (message_id, deaths) VALUES ($1, 0)
         ON CONFLICT (message_id) DO UPDATE SET deaths = suspects.deaths + $2 RETURNING deaths")
    .bind::<SqlUuid, _>(message)
    .bind::<Integer, _>(i32::from(!recorded))
    .get_result(&mut conn)
    .await?;
    drop(conn);
    if suspect.deaths < MAX_DEATHS {
        return Ok(());
    }
    // Given up. The record is removed, so that the message can be sent again once the cause is fixed.
    put_down(pool, message).await?;
    Err(Failure::Poison(format!("the service died {MAX_DEATHS} times while handling this message")))
}

/// Removes the record: the process has survived the message, even if handling it failed.
pub async fn put_down(pool: &Pool, message: Uuid) -> Result<(), Failure> {
    let mut conn = pool.get().await.map_err(BoxError::from)?;
    diesel::delete(suspects::table.find(message)).execute(&mut conn).await?;
    Ok(())
}
