//! The third outcome of an order: unknown.
//!
//! An order is *decided*, *certainly not done*, or *unknown*, and only the code that knows may say which (rule 53).

use std::fmt;

use actix_web::http::StatusCode;
use contracts::{BoxError, OrderId};
use orders::PlaceError;
use platform::Problem;

/// The decision on an order was sent, its answer was lost, and asking for it has failed too.
#[derive(Debug)]
pub struct OutcomeUnknown {
    order: OrderId,
    cause: BoxError,
}

impl OutcomeUnknown {
    /// For an order whose decision could not be read back for this reason.
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

/// The response for an order that was not placed. This is the one place that turns the outcome of an order into a code.
pub fn problem(error: PlaceError) -> Problem {
    let PlaceError::Broken(cause) = &error else { return error.into() };
    let Some(unknown) = cause.downcast_ref::<OutcomeUnknown>() else { return error.into() };
    tracing::error!(error = %unknown, "the outcome of an order is unknown");
    let order = unknown.order;
    let detail = format!(
        "whether order {order} was placed is not known yet. Ask GET /orders/{order} in a few seconds, or send the same \
         request with the same Idempotency-Key again: neither orders twice"
    );
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_not_said_to_be_undecided() {
        let order = OrderId(uuid::Uuid::from_u128(7));
        let unknown = problem(OutcomeUnknown::new(order, "no connection".into()).into()).to_string();
        assert!(unknown.starts_with("outcome_unknown: "), "{unknown}");
        assert!(unknown.contains(&format!("GET /orders/{order}")), "{unknown}");
        let certain = problem(PlaceError::Broken("no connection".into())).to_string();
        assert!(certain.starts_with("unavailable: "), "{certain}");
    }
}
