//! The store in PostgreSQL.

use chrono::{DateTime, Utc};
use contracts::{BoxError, CustomerId, Money, OrderId, PlacedOrder, Refusal, RefusalCode};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::sql;

use crate::domain::{Decision, NewOrder, Order, Status};
use crate::handlers::PlaceError;
use crate::ports::{Insertion, OrderStore};
use crate::schema::orders;

#[derive(Queryable, Selectable)]
#[diesel(table_name = orders, check_for_backend(Pg))]
struct OrderRow {
    order_id: uuid::Uuid,
    customer_id: String,
    region: String,
    lines: serde_json::Value,
    total: i64,
    status: String,
    refusal_code: Option<String>,
    refusal_detail: Option<String>,
    fingerprint: uuid::Uuid,
    placed_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
}

impl TryFrom<OrderRow> for Order {
    type Error = BoxError;
    fn try_from(row: OrderRow) -> Result<Self, BoxError> {
        let code = row.refusal_code.as_deref().and_then(RefusalCode::parse);
        Ok(Order {
            placed: PlacedOrder {
                order_id: OrderId(row.order_id),
                customer_id: row.customer_id.try_into()?,
                region: row.region.try_into()?,
                lines: serde_json::from_value(row.lines)?,
                total: Money(row.total),
            },
            status: match row.status.as_str() {
                "pending" => Status::Pending,
                "confirmed" => Status::Confirmed,
                _ => Status::Cancelled,
            },
            refusal: code.map(|code| Refusal { code, detail: row.refusal_detail.unwrap_or_default() }),
            placed_at: Some(row.placed_at),
            decided_at: row.decided_at,
        })
    }
}

impl OrderStore for AsyncPgConnection {
    async fn insert(&mut self, order: &NewOrder) -> Result<Insertion, BoxError> {
        let NewOrder { placed, key, fingerprint } = order;
        // Tries the lock instead of waiting for it. A second request with the same key gets a 409 at once, even if it
        // reached another process.
        let inserted = sql("WITH key AS (SELECT pg_try_advisory_xact_lock(hashtextextended($6, 0)) AS free)
             INSERT INTO orders.orders
                 (order_id, customer_id, region, lines, total, idempotency_key, fingerprint)
             SELECT $1, $2, $3, $4, $5, $6, $7 FROM key WHERE free
             ON CONFLICT (idempotency_key) DO NOTHING")
        .bind::<Uuid, _>(placed.order_id.0)
        .bind::<Text, _>(placed.customer_id.as_str())
        .bind::<Text, _>(placed.region.as_str())
        .bind::<Jsonb, _>(serde_json::to_value(&placed.lines)?)
        .bind::<BigInt, _>(placed.total.0)
        .bind::<Text, _>(key.as_str())
        .bind::<Uuid, _>(*fingerprint)
        .execute(self)
        .await?;
        if inserted == 1 {
            return Ok(Insertion::Inserted);
        }
        let known = orders::table
            .filter(orders::idempotency_key.eq(key.as_str()))
            .select(OrderRow::as_select())
            .get_result(self)
            .await
            .optional()?;
        match known {
            Some(row) => {
                let fingerprint = row.fingerprint;
                Ok(Insertion::Known(Box::new(row.try_into()?), fingerprint))
            }
            None => Ok(Insertion::Busy),
        }
    }

    async fn decide(&mut self, order: OrderId, decision: &Decision) -> Result<bool, BoxError> {
        let refusal = decision.refusal();
        let decided = sql("UPDATE orders.orders
             SET status = $2, refusal_code = $3, refusal_detail = $4, decided_at = clock_timestamp()
             WHERE order_id = $1 AND status = 'pending'")
        .bind::<Uuid, _>(order.0)
        .bind::<Text, _>(decision.status().as_str())
        .bind::<Nullable<Text>, _>(refusal.map(|refusal| refusal.code.as_str()))
        .bind::<Nullable<Text>, _>(refusal.map(|refusal| refusal.detail.as_str()))
        .execute(self)
        .await?;
        Ok(decided == 1)
    }

    async fn find(&mut self, order: OrderId) -> Result<Option<Order>, BoxError> {
        find(self, order).await
    }
}

/// The year 9999, later than any order.
const LATEST: DateTime<Utc> = DateTime::from_timestamp(253_370_764_800, 0).expect("it is a time");

/// An order by its id.
pub async fn find(conn: &mut AsyncPgConnection, order: OrderId) -> Result<Option<Order>, BoxError> {
    let row = orders::table.find(order.0).select(OrderRow::as_select()).get_result(conn).await.optional()?;
    row.map(Order::try_from).transpose()
}

/// The order that was placed with an idempotency key.
pub async fn find_by_key(conn: &mut AsyncPgConnection, key: &str) -> Result<Option<Order>, BoxError> {
    let of_key = orders::table.filter(orders::idempotency_key.eq(key));
    let row = of_key.select(OrderRow::as_select()).get_result(conn).await.optional()?;
    row.map(Order::try_from).transpose()
}

/// A customer's orders, newest first: all, or those before the order with this time and id.
pub async fn list(
    conn: &mut AsyncPgConnection,
    customer: &CustomerId,
    before: Option<(DateTime<Utc>, OrderId)>,
    limit: i64,
) -> Result<Vec<Order>, BoxError> {
    // Two orders may have been placed in the same microsecond; the id separates them.
    let (placed_at, order) = before.map_or((LATEST, uuid::Uuid::max()), |(at, order)| (at, order.0));
    let earlier = orders::placed_at.lt(placed_at);
    let same_moment = orders::placed_at.eq(placed_at).and(orders::order_id.lt(order));
    let rows = orders::table
        .filter(orders::customer_id.eq(customer.as_str()))
        // The first filter lets PostgreSQL use the index. The second one handles orders of the same microsecond.
        .filter(orders::placed_at.le(placed_at))
        .filter(earlier.or(same_moment))
        .order((orders::placed_at.desc(), orders::order_id.desc()))
        .limit(limit)
        .select(OrderRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Order::try_from).collect()
}

impl From<diesel::result::Error> for PlaceError {
    fn from(error: diesel::result::Error) -> Self {
        PlaceError::Broken(error.into())
    }
}
