//! The store in PostgreSQL: one statement to load all that a decision needs, one to save it.

use contracts::{BoxError, Money, OrderId, Sku};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::sql;

use crate::domain::{Claim, Pieces, Product, Sale};
use crate::ports::{CatalogStore, Offer};

#[derive(QueryableByName)]
struct ProductRow {
    #[diesel(sql_type = Text)]
    sku: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    price: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    sale_price: Option<i64>,
    #[diesel(sql_type = BigInt)]
    sale_quota: i64,
    #[diesel(sql_type = BigInt)]
    sale_claimed: i64,
}

#[derive(QueryableByName)]
struct OfferRow {
    #[diesel(embed)]
    product: ProductRow,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Jsonb)]
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
    async fn load(&mut self, order: OrderId, skus: &[&Sku]) -> Result<Offer, BoxError> {
        let rows: Vec<OfferRow> = sql("SELECT sku, name, price, sale_price, sale_quota, sale_claimed,
                    (SELECT status FROM catalog.claims WHERE order_id = $1) AS status
             FROM catalog.products WHERE sku = ANY($2)")
        .bind::<Uuid, _>(order.0)
        .bind::<Array<Text>, _>(texts(skus))
        .load(self)
        .await?;
        let claim = match rows.as_slice() {
            [OfferRow { status: Some(_), .. }, ..] => self.load_claim(order).await?,
            _ => None,
        };
        let products = rows.into_iter().map(|row| row.product.try_into()).collect::<Result<_, _>>()?;
        Ok(Offer { claim, products })
    }

    async fn lock(&mut self, skus: &[&Sku]) -> Result<Vec<Product>, BoxError> {
        let rows: Vec<ProductRow> = sql("SELECT sku, name, price, sale_price, sale_quota, sale_claimed
             FROM catalog.products WHERE sku = ANY($1) ORDER BY sku FOR UPDATE")
        .bind::<Array<Text>, _>(texts(skus))
        .load(self)
        .await?;
        rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
    }

    async fn save_claimed(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        let (skus, quantities) = columns(pieces);
        sql("WITH claimed AS (
                 UPDATE catalog.products SET sale_claimed = sale_claimed + line.quantity
                 FROM unnest($1, $2) AS line (sku, quantity) WHERE products.sku = line.sku)
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
        let rows: Vec<ClaimRow> =
            sql("SELECT status, lines FROM catalog.claims WHERE order_id = $1 FOR UPDATE")
                .bind::<Uuid, _>(order.0)
                .load(self)
                .await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        if row.status == "released" {
            return Ok(Some(Claim::Released));
        }
        Ok(Some(Claim::Claimed(serde_json::from_value(row.lines)?)))
    }

    async fn save_released(&mut self, order: OrderId, pieces: &[Pieces]) -> Result<(), BoxError> {
        let (skus, quantities) = columns(pieces);
        sql("WITH locked AS (
                 SELECT products.sku, line.quantity FROM catalog.products
                 JOIN unnest($1, $2) AS line (sku, quantity) ON products.sku = line.sku
                 ORDER BY products.sku FOR UPDATE OF products),
             given_back AS (
                 UPDATE catalog.products SET sale_claimed = sale_claimed - locked.quantity
                 FROM locked WHERE products.sku = locked.sku)
             INSERT INTO catalog.claims (order_id, lines, status, released_at)
             VALUES ($3, '[]', 'released', clock_timestamp())
             ON CONFLICT (order_id) DO UPDATE SET status = 'released', released_at = clock_timestamp()")
        .bind::<Array<Text>, _>(skus)
        .bind::<Array<BigInt>, _>(quantities)
        .bind::<Uuid, _>(order.0)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn save_products(&mut self, products: &[Product]) -> Result<(), BoxError> {
        let sale = |product: &Product| product.sale.as_ref().map(|sale| (sale.price.0, sale.quota));
        // What orders have claimed stays claimed: it is theirs, whatever becomes of the sale.
        sql("INSERT INTO catalog.products AS product (sku, name, price, sale_price, sale_quota)
             SELECT DISTINCT ON (sku) * FROM unnest($1, $2, $3, $4, $5)
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

/// The products after `after`, by sku.
pub async fn list(conn: &mut AsyncPgConnection, after: &str, limit: i64) -> Result<Vec<Product>, BoxError> {
    let rows: Vec<ProductRow> = sql("SELECT sku, name, price, sale_price, sale_quota, sale_claimed
         FROM catalog.products WHERE sku > $1 ORDER BY sku LIMIT $2")
    .bind::<Text, _>(after)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}
