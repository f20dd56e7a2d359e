//! What both drivers share: placing the order, and the result of its checkout.

use contracts::{BoxError, Error, Refusal};
use diesel_async::AsyncPgConnection;
use orders::{Decision, NewOrder, Order, PlaceError, Placed};
use platform::CrashPoint;
use platform::telemetry::{Kind, Scope};

pub use orders::insist;

/// An order that is decided.
pub struct Decided {
    /// The order with its final status.
    pub order: Order,
    /// Whether an earlier request placed it and this one repeats that request.
    pub replayed: bool,
}

impl Decided {
    /// The result for a new order.
    pub fn new(new: &NewOrder, decision: Decision) -> Decided {
        Decided { order: Order::pending(new.placed.clone()).decided(decision), replayed: false }
    }
}

/// Why a transaction is rolled back.
pub enum Rollback {
    /// A step refused.
    Refused(Refusal),
    /// It failed without a decision.
    Failed(PlaceError),
}

/// Places an order. Returns `Some` if the same request placed it earlier; then there is nothing left to do.
pub async fn place(
    conn: &mut AsyncPgConnection,
    new: &NewOrder,
    within: &Scope,
) -> Result<Option<Decided>, PlaceError> {
    CrashPoint::BeforeOrderWrite.pass();
    let mut step = within.span(Kind::Internal, "orders.place-order");
    let placed = orders::place(conn, new).await?;
    if let Placed::Known(order) = placed {
        step.of(order.placed.order_id);
        return Ok(Some(Decided { order: *order, replayed: true }));
    }
    CrashPoint::AfterOrderWrite.pass();
    Ok(None)
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

impl From<BoxError> for Rollback {
    fn from(error: BoxError) -> Self {
        Rollback::Failed(PlaceError::Broken(error))
    }
}

impl From<diesel::result::Error> for Rollback {
    fn from(error: diesel::result::Error) -> Self {
        BoxError::from(error).into()
    }
}
