//! The contents of the databases, as plain structs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

pub(crate) mod prices;

use prices::Prices;

/// A time by the database's clock.
pub(crate) type Moment = DateTime<Utc>;

/// Pieces by sku: an order's lines, or what is set aside for it.
pub(crate) type Pieces = BTreeMap<String, i64>;

/// Everything that the judges check.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    pub orders: Vec<Order>,
    pub sales: Vec<Sale>,
    /// Prices of the products over time. If empty, prices are unknown and not judged.
    pub prices: Arc<Prices>,
    pub claims: HashMap<Uuid, Hold>,
    pub levels: Vec<Level>,
    pub reservations: HashMap<Uuid, Hold>,
    /// Reservations that were confirmed and can no longer be released. Only try-confirm-cancel has them.
    pub commitments: HashMap<Uuid, Commitment>,
    pub payments: HashMap<Uuid, Payment>,
    pub wallets: Vec<Wallet>,
    pub entries: Vec<Entry>,
    pub shipments: HashMap<Uuid, Shipment>,
    /// `None` unless the driver keeps sagas: orchestrated, and try-confirm-cancel.
    pub sagas: Option<HashMap<Uuid, Saga>>,
    pub outboxes: Outboxes,
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Order {
    #[diesel(sql_type = SqlUuid)]
    pub order_id: Uuid,
    #[diesel(sql_type = Text)]
    pub customer_id: String,
    #[diesel(sql_type = Text)]
    pub region: String,
    #[diesel(sql_type = Jsonb)]
    pub lines: Value,
    #[diesel(sql_type = BigInt)]
    pub total: i64,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub refusal_code: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub placed_at: Moment,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub decided_at: Option<Moment>,
}

impl Order {
    pub fn is_terminal(&self) -> bool {
        self.status != "pending"
    }

    pub fn is_confirmed(&self) -> bool {
        self.status == "confirmed"
    }

    /// `confirmed`, the refusal's code, or `pending`.
    pub fn outcome(&self) -> &str {
        self.refusal_code.as_deref().unwrap_or(&self.status)
    }
}

/// The quantity of a product that a time sale has given out.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Sale {
    #[diesel(sql_type = Text)]
    pub sku: String,
    #[diesel(sql_type = BigInt)]
    pub quota: i64,
    #[diesel(sql_type = BigInt)]
    pub claimed: i64,
}

/// Pieces of a sale or of the stock that are set aside for an order.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Hold {
    #[diesel(sql_type = SqlUuid)]
    pub order_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    pub lines: Value,
    #[diesel(sql_type = Timestamptz)]
    pub held_at: Moment,
    /// Set when they were released.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub released_at: Option<Moment>,
}

impl Hold {
    /// Whether the units are still set aside.
    pub fn is_held(&self) -> bool {
        self.released_at.is_none()
    }

    /// Whether nothing was ever set aside, because the compensation came first or had nothing to undo.
    pub fn is_tombstone(&self) -> bool {
        !self.is_held() && pieces(&self.lines).is_empty()
    }
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Commitment {
    #[diesel(sql_type = SqlUuid)]
    pub order_id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub committed_at: Option<Moment>,
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Level {
    #[diesel(sql_type = Text)]
    pub sku: String,
    #[diesel(sql_type = BigInt)]
    pub received: i64,
    #[diesel(sql_type = BigInt)]
    pub on_hand: i64,
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Payment {
    #[diesel(sql_type = SqlUuid)]
    pub order_id: Uuid,
    /// `None` in a tombstone.
    #[diesel(sql_type = Nullable<Text>)]
    pub customer_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub amount: i64,
    #[diesel(sql_type = Text)]
    pub status: String,
    /// `None` while the money is only held.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub captured_at: Option<Moment>,
    /// Set when the money was returned, whether it was captured or only held.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub refunded_at: Option<Moment>,
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Wallet {
    #[diesel(sql_type = Text)]
    pub customer_id: String,
    #[diesel(sql_type = BigInt)]
    pub balance: i64,
}

/// One side of a movement of money.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Entry {
    #[diesel(sql_type = SqlUuid)]
    pub reference: Uuid,
    #[diesel(sql_type = Text)]
    pub operation: String,
    #[diesel(sql_type = Text)]
    pub account: String,
    #[diesel(sql_type = BigInt)]
    pub amount: i64,
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Shipment {
    #[diesel(sql_type = SqlUuid)]
    pub order_id: Uuid,
    #[diesel(sql_type = Text)]
    pub region: String,
    #[diesel(sql_type = Timestamptz)]
    pub scheduled_at: Moment,
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Saga {
    #[diesel(sql_type = SqlUuid)]
    pub order_id: Uuid,
    #[diesel(sql_type = Bool)]
    pub finished: bool,
    /// The routing keys of the events that brought it to its state.
    #[diesel(sql_type = Array<Text>)]
    pub history: Vec<String>,
}

/// The outbox tables that were found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outboxes {
    /// Number of schemas searched, over all databases.
    pub schemas: u64,
    /// Number of unpublished rows, by the module whose database it is.
    pub waiting: Vec<(&'static str, i64)>,
}

/// Lines in the database's JSON as units by sku. Data stored by faulty code must not stop the audit, so anything
/// that is not a line is left out. The sums then disagree.
pub(crate) fn pieces(lines: &Value) -> Pieces {
    let mut pieces = Pieces::new();
    for line in lines.as_array().into_iter().flatten() {
        if let (Some(sku), Some(quantity)) = (line["sku"].as_str(), line["quantity"].as_i64()) {
            *pieces.entry(sku.to_owned()).or_default() += quantity;
        }
    }
    pieces
}
