//! The default driver: the whole checkout in one local transaction.
//!
//! If a step refuses, everything is rolled back, so nothing has to be compensated. The order is then stored as
//! cancelled in a second transaction, so that the customer gets an order with a reason instead of an error.

use checkout::plan;
use contracts::{BoxError, Command, Refusal};
use diesel_async::AsyncPgConnection;
use orders::{Decision, NewOrder, PlaceError};
use platform::telemetry::{DATABASE, Kind, Scope, Span};
use platform::{CrashPoint, NotCommitted, Pool, Waits};

use crate::decided::{Decided, Rollback, insist, place};
use crate::modules;

/// Places an order and decides it.
pub async fn checkout(
    pool: &Pool,
    waits: &Waits,
    new: &NewOrder,
    within: &Scope,
) -> Result<Decided, PlaceError> {
    insist(waits, async || {
        let mut conn = pool.get().await.map_err(BoxError::from)?;
        let mut transaction = within.span(Kind::Internal, "transaction").with(DATABASE);
        let work = async |conn: &mut _| confirm(conn, new, transaction.scope()).await;
        let confirmed = platform::transaction(&mut conn, work).await;
        match confirmed {
            Ok((decided, commit)) => {
                commit.end();
                transaction.of(decided.order.placed.order_id);
                Ok(committed(decided))
            }
            Err(NotCommitted::Unknown(error)) => {
                transaction.failed("unknown");
                Err(PlaceError::Unknown(error))
            }
            Err(NotCommitted::RolledBack(Rollback::Failed(error))) => {
                transaction.failed("broken");
                Err(error)
            }
            Err(NotCommitted::RolledBack(Rollback::Refused(refusal))) => {
                transaction.set("cleave.refusal", refusal.code.as_str());
                transaction.end();
                cancel(&mut conn, new, refusal, within).await
            }
        }
    })
    .await
}

/// The happy path: every step accepts. Returns the span of the commit, which comes next and begins here.
async fn confirm(
    conn: &mut AsyncPgConnection,
    new: &NewOrder,
    within: &Scope,
) -> Result<(Decided, Span), Rollback> {
    if let Some(known) = place(conn, new, within).await? {
        let commit = commit(&within.clone().of(known.order.placed.order_id));
        return Ok((known, commit));
    }
    for step in plan(&new.placed) {
        // The event is dropped: no other process reacts to it.
        modules::handle(conn, step.action, within).await?;
    }
    CrashPoint::BeforeCommit.pass();
    Ok((Decided::new(new, Decision::Confirm), commit(within)))
}

/// Refusal: stores the order as cancelled, with the reason.
pub async fn cancel(
    conn: &mut AsyncPgConnection,
    new: &NewOrder,
    refusal: Refusal,
    within: &Scope,
) -> Result<Decided, PlaceError> {
    let transaction = within.span(Kind::Internal, "transaction").with(DATABASE);
    let within = transaction.scope();
    let cancelled = platform::transaction(conn, async |conn| {
        if let Some(known) = place(conn, new, within).await? {
            let commit = commit(&within.clone().of(known.order.placed.order_id));
            return Ok((known, commit));
        }
        let order_id = new.placed.order_id;
        modules::handle(conn, Command::CancelOrder { order_id, refusal: refusal.clone() }, within).await?;
        CrashPoint::BeforeCommit.pass();
        Ok((Decided::new(new, Decision::Cancel(refusal.clone())), commit(within)))
    });
    cancelled.await.map(|(decided, _commit)| committed(decided)).map_err(|failed| match failed {
        NotCommitted::Unknown(error) => PlaceError::Unknown(error),
        NotCommitted::RolledBack(Rollback::Failed(error)) => error,
        NotCommitted::RolledBack(Rollback::Refused(refusal)) => {
            PlaceError::Broken(format!("a cancellation was refused: {}", refusal.detail).into())
        }
    })
}

/// The span of a commit, which ends when the transaction is over.
fn commit(within: &Scope) -> Span {
    within.span(Kind::Client, "commit").with(DATABASE)
}

fn committed(decided: Decided) -> Decided {
    if !decided.replayed {
        CrashPoint::AfterCommit.pass();
    }
    decided
}
