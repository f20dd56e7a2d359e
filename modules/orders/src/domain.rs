//! Orders, as plain values.

use chrono::{DateTime, Utc};
use contracts::{Invalid, OrderId, OrderRequest, PlacedOrder, Refusal};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted; the checkout is running.
    Pending,
    /// Every step succeeded. Terminal.
    Confirmed,
    /// A step refused, and the steps before it were undone. Terminal.
    Cancelled,
}

impl Status {
    /// The word as it appears in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Confirmed => "confirmed",
            Status::Cancelled => "cancelled",
        }
    }

    /// Whether the status can no longer change.
    pub fn is_terminal(self) -> bool {
        self != Status::Pending
    }
}

/// An order as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What the customer asked for, with the order's id.
    #[serde(flatten)]
    pub placed: PlacedOrder,
    /// Whether it is pending, confirmed or cancelled.
    pub status: Status,
    /// Why it was cancelled, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// When it was placed, by the database's clock. Absent if the response is written before the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<DateTime<Utc>>,
    /// When it was confirmed or cancelled, by the database's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
}

impl Order {
    /// A newly placed order.
    pub fn pending(placed: PlacedOrder) -> Self {
        Self { placed, status: Status::Pending, refusal: None, placed_at: None, decided_at: None }
    }

    /// The order after this decision.
    pub fn decided(self, decision: Decision) -> Self {
        match decision {
            Decision::Confirm => Self { status: Status::Confirmed, ..self },
            Decision::Cancel(refusal) => Self { status: Status::Cancelled, refusal: Some(refusal), ..self },
        }
    }
}

/// How an order ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Confirmed: every step of the checkout succeeded.
    Confirm,
    /// Cancelled, with the reason.
    Cancel(Refusal),
}

impl Decision {
    /// The status that it leads to.
    pub fn status(&self) -> Status {
        match self {
            Decision::Confirm => Status::Confirmed,
            Decision::Cancel(_) => Status::Cancelled,
        }
    }

    /// The reason, if it is a cancellation.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Decision::Confirm => None,
            Decision::Cancel(refusal) => Some(refusal),
        }
    }
}

/// An order that is about to be placed.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// The order to store, with its new id.
    pub placed: PlacedOrder,
    /// The client's idempotency key.
    pub key: String,
    /// A hash of what the client asked for. Equal requests have the same one, regardless of how they are written.
    pub fingerprint: Uuid,
}

impl NewOrder {
    /// The maximum length of an idempotency key, in bytes.
    const MAX_KEY: usize = 255;

    /// Whether this can be an idempotency key.
    pub fn check_key(key: &str) -> Result<(), Invalid> {
        if key.is_empty() || key.len() > Self::MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let limits =
                format!("an Idempotency-Key must be 1 to {} visible ASCII characters", Self::MAX_KEY);
            return Err(Invalid(limits));
        }
        Ok(())
    }

    /// Checks a request and assigns an id.
    pub fn new(key: &str, mut request: OrderRequest) -> Result<Self, Invalid> {
        Self::check_key(key)?;
        // The order of the lines has no meaning, so it must not make two requests differ: rule 58 (same request).
        // `PlacedOrder::new` rejects two lines of one product in any case.
        request.lines.sort_by(|a, b| a.sku.cmp(&b.sku));
        let text = serde_json::to_vec(&request).map_err(|error| Invalid(error.to_string()))?;
        let fingerprint = Uuid::new_v5(&Uuid::NAMESPACE_OID, &text);
        Ok(Self { placed: PlacedOrder::new(OrderId::new(), request)?, key: key.to_owned(), fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(lines: &str) -> Result<Uuid, Invalid> {
        let text = format!("{{\"customer_id\":\"c\",\"region\":\"seoul\",\"lines\":[{lines}]}}");
        Ok(NewOrder::new("key", serde_json::from_str(&text).unwrap())?.fingerprint)
    }

    #[test]
    fn the_same_order_has_one_fingerprint_however_it_is_written() {
        let a = r#"{"sku":"a","quantity":2,"unit_price":5}"#;
        let b = r#"{"unit_price":7, "quantity":1.0, "sku":"b"}"#;
        let order = fingerprint(&format!("{a},{b}")).unwrap();
        assert_eq!(fingerprint(&format!("{b},{a}")).unwrap(), order);
        assert_ne!(fingerprint(a).unwrap(), order);
        assert_ne!(fingerprint(&format!("{a},{}", b.replace('7', "8"))).unwrap(), order);
        assert!(fingerprint(&format!("{a},{b},{a}")).is_err(), "a product in two lines is no order");
    }
}
