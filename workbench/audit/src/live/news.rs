//! What a look brings: the rows that changed, each with the moment of its commit.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use uuid::Uuid;

use super::super::records::prices::Price;
use super::super::records::{Hold, Level, Moment, Order, Payment, Sale, Shipment, pieces};

/// What one database had to tell.
#[derive(Debug, Default)]
pub(super) struct News {
    pub orders: Vec<OrderVersion>,
    pub claims: Vec<HoldVersion>,
    pub sales: Vec<Sale>,
    /// Prices that were changed, oldest first.
    pub prices: Vec<Price>,
    pub reservations: Vec<HoldVersion>,
    pub levels: Vec<Level>,
    pub payments: Vec<PaymentVersion>,
    pub shipments: Vec<ShipmentVersion>,
    /// Rows of an outbox that are late, where there is an outbox.
    pub outbox: Option<(&'static str, u64)>,
    /// Of the whole server; from one of its databases.
    pub sessions: Option<Sessions>,
}

/// Which version of a row this is, and when it came.
#[derive(Debug, Clone, Default, QueryableByName)]
pub(super) struct Dating {
    /// The transaction that wrote it.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// When that was committed; `None` where the server does not keep it.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub dated_at: Option<Moment>,
    /// By the row itself: when it first came to be.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub began_at: Option<Moment>,
    /// By the row itself: when this version came to be.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub changed_at: Option<Moment>,
    /// Whether this version is the first one.
    #[diesel(sql_type = Bool)]
    pub first: bool,
}

impl Dating {
    /// When this version became visible to others.
    pub fn seen_at(&self) -> Option<Moment> {
        self.dated_at.or(self.changed_at)
    }

    /// When the first version became visible. That of one that was overwritten before anybody looked is no longer
    /// known, and the row's own timestamp, from shortly before that commit, stands for it.
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
    /// Of a reservation that cannot be released any more: since when.
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

/// What is versioned and belongs to an order.
pub(super) trait Version {
    fn order(&self) -> Uuid;
    fn dating(&self) -> &Dating;
    /// Whether it says that something is, or was, held for the order. A tombstone says nothing of the kind.
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

/// What the server says of the sessions on the shop's databases.
#[derive(Debug, Clone, Default, PartialEq, Eq, QueryableByName)]
pub(super) struct Sessions {
    /// Prepared transactions that are late.
    #[diesel(sql_type = BigInt)]
    pub prepared: i64,
    /// Transactions that are open for too long.
    #[diesel(sql_type = BigInt)]
    pub open: i64,
    /// Deadlocks that the server broke, ever.
    #[diesel(sql_type = BigInt)]
    pub deadlocks: i64,
}

/// What a product's rows say, all of them read for it.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct ExactLevel {
    #[diesel(sql_type = Text)]
    pub sku: String,
    /// Out of the warehouse, or claimed of a sale, by the product's own row.
    #[diesel(sql_type = BigInt)]
    pub given_out: i64,
    /// The same by what orders hold.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
}
