//! Finds messages that kill the process which handles them, without blaming those that were merely in flight.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use contracts::BoxError;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use platform::{Pool, db, sql};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::reactor::{Doing, Failure};
use crate::schema::suspects;

/// How many times a process may die while it handles this message alone, before the message becomes a dead letter.
pub const MAX_DEATHS: i32 = 5;

/// How long a handler may wait for a reply before the record says that it waits.
const NOTICEABLE: Duration = Duration::from_millis(100);

#[derive(QueryableByName)]
#[diesel(table_name = suspects, check_for_backend(Pg))]
struct Suspect {
    deaths: i32,
}

/// Records, before the work and outside its transaction, that the module is about to handle this message alone. If the
/// process dies now, the record stays. `recorded` says that this attempt follows one that has recorded it, so that no
/// process has died in between. Waiting for a connection, for the chassis's locks or for the broker is not covered, and
/// a process that died while [`handle`] was waiting did not die of the message.
pub async fn take_in_hand(pool: &Pool, message: Uuid, recorded: bool) -> Result<(), Failure> {
    let mut conn = pool.get().await.map_err(BoxError::from)?;
    let suspect: Suspect = sql("INSERT INTO chassis.suspects (message_id, deaths) VALUES ($1, 0)
         ON CONFLICT (message_id) DO UPDATE SET waits = false,
             deaths = suspects.deaths + CASE WHEN suspects.waits THEN 0 ELSE $2 END
         RETURNING deaths")
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

/// Does the work for a suspect message. A message can kill the process only while its handler runs, not while the handler
/// waits for a lock or for a slow database. So the record says when it waits, and is corrected before the handler
/// continues: rule 46 (bad moments).
pub async fn handle<T>(pool: &Pool, message: Uuid, mut work: Doing<'_, T>) -> Result<T, Failure> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        if tokio::time::timeout(NOTICEABLE, woken.0.notified()).await.is_err() {
            record(pool, message, true).await;
            woken.0.notified().await;
            record(pool, message, false).await;
        }
    }
}

/// Completes when the work can continue.
#[derive(Default)]
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Records whether the handler waits. If that fails, a death may be counted wrongly, which is better than not handling
/// the message.
async fn record(pool: &Pool, message: Uuid, waits: bool) {
    let recorded = async {
        let mut conn = db::get(pool).await?;
        let record = diesel::update(suspects::table.find(message)).set(suspects::waits.eq(waits));
        anyhow::Ok(record.execute(&mut conn).await?)
    };
    if let Err(error) = recorded.await {
        tracing::warn!(%error, %message, waits, "it is not recorded whether the handler waits");
    }
}

/// Removes the record: the process has survived the message, even if handling it failed.
pub async fn put_down(pool: &Pool, message: Uuid) -> Result<(), Failure> {
    let mut conn = pool.get().await.map_err(BoxError::from)?;
    diesel::delete(suspects::table.find(message)).execute(&mut conn).await?;
    Ok(())
}
