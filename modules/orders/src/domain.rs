//! What an order is, on plain values.

use chrono::{DateTime, Utc};
use contracts::{Invalid, OrderId, OrderRequest, PlacedOrder, Refusal};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted, and its checkout is under way.
    Pending,
    /// Every step was done. Terminal.
    Confirmed,
    /// A step refused, and what was done before is undone. Terminal.
    Cancelled,
}

impl Status {
    /// The word in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Confirmed => "confirmed",
            Status::Cancelled => "cancelled",
        }
    }

    /// Whether nothing can change it any more.
    pub fn is_terminal(self) -> bool {
        self != Status::Pending
    }
}

/// An order, as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// What the customer asked for, and the id that it was given.
    #[serde(flatten)]
    pub placed: PlacedOrder,
    /// How far it is.
    pub status: Status,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// When it was placed, by the database's clock; left out where the answer is made before the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<DateTime<Utc>>,
    /// When it was decided, by the database's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
}

impl Order {
    /// An order just placed.
    pub fn pending(placed: PlacedOrder) -> Self {
        Self { placed, status: Status::Pending, refusal: None, placed_at: None, decided_at: None }
    }

    /// The order once this was decided.
    pub fn decided(self, decision: Decision) -> Self {
        match decision {
            Decision::Confirm => Self { status: Status::Confirmed, ..self },
            Decision::Cancel(refusal) => Self { status: Status::Cancelled, refusal: Some(refusal), ..self },
        }
    }
}

/// What ends an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Confirmed: every step of the checkout was done.
    Confirm,
    /// Cancelled, for this reason.
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

    /// Why not, where it is a no.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Decision::Confirm => None,
            Decision::Cancel(refusal) => Some(refusal),
        }
    }
}

/// An order that somebody wants to place.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// What is to be stored, with a new id.
    pub placed: PlacedOrder,
    /// What the client calls this request.
    pub key: String,
    /// What the client asked for: equal for equal requests, however they were written down.
    pub fingerprint: Uuid,
}

impl NewOrder {
    /// The longest idempotency key, in bytes.
    const MAX_KEY: usize = 255;

    /// Checks a request and gives it an id.
    pub fn new(key: &str, mut request: OrderRequest) -> Result<Self, Invalid> {
        if key.is_empty() || key.len() > Self::MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let limits = format!("an Idempotency-Key is 1 to {} visible ASCII characters", Self::MAX_KEY);
            return Err(Invalid(limits));
        }
        // The order of the lines says nothing, so it must not tell two requests apart (rule 58). Two lines of one product
        // are no order at all, whatever their order.
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
