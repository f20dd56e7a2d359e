//! The store in PostgreSQL: one statement loads everything that a decision needs, and one saves it.

use contracts::{BoxError, Money, OrderId, Sku};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{clock_timestamp, sql};

use crate::domain::{Claim, Pieces, Product, Sale};
use crate::ports::{CatalogStore, Offer};
use crate::schema::{claims, products};

#[derive(Queryable, Selectable)]
#[diesel(table_name = products, check_for_backend(Pg))]
struct ProductRow {
    sku: String,
    name: String,
    price: i64,
    sale_price: Option<i64>,
    sale_quota: i64,
    sale_claimed: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = claims, check_for_backend(Pg))]
struct ClaimRow {
    status: String,
    lines: serde_json::Value,
}

impl TryFrom<ProductRow> for Product {
    type Error = contracts::Invalid;
    fn try_from(row: ProductRow) -> Result<Self, Self::Error> {
        let sale = row.sale_price.map(|price| Sale {
            price: Money(price),
            quota: row.sale_quota,
            claimed: row.sale_claimed,
        });
        Ok(Product { sku: row.sku.try_into()?, name: row.name, price: Money(row.price), sale })
    }
}

impl CatalogStore for AsyncPgConnection {
    async fn lock_all(&mut self, skus: &[&Sku], released: &[OrderId]) -> Result<(), BoxError> {
        sql("SELECT sku FROM catalog.products
             WHERE (sale_price IS NOT NULL OR sale_claimed > 0) AND sku = ANY($1::text[] || ARRAY(
                 SELECT line->>'sku' FROM catalog.claims, jsonb_array_elements(lines) AS line
                 WHERE order_id = ANY($2::uuid[]) AND status = 'claimed'))
             ORDER BY sku FOR UPDATE")
        .bind::<Array<Text>, _>(texts(skus))
        .bind::<Array<Uuid>, _>(released.iter().map(|order| order.0).collect::<Vec<_>>())
        .execute(self)
        .await?;
        Ok(())
    }

    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Offer, BoxError> {
        let status = claims::table.find(order.0).select(claims::status).single_value();
        let rows: Vec<(ProductRow, Option<String>)> = products::table
            .filter(products::sku.eq_any(texts(skus)))
            .select((ProductRow::as_select(), status))
            .load(self)
            .await?;
        let claim = match rows.as_slice() {
            [(_, Some(_)), ..] => self.load_claim(order).await?,
            _ => None,
        };
        let products = rows.into_iter().map(|(product, _)| product.try_into()).collect::<Result<_, _>>()?;
        Ok(Offer { claim, products })
    }

    async fn lock(&mut self, skus: &[&Sku]) -> Result<Vec<Product>, BoxError> {
        let rows = products::table
            .filter(products::sku.eq_any(texts(skus)))
            .order(products::sku)
            .select(ProductRow::as_select())
            .for_update()
            .load(self)
            .await?;
        rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
    }

    async fn save_claimed(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        let (skus, quantities) = columns(pieces);
        sql("WITH claimed AS (
                 UPDATE catalog.products SET sale_claimed = sale_claimed + line.quantity
                 FROM unnest($1::text[], $2::bigint[]) AS line (sku, quantity) WHERE products.sku = line.sku)
             INSERT INTO catalog.claims (order_id, lines, status) VALUES ($3, $4, 'claimed')")
        .bind::<Array<Text>, _>(skus)
        .bind::<Array<BigInt>, _>(quantities)
        .bind::<Uuid, _>(order.0)
        .bind::<Jsonb, _>(serde_json::to_value(pieces)?)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn load_claim(&mut self, order: OrderId) -> Result<Option<Claim>, BoxError> {
        let row = claims::table
            .find(order.0)
            .select(ClaimRow::as_select())
            .for_update()
            .get_result(self)
            .await
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        if row.status == "released" {
            return Ok(Some(Claim::Released));
        }
        Ok(Some(Claim::Claimed(serde_json::from_value(row.lines)?)))
    }

    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError> {
        let tombstone = (
            claims::order_id.eq(order.0),
            claims::lines.eq(serde_json::json!([])),
            claims::status.eq("released"),
            claims::released_at.eq(clock_timestamp().nullable()),
        );
        let inserted = diesel::insert_into(claims::table)
            .values(tombstone)
            .on_conflict(claims::order_id)
            .do_nothing()
            .execute(self)
            .await?;
        Ok(inserted == 1)
    }

    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        let (skus, quantities) = columns(pieces);
        sql("WITH locked AS (
                 SELECT products.sku, line.quantity FROM catalog.products
                 JOIN unnest($1::text[], $2::bigint[]) AS line (sku, quantity) ON products.sku = line.sku
                 ORDER BY products.sku FOR UPDATE OF products),
             given_back AS (
                 UPDATE catalog.products SET sale_claimed = sale_claimed - locked.quantity
                 FROM locked WHERE products.sku = locked.sku)
             UPDATE catalog.claims SET status = 'released', released_at = clock_timestamp()
             WHERE order_id = $3")
        .bind::<Array<Text>, _>(skus)
        .bind::<Array<BigInt>, _>(quantities)
        .bind::<Uuid, _>(order.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_products(&mut self, products: &[Product]) -> Result<(), BoxError> {
        let sale = |product: &Product| product.sale.as_ref().map(|sale| (sale.price.0, sale.quota));
        // What orders have claimed stays claimed, even if the new sale is smaller or there is none.
        sql("INSERT INTO catalog.products AS product (sku, name, price, sale_price, sale_quota)
             SELECT DISTINCT ON (sku) sku, name, price, sale_price, sale_quota
             FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
                 AS line (sku, name, price, sale_price, sale_quota) ORDER BY sku
             ON CONFLICT (sku) DO UPDATE SET
                 name = excluded.name, price = excluded.price, sale_price = excluded.sale_price,
                 sale_quota = greatest(excluded.sale_quota, product.sale_claimed)")
        .bind::<Array<Text>, _>(products.iter().map(|product| product.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(products.iter().map(|product| product.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(products.iter().map(|product| product.price.0).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(products.iter().map(|p| sale(p).map(|s| s.0)).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(products.iter().map(|p| sale(p).map_or(0, |s| s.1)).collect::<Vec<_>>())
        .execute(self)
        .await?;
        Ok(())
    }
}

fn texts<'a>(skus: &[&'a Sku]) -> Vec<&'a str> {
    skus.iter().map(|sku| sku.as_str()).collect()
}

fn columns(pieces: &[Pieces]) -> (Vec<&str>, Vec<i64>) {
    pieces.iter().map(|piece| (piece.sku.as_str(), piece.quantity.get())).unzip()
}

/// The products after `after`, in sku order.
pub async fn list(conn: &mut AsyncPgConnection, after: &str, limit: i64) -> Result<Vec<Product>, BoxError> {
    let rows = products::table
        .filter(products::sku.gt(after))
        .order(products::sku)
        .limit(limit)
        .select(ProductRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}
