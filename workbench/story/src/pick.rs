//! Chooses an order when the user gives no id.

use anyhow::Result;
use diesel::QueryableByName;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::records;
use topology::ShopHandle;

/// How an order is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The order that was placed last.
    Last,
    /// The order that was refused last.
    LastRefused,
    /// The order that took longest to be decided.
    Slowest,
    /// The oldest undecided order.
    Stuck,
}

impl Pick {
    fn query(self) -> &'static str {
        match self {
            Pick::Last => "SELECT order_id FROM orders.orders ORDER BY placed_at DESC LIMIT 1",
            Pick::LastRefused => {
                "SELECT order_id FROM orders.orders WHERE status = 'cancelled' ORDER BY decided_at DESC LIMIT 1"
            }
            Pick::Slowest => {
                "SELECT order_id FROM orders.orders WHERE decided_at IS NOT NULL
                 ORDER BY decided_at - placed_at DESC LIMIT 1"
            }
            Pick::Stuck => {
                "SELECT order_id FROM orders.orders WHERE status = 'pending' ORDER BY placed_at LIMIT 1"
            }
        }
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    order_id: Uuid,
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    idempotency_key: String,
}

/// The last decided orders, at most this many.
pub async fn last_decided(shop: &ShopHandle, orders: usize) -> Result<Vec<Uuid>> {
    let mut connection = records::connect("orders", &shop.databases.orders).await?;
    // Ids are ordered by time, so the primary key finds the newest rows.
    let query = format!(
        "SELECT order_id FROM orders.orders WHERE decided_at IS NOT NULL ORDER BY order_id DESC LIMIT {orders}"
    );
    let found: Vec<Found> = diesel::sql_query(query).load(&mut connection).await?;
    Ok(found.into_iter().map(|found| found.order_id).collect())
}

/// The order chosen from one shop; `None` if no order matches.
pub async fn pick(shop: &ShopHandle, which: Pick) -> Result<Option<Uuid>> {
    let mut connection = records::connect("orders", &shop.databases.orders).await?;
    let found: Vec<Found> = diesel::sql_query(which.query()).load(&mut connection).await?;
    Ok(found.into_iter().next().map(|found| found.order_id))
}

/// The idempotency key of the request that created this order.
pub(super) async fn key_of(shop: &ShopHandle, id: Uuid) -> Result<Option<String>> {
    let mut connection = records::connect("orders", &shop.databases.orders).await?;
    let query = diesel::sql_query("SELECT idempotency_key FROM orders.orders WHERE order_id = $1");
    let found: Vec<Key> = query.bind::<SqlUuid, _>(id).load(&mut connection).await?;
    Ok(found.into_iter().next().map(|found| found.idempotency_key))
}

/// The order that a request created.
pub(super) async fn order_of(shop: &ShopHandle, key: &str) -> Result<Option<Uuid>> {
    let mut connection = records::connect("orders", &shop.databases.orders).await?;
    let query = diesel::sql_query("SELECT order_id FROM orders.orders WHERE idempotency_key = $1");
    let found: Vec<Found> = query.bind::<Text, _>(key).load(&mut connection).await?;
    Ok(found.into_iter().next().map(|found| found.order_id))
}
