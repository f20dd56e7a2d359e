//! The third outcome of an order: unknown.
//!
//! An order is *decided*, *certainly not done*, or *unknown*, and only the code that knows may say which:
//! rule 53 (three outcomes).

use std::fmt;

use contracts::{BoxError, OrderId};
use orders::PlaceError;

/// A decision was sent, its reply was lost, and asking for it failed too.
#[derive(Debug)]
pub struct OutcomeUnknown {
    order: OrderId,
    cause: BoxError,
}

impl OutcomeUnknown {
    /// For an order whose decision could not be read back, with the cause.
    pub fn new(order: OrderId, cause: BoxError) -> OutcomeUnknown {
        OutcomeUnknown { order, cause }
    }
}

impl fmt::Display for OutcomeUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the decision on order {} is unknown: {}", self.order, self.cause)
    }
}

impl std::error::Error for OutcomeUnknown {}

impl From<OutcomeUnknown> for PlaceError {
    fn from(unknown: OutcomeUnknown) -> PlaceError {
        PlaceError::Broken(Box::new(unknown))
    }
}

/// Separates the unknown outcome from the certain ones, after the driver has used up its attempts.
pub fn told_apart(error: PlaceError) -> PlaceError {
    match error {
        PlaceError::Broken(cause) if cause.is::<OutcomeUnknown>() => PlaceError::Unknown(cause),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_not_said_to_be_undecided() {
        let order = OrderId(uuid::Uuid::from_u128(7));
        let unknown = told_apart(OutcomeUnknown::new(order, "no connection".into()).into());
        assert!(matches!(unknown, PlaceError::Unknown(_)), "{unknown:?}");
        let certain = told_apart(PlaceError::Broken("no connection".into()));
        assert!(matches!(certain, PlaceError::Broken(_)), "{certain:?}");
    }
}
