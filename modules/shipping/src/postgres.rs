//! The store in PostgreSQL.

use chrono::{DateTime, Utc};
use contracts::{BoxError, OrderId, Region};
use diesel::QueryableByName;
use diesel::sql_types::{Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::sql;
use serde::Serialize;

use crate::ports::ShipmentStore;

impl ShipmentStore for AsyncPgConnection {
    async fn save(&mut self, order: OrderId, region: &Region) -> Result<(), BoxError> {
        sql("INSERT INTO shipping.shipments (order_id, region) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind::<Uuid, _>(order.0)
            .bind::<Text, _>(region.as_str())
            .execute(self)
            .await?;
        Ok(())
    }
}

/// A shipment, as the API shows it.
#[derive(Debug, Serialize, QueryableByName)]
pub struct Shipment {
    #[diesel(sql_type = Uuid)]
    order_id: uuid::Uuid,
    #[diesel(sql_type = Text)]
    region: String,
    #[diesel(sql_type = Timestamptz)]
    scheduled_at: DateTime<Utc>,
}

/// An order's shipment.
pub async fn find(conn: &mut AsyncPgConnection, order: OrderId) -> Result<Option<Shipment>, BoxError> {
    let rows: Vec<Shipment> =
        sql("SELECT order_id, region, scheduled_at FROM shipping.shipments WHERE order_id = $1")
            .bind::<Uuid, _>(order.0)
            .load(conn)
            .await?;
    Ok(rows.into_iter().next())
}
