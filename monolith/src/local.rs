//! The usual driver: the whole checkout in one local transaction.
//!
//! A step that refuses rolls everything back, so nothing has to be compensated. The refused order is then placed
//! again, cancelled, in a transaction of its own: the customer gets an order with a reason, not an error.

use checkout::plan;
use contracts::{BoxError, Command, Refusal};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use orders::{Decision, NewOrder, PlaceError};
use platform::{CrashPoint, Pool};

use crate::decided::{Decided, Rollback, insist, place};
use crate::modules;

/// Places an order and decides it.
pub async fn checkout(pool: &Pool, new: &NewOrder) -> Result<Decided, PlaceError> {
    insist(async || {
        let mut conn = pool.get().await.map_err(BoxError::from)?;
        let confirmed = conn.transaction(async |conn| confirm(conn, new).await).await;
        match confirmed {
            Ok(decided) => Ok(committed(decided)),
            Err(Rollback::Failed(error)) => Err(error),
            Err(Rollback::Refused(refusal)) => cancel(&mut conn, new, refusal).await,
        }
    })
    .await
}

/// The happy path: every step says yes.
async fn confirm(conn: &mut AsyncPgConnection, new: &NewOrder) -> Result<Decided, Rollback> {
    if let Some(known) = place(conn, new).await? {
        return Ok(known);
    }
    for step in plan(&new.placed) {
        // The event is dropped: in this process there is nobody who has not seen it happen.
        modules::handle(conn, step.action).await?;
    }
    CrashPoint::BeforeCommit.pass();
    Ok(Decided::new(new, Decision::Confirm))
}

/// The other one: the order is kept, with the reason why it is off.
pub async fn cancel(
    conn: &mut AsyncPgConnection,
    new: &NewOrder,
    refusal: Refusal,
) -> Result<Decided, PlaceError> {
    let cancelled = conn.transaction(async |conn| {
        if let Some(known) = place(conn, new).await? {
            return Ok(known);
        }
        let order_id = new.placed.order_id;
        modules::handle(conn, Command::CancelOrder { order_id, refusal: refusal.clone() }).await?;
        CrashPoint::BeforeCommit.pass();
        Ok(Decided::new(new, Decision::Cancel(refusal.clone())))
    });
    cancelled.await.map(committed).map_err(|rollback| match rollback {
        Rollback::Failed(error) => error,
        Rollback::Refused(refusal) => {
            PlaceError::Broken(format!("a cancellation was refused: {}", refusal.detail).into())
        }
    })
}

fn committed(decided: Decided) -> Decided {
    if !decided.replayed {
        CrashPoint::AfterCommit.pass();
    }
    decided
}
