//! The store in PostgreSQL: one statement to load all that a decision needs, one to save it.

use contracts::{BoxError, OrderId, Sku};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{Flaw, sql};
use uuid::Uuid;

use crate::domain::{Level, Pieces, Receipt, Reservation};
use crate::flawed;
use crate::ports::{Shelf, StockStore};

#[derive(QueryableByName)]
struct LevelRow {
    #[diesel(sql_type = Text)]
    sku: String,
    #[diesel(sql_type = BigInt)]
    received: i64,
    #[diesel(sql_type = BigInt)]
    on_hand: i64,
}

#[derive(QueryableByName)]
struct ShelfRow {
    #[diesel(embed)]
    level: LevelRow,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

#[derive(QueryableByName)]
struct ReservationRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Jsonb)]
    lines: serde_json::Value,
}

#[derive(QueryableByName)]
struct ReceiptRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    fingerprint: Option<Uuid>,
}

/// Locks in the order of the skus, so that two orders that want the same products wait for each other and never in a
/// circle (rule 27).
const LOAD: &str = "SELECT sku, received, on_hand,
        (SELECT status FROM inventory.reservations WHERE order_id = $1) AS status
    FROM inventory.stock WHERE sku = ANY($2) ORDER BY sku FOR UPDATE";

/// `ANY` and a look-up instead of a join with `unnest`: one index scan, and nothing else to set up. The table's `CHECK`
/// stands behind it (rule 26).
const TAKE: &str = "WITH taken AS (
        UPDATE inventory.stock SET on_hand = on_hand - ($2)[array_position($1, sku)]
        WHERE sku = ANY($1))
    INSERT INTO inventory.reservations (order_id, lines, status) VALUES ($3, $4, 'reserved')";

impl StockStore for AsyncPgConnection {
    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Shelf, BoxError> {
        let rows: Vec<ShelfRow> = sql(match () {
            _ if Flaw::NoStockGuard.is_on() => flawed::LOAD_WITHOUT_LOCKS,
            _ if Flaw::UnsortedLocks.is_on() => flawed::LOAD_IN_ANY_ORDER,
            () => LOAD,
        })
        .bind::<SqlUuid, _>(order.0)
        .bind::<Array<Text>, _>(skus.iter().map(|sku| sku.as_str()).collect::<Vec<_>>())
        .load(self)
        .await?;
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
        let rows: Vec<ReservationRow> =
            sql("SELECT status, lines FROM inventory.reservations WHERE order_id = $1 FOR UPDATE")
                .bind::<SqlUuid, _>(order.0)
                .load(self)
                .await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
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

    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        let (skus, quantities) = columns(pieces);
        sql("WITH locked AS (
                 SELECT stock.sku, line.quantity FROM inventory.stock
                 JOIN unnest($1, $2) AS line (sku, quantity) ON stock.sku = line.sku
                 ORDER BY stock.sku FOR UPDATE OF stock),
             put_back AS (
                 UPDATE inventory.stock SET on_hand = on_hand + locked.quantity
                 FROM locked WHERE stock.sku = locked.sku)
             INSERT INTO inventory.reservations (order_id, lines, status, released_at)
             VALUES ($3, '[]', 'released', clock_timestamp())
             ON CONFLICT (order_id) DO UPDATE SET status = 'released', released_at = clock_timestamp()")
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
                 FROM unnest($1, $2) AS line (sku, quantity), receipt GROUP BY sku)
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
        // A statement of its own: the first may have waited for another that took the id, and does not see its row.
        let rows: Vec<ReceiptRow> = sql("SELECT fingerprint FROM inventory.receipts WHERE receipt_id = $1")
            .bind::<SqlUuid, _>(receipt.receipt_id)
            .load(self)
            .await?;
        // What was received before fingerprints were kept is taken for what it is said to be.
        Ok(rows.into_iter().find_map(|row| row.fingerprint).unwrap_or_else(|| receipt.fingerprint()))
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

/// How much there is of the products after `after`, by sku. For reading: nothing is locked.
pub async fn list(conn: &mut AsyncPgConnection, after: &str, limit: i64) -> Result<Vec<Level>, BoxError> {
    let rows: Vec<LevelRow> =
        sql("SELECT sku, received, on_hand FROM inventory.stock WHERE sku > $1 ORDER BY sku LIMIT $2")
            .bind::<Text, _>(after)
            .bind::<BigInt, _>(limit)
            .load(conn)
            .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}

/// How much there is of one product.
pub async fn find(conn: &mut AsyncPgConnection, sku: &Sku) -> Result<Option<Level>, BoxError> {
    let rows: Vec<LevelRow> = sql("SELECT sku, received, on_hand FROM inventory.stock WHERE sku = $1")
        .bind::<Text, _>(sku.as_str())
        .load(conn)
        .await?;
    rows.into_iter().next().map(|row| Ok(row.try_into()?)).transpose()
}
