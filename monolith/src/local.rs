//! The driver of the monolith: the whole checkout in one local transaction.
//!
//! A step that refuses rolls everything back, so nothing has to be compensated. The refused order is then placed
//! again, cancelled, in a transaction of its own: the customer gets an order with a reason, not an error.

use std::time::Duration;

use checkout::plan;
use contracts::{BoxError, Command, Error, Refusal};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use orders::{Decision, NewOrder, Order, PlaceError, Placed};
use platform::{Pool, db};

use crate::modules;

/// An order that is decided, and whether an earlier request had placed it.
pub struct Decided {
    /// The order.
    pub order: Order,
    /// Whether this request only repeats an earlier one.
    pub replayed: bool,
}

/// How often a transaction that got in another's way is tried before the customer hears of it (rule 27).
const ATTEMPTS: u32 = 5;

/// Places an order and decides it.
///
/// Trying again is safe even where a commit was sent and its answer lost: the order's key then finds the order.
pub async fn checkout(pool: &Pool, new: &NewOrder) -> Result<Decided, PlaceError> {
    for attempt in 1.. {
        match try_checkout(pool, new).await {
            Err(PlaceError::Broken(error)) if attempt < ATTEMPTS && db::is_transient(&error) => {
                tracing::debug!(%error, attempt, "trying again");
                tokio::time::sleep(Duration::from_millis(5 * u64::from(attempt))).await;
            }
            outcome => return outcome,
        }
    }
    unreachable!("the last attempt returns")
}

async fn try_checkout(pool: &Pool, new: &NewOrder) -> Result<Decided, PlaceError> {
    let mut conn = pool.get().await.map_err(BoxError::from)?;
    let confirmed = conn.transaction(async |conn| confirm(conn, new).await).await;
    let refusal = match confirmed {
        Ok(decided) => return Ok(decided),
        Err(Rollback::Failed(error)) => return Err(error),
        Err(Rollback::Refused(refusal)) => refusal,
    };
    let cancelled = conn.transaction(async |conn| cancel(conn, new, refusal).await).await;
    cancelled.map_err(|rollback| match rollback {
        Rollback::Failed(error) => error,
        Rollback::Refused(refusal) => {
            PlaceError::Broken(format!("a cancellation was refused: {}", refusal.detail).into())
        }
    })
}

/// The happy path: every step says yes.
async fn confirm(conn: &mut AsyncPgConnection, new: &NewOrder) -> Result<Decided, Rollback> {
    if let Placed::Known(order) = orders::place(conn, new).await? {
        return Ok(Decided { order: *order, replayed: true });
    }
    for step in plan(&new.placed) {
        // The event is dropped: in this process there is nobody who has not seen it happen.
        modules::handle(conn, step.action).await?;
    }
    Ok(Decided { order: Order::pending(new.placed.clone()).decided(Decision::Confirm), replayed: false })
}

/// The other one: the order is kept, with the reason why it is off.
async fn cancel(conn: &mut AsyncPgConnection, new: &NewOrder, refusal: Refusal) -> Result<Decided, Rollback> {
    if let Placed::Known(order) = orders::place(conn, new).await? {
        return Ok(Decided { order: *order, replayed: true });
    }
    let order_id = new.placed.order_id;
    modules::handle(conn, Command::CancelOrder { order_id, refusal: refusal.clone() }).await?;
    let order = Order::pending(new.placed.clone()).decided(Decision::Cancel(refusal));
    Ok(Decided { order, replayed: false })
}

/// Why a transaction was rolled back.
enum Rollback {
    /// A step said no.
    Refused(Refusal),
    /// Nothing was decided.
    Failed(PlaceError),
}

impl From<Error> for Rollback {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Rollback::Refused(refusal),
            Error::Broken(error) => Rollback::Failed(PlaceError::Broken(error)),
        }
    }
}

impl From<PlaceError> for Rollback {
    fn from(error: PlaceError) -> Self {
        Rollback::Failed(error)
    }
}

impl From<diesel::result::Error> for Rollback {
    fn from(error: diesel::result::Error) -> Self {
        Rollback::Failed(PlaceError::Broken(error.into()))
    }
}
