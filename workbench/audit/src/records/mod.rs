//! What the databases hold, as plain structs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

pub(crate) mod prices;

use prices::Prices;

/// A moment by the database's clock.
pub(crate) type Moment = DateTime<Utc>;

/// Pieces by sku: lines of an order, or what was set aside for one.
pub(crate) type Pieces = BTreeMap<String, i64>;

/// All that the judges look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    pub orders: Vec<Order>,
    pub sales: Vec<Sale>,
    /// What products cost when. Empty: not known, and not judged.
    pub prices: Arc<Prices>,
    pub claims: HashMap<Uuid, Hold>,
    pub levels: Vec<Level>,
    pub reservations: HashMap<Uuid, Hold>,
    /// The reservations that were confirmed and cannot be released any more: only try, confirm and cancel does that.
    pub commitments: HashMap<Uuid, Commitment>,
    pub payments: HashMap<Uuid, Payment>,
    pub wallets: Vec<Wallet>,
    pub entries: Vec<Entry>,
    pub shipments: HashMap<Uuid, Shipment>,
    /// Only where a saga is kept: orchestrated, and try, confirm and cancel.
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

/// How much of a product a time sale has given out.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Sale {
    #[diesel(sql_type = Text)]
    pub sku: String,
    #[diesel(sql_type = BigInt)]
    pub quota: i64,
    #[diesel(sql_type = BigInt)]
    pub claimed: i64,
}

/// Pieces set aside for an order, of a sale or of the stock.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Hold {
    #[diesel(sql_type = SqlUuid)]
    pub order_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    pub lines: Value,
    #[diesel(sql_type = Timestamptz)]
    pub held_at: Moment,
    /// Set once they were given back.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub released_at: Option<Moment>,
}

impl Hold {
    /// Whether the pieces are still set aside.
    pub fn is_held(&self) -> bool {
        self.released_at.is_none()
    }

    /// Whether nothing was ever set aside: the compensation came first, or had nothing to undo.
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
    /// Set once the money was given back, be it taken or only held.
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
    /// The routing keys of the events that brought it where it is.
    #[diesel(sql_type = Array<Text>)]
    pub history: Vec<String>,
}

/// What was found on looking for outbox tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outboxes {
    /// Schemas searched, over all databases.
    pub schemas: u64,
    /// Rows still to be published, by the database's place in the shop.
    pub waiting: Vec<(&'static str, i64)>,
}

/// Lines in the database's JSON as pieces by sku. Judging what was stored by broken code must not fail, so what is
/// not a line is left out, and the sums will not agree.
pub(crate) fn pieces(lines: &Value) -> Pieces {
    let mut pieces = Pieces::new();
    for line in lines.as_array().into_iter().flatten() {
        if let (Some(sku), Some(quantity)) = (line["sku"].as_str(), line["quantity"].as_i64()) {
            *pieces.entry(sku.to_owned()).or_default() += quantity;
        }
    }
    pieces
}
