//! The store in PostgreSQL: one statement loads everything that a decision needs, and one saves it.

use contracts::{BoxError, OrderId, Sku};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{Flaw, clock_timestamp, sql};
use uuid::Uuid;

use crate::domain::{Level, Pieces, Receipt, Reservation};
use crate::flawed;
use crate::ports::{Shelf, StockStore};
use crate::schema::{receipts, reservations, stock};

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = stock, check_for_backend(Pg))]
struct LevelRow {
    sku: String,
    received: i64,
    on_hand: i64,
}

#[derive(Queryable, QueryableByName)]
#[diesel(check_for_backend(Pg))]
struct ShelfRow {
    #[diesel(embed)]
    level: LevelRow,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = reservations, check_for_backend(Pg))]
struct ReservationRow {
    status: String,
    lines: serde_json::Value,
}

/// `ANY` with an array lookup instead of a join with `unnest`: a single index scan and no further setup. If the handler
/// were wrong, the table's `CHECK` would still refuse: rule 26 (stock guard).
const TAKE: &str = "WITH taken AS (
        UPDATE inventory.stock SET on_hand = on_hand - ($2::bigint[])[array_position($1::text[], sku)]
        WHERE sku = ANY($1))
    INSERT INTO inventory.reservations (order_id, lines, status) VALUES ($3, $4, 'reserved')";

impl StockStore for AsyncPgConnection {
    async fn lock_all(&mut self, skus: &[&Sku], released: &[OrderId]) -> Result<(), BoxError> {
        sql("SELECT sku FROM inventory.stock
             WHERE sku = ANY($1::text[] || ARRAY(
                 SELECT line->>'sku' FROM inventory.reservations, jsonb_array_elements(lines) AS line
                 WHERE order_id = ANY($2::uuid[]) AND status = 'reserved'))
             ORDER BY sku FOR UPDATE")
        .bind::<Array<Text>, _>(skus.iter().map(|sku| sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(released.iter().map(|order| order.0).collect::<Vec<_>>())
        .execute(self)
        .await?;
        Ok(())
    }

    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Shelf, BoxError> {
        let skus: Vec<&str> = skus.iter().map(|sku| sku.as_str()).collect();
        let rows: Vec<ShelfRow> = match flawed::load() {
            Some(text) => {
                sql(text).bind::<SqlUuid, _>(order.0).bind::<Array<Text>, _>(skus).load(self).await?
            }
            // Locks in sku order, so that orders for the same products queue up instead of deadlocking: rule 27 (lock
            // order).
            None => {
                let status = reservations::table.find(order.0).select(reservations::status).single_value();
                stock::table
                    .filter(stock::sku.eq_any(skus))
                    .order(stock::sku)
                    .select((LevelRow::as_select(), status))
                    .for_update()
                    .load(self)
                    .await?
            }
        };
        let reservation = match rows.as_slice() {
            [ShelfRow { status: Some(status), .. }, ..] if status == "released" => {
                Some(Reservation::Released)
            }
            [ShelfRow { status: Some(_), .. }, ..] => self.load_reservation(order).await?,
            _ => None,
        };
        let levels = rows.into_iter().map(|row| row.level.try_into()).collect::<Result<_, _>>()?;
        Ok(Shelf { reservation, levels })
    }

    async fn save_reserved(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        let (skus, quantities) = columns(pieces);
        sql(if Flaw::NoStockGuard.is_on() { flawed::TAKE_WHAT_IS_LEFT } else { TAKE })
            .bind::<Array<Text>, _>(skus)
            .bind::<Array<BigInt>, _>(quantities)
            .bind::<SqlUuid, _>(order.0)
            .bind::<Jsonb, _>(serde_json::to_value(pieces)?)
            .execute(self)
            .await?;
        Ok(())
    }

    async fn load_reservation(&mut self, order: OrderId) -> Result<Option<Reservation>, BoxError> {
        let row = reservations::table
            .find(order.0)
            .select(ReservationRow::as_select())
            .for_update()
            .get_result(self)
            .await
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(match row.status.as_str() {
            "released" => Reservation::Released,
            "committed" => Reservation::Committed(serde_json::from_value(row.lines)?),
            _ => Reservation::Reserved(serde_json::from_value(row.lines)?),
        }))
    }

    async fn save_committed(&mut self, order: OrderId) -> Result<(), BoxError> {
        sql("UPDATE inventory.reservations SET status = 'committed', committed_at = clock_timestamp()
             WHERE order_id = $1")
        .bind::<SqlUuid, _>(order.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError> {
        let tombstone = (
            reservations::order_id.eq(order.0),
            reservations::lines.eq(serde_json::json!([])),
            reservations::status.eq("released"),
            reservations::released_at.eq(clock_timestamp().nullable()),
        );
        let inserted = diesel::insert_into(reservations::table)
            .values(tombstone)
            .on_conflict(reservations::order_id)
            .do_nothing()
            .execute(self)
            .await?;
        Ok(inserted == 1)
    }

    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        let (skus, quantities) = columns(pieces);
        sql("WITH locked AS (
                 SELECT stock.sku, line.quantity FROM inventory.stock
                 JOIN unnest($1::text[], $2::bigint[]) AS line (sku, quantity) ON stock.sku = line.sku
                 ORDER BY stock.sku FOR UPDATE OF stock),
             put_back AS (
                 UPDATE inventory.stock SET on_hand = on_hand + locked.quantity
                 FROM locked WHERE stock.sku = locked.sku)
             UPDATE inventory.reservations SET status = 'released', released_at = clock_timestamp()
             WHERE order_id = $3")
        .bind::<Array<Text>, _>(skus)
        .bind::<Array<BigInt>, _>(quantities)
        .bind::<SqlUuid, _>(order.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_receipt(&mut self, receipt: &Receipt) -> Result<Uuid, BoxError> {
        let (skus, quantities) = columns(&receipt.lines);
        sql("WITH receipt AS (
                 INSERT INTO inventory.receipts (receipt_id, fingerprint) VALUES ($3, $4)
                 ON CONFLICT DO NOTHING RETURNING 1),
             line AS (
                 SELECT sku, sum(quantity)::bigint AS quantity
                 FROM unnest($1::text[], $2::bigint[]) AS line (sku, quantity), receipt GROUP BY sku)
             INSERT INTO inventory.stock AS stock (sku, received, on_hand)
             SELECT sku, quantity, quantity FROM line ORDER BY sku
             ON CONFLICT (sku) DO UPDATE SET received = stock.received + excluded.received,
                                             on_hand = stock.on_hand + excluded.on_hand")
        .bind::<Array<Text>, _>(skus)
        .bind::<Array<BigInt>, _>(quantities)
        .bind::<SqlUuid, _>(receipt.receipt_id)
        .bind::<SqlUuid, _>(receipt.fingerprint())
        .execute(self)
        .await?;
        // A separate statement: the insert may have waited for a transaction that took the id, and its snapshot does
        // not show that row.
        let fingerprint: Option<Uuid> = receipts::table
            .find(receipt.receipt_id)
            .select(receipts::fingerprint)
            .get_result(self)
            .await
            .optional()?
            .flatten();
        // Rows older than the fingerprint column match any delivery with their id.
        Ok(fingerprint.unwrap_or_else(|| receipt.fingerprint()))
    }
}

fn columns(pieces: &[Pieces]) -> (Vec<&str>, Vec<i64>) {
    pieces.iter().map(|piece| (piece.sku.as_str(), piece.quantity.get())).unzip()
}

impl TryFrom<LevelRow> for Level {
    type Error = contracts::Invalid;
    fn try_from(row: LevelRow) -> Result<Self, Self::Error> {
        Ok(Level { sku: row.sku.try_into()?, received: row.received, on_hand: row.on_hand })
    }
}

/// The stock of the products after `after`, in sku order. Read only: locks nothing.
pub async fn list(conn: &mut AsyncPgConnection, after: &str, limit: i64) -> Result<Vec<Level>, BoxError> {
    let rows = stock::table
        .filter(stock::sku.gt(after))
        .order(stock::sku)
        .limit(limit)
        .select(LevelRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}

/// The stock of one product.
pub async fn find(conn: &mut AsyncPgConnection, sku: &Sku) -> Result<Option<Level>, BoxError> {
    let row =
        stock::table.find(sku.as_str()).select(LevelRow::as_select()).get_result(conn).await.optional()?;
    row.map(|row| Ok(row.try_into()?)).transpose()
}
