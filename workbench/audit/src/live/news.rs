//! The result of a look: changed rows, each with the time of its commit.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use uuid::Uuid;

use super::super::records::prices::Price;
use super::super::records::{Hold, Level, Moment, Order, Payment, Sale, Shipment, pieces};

/// The changes in one database.
#[derive(Debug, Default)]
pub(super) struct News {
    pub orders: Vec<OrderVersion>,
    pub claims: Vec<HoldVersion>,
    pub sales: Vec<Sale>,
    /// Changed prices, oldest first.
    pub prices: Vec<Price>,
    pub reservations: Vec<HoldVersion>,
    pub levels: Vec<Level>,
    pub payments: Vec<PaymentVersion>,
    pub shipments: Vec<ShipmentVersion>,
    /// Number of late rows in the outbox, if there is one.
    pub outbox: Option<(&'static str, u64)>,
    /// Sessions of the whole server; read from one of its databases only.
    pub sessions: Option<Sessions>,
}

/// The version of a row, with its times.
#[derive(Debug, Clone, Default, QueryableByName)]
pub(super) struct Dating {
    /// The id of the transaction that wrote it.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// When that transaction was committed; `None` if the server does not keep commit timestamps.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub dated_at: Option<Moment>,
    /// The row's own timestamp of its first version.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub began_at: Option<Moment>,
    /// The row's own timestamp of this version.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub changed_at: Option<Moment>,
    /// Whether this is the first version.
    #[diesel(sql_type = Bool)]
    pub first: bool,
}

impl Dating {
    /// When this version became visible to others.
    pub fn seen_at(&self) -> Option<Moment> {
        self.dated_at.or(self.changed_at)
    }

    /// When the first version became visible. If it was overwritten before any look saw it, its commit time is
    /// unknown. The row's own timestamp, from shortly before that commit, is used instead.
    pub fn first_seen_at(&self) -> Option<Moment> {
        if self.first { self.seen_at() } else { self.began_at }
    }
}

#[derive(Debug, Clone, QueryableByName)]
pub(super) struct OrderVersion {
    #[diesel(embed)]
    pub record: Order,
    #[diesel(embed)]
    pub dating: Dating,
}

#[derive(Debug, Clone, QueryableByName)]
pub(super) struct HoldVersion {
    #[diesel(embed)]
    pub record: Hold,
    /// For a reservation that can no longer be released: the time since when.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub confirmed_at: Option<Moment>,
    #[diesel(embed)]
    pub dating: Dating,
}

#[derive(Debug, Clone, QueryableByName)]
pub(super) struct PaymentVersion {
    #[diesel(embed)]
    pub record: Payment,
    #[diesel(embed)]
    pub dating: Dating,
}

#[derive(Debug, Clone, QueryableByName)]
pub(super) struct ShipmentVersion {
    #[diesel(embed)]
    pub record: Shipment,
    #[diesel(embed)]
    pub dating: Dating,
}

/// A versioned row that belongs to an order.
pub(super) trait Version {
    fn order(&self) -> Uuid;
    fn dating(&self) -> &Dating;
    /// Whether the row says that something is or was held for the order. A tombstone does not.
    fn says_something(&self) -> bool;
}

macro_rules! version {
    ($type:ty, |$row:ident| $says:expr) => {
        impl Version for $type {
            fn order(&self) -> Uuid {
                self.record.order_id
            }
            fn dating(&self) -> &Dating {
                &self.dating
            }
            fn says_something(&self) -> bool {
                let $row = &self.record;
                $says
            }
        }
    };
}

version!(OrderVersion, |_row| true);
version!(HoldVersion, |row| row.is_held() || !pieces(&row.lines).is_empty());
version!(PaymentVersion, |row| row.customer_id.is_some());
version!(ShipmentVersion, |_row| true);

/// The server's statistics about the sessions on the shop's databases.
#[derive(Debug, Clone, Default, PartialEq, Eq, QueryableByName)]
pub(super) struct Sessions {
    /// Prepared transactions that are late.
    #[diesel(sql_type = BigInt)]
    pub prepared: i64,
    /// Transactions that are open for too long.
    #[diesel(sql_type = BigInt)]
    pub open: i64,
    /// Deadlocks that the server has broken since its statistics began.
    #[diesel(sql_type = BigInt)]
    pub deadlocks: i64,
}

/// The result of a full check of a product.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct ExactLevel {
    #[diesel(sql_type = Text)]
    pub sku: String,
    /// Quantity given out by the warehouse or claimed from a sale, according to the product's own row.
    #[diesel(sql_type = BigInt)]
    pub given_out: i64,
    /// The quantity that orders hold.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
}
