//! The store in PostgreSQL.

use chrono::{DateTime, Utc};
use contracts::{BoxError, CustomerId, Money, OrderId, PlacedOrder, Refusal, RefusalCode};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::sql;

use crate::domain::{Decision, NewOrder, Order, Status};
use crate::ports::{Insertion, OrderStore};

#[derive(QueryableByName)]
struct OrderRow {
    #[diesel(sql_type = Uuid)]
    order_id: uuid::Uuid,
    #[diesel(sql_type = Text)]
    customer_id: String,
    #[diesel(sql_type = Text)]
    region: String,
    #[diesel(sql_type = Jsonb)]
    lines: serde_json::Value,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    refusal_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    refusal_detail: Option<String>,
    #[diesel(sql_type = Uuid)]
    fingerprint: uuid::Uuid,
    #[diesel(sql_type = Timestamptz)]
    placed_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
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
        // The lock is tried, not waited for: whoever sends the same key at the same moment is told so, whichever
        // process the two requests reached.
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
        let rows: Vec<OrderRow> = sql("SELECT * FROM orders.orders WHERE idempotency_key = $1")
            .bind::<Text, _>(key.as_str())
            .load(self)
            .await?;
        match rows.into_iter().next() {
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

/// Later than any order is placed: the year 9999.
const LATEST: DateTime<Utc> = DateTime::from_timestamp(253_370_764_800, 0).expect("it is a time");

/// An order by its id.
pub async fn find(conn: &mut AsyncPgConnection, order: OrderId) -> Result<Option<Order>, BoxError> {
    let rows: Vec<OrderRow> =
        sql("SELECT * FROM orders.orders WHERE order_id = $1").bind::<Uuid, _>(order.0).load(conn).await?;
    rows.into_iter().next().map(Order::try_from).transpose()
}

/// A customer's orders, the newest first: all, or those before the one that was placed then and has this id.
pub async fn list(
    conn: &mut AsyncPgConnection,
    customer: &CustomerId,
    before: Option<(DateTime<Utc>, OrderId)>,
    limit: i64,
) -> Result<Vec<Order>, BoxError> {
    // Two orders may have been placed in the same microsecond: the id tells them apart. `LATEST` is after all of them.
    let (placed_at, order) = before.map_or((LATEST, uuid::Uuid::max()), |(at, order)| (at, order.0));
    let rows: Vec<OrderRow> = sql("SELECT * FROM orders.orders
             WHERE customer_id = $1 AND (placed_at, order_id) < ($2, $3)
             ORDER BY placed_at DESC, order_id DESC LIMIT $4")
    .bind::<Text, _>(customer.as_str())
    .bind::<Timestamptz, _>(placed_at)
    .bind::<Uuid, _>(order)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}
