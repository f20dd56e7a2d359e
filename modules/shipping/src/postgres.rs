//! The store in PostgreSQL.

use chrono::{DateTime, Utc};
use contracts::{BoxError, OrderId, Region};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use crate::ports::ShipmentStore;
use crate::schema::shipments;

// Without the last attribute any field could be `DEFAULT`, and diesel would not cache the prepared statement.
#[derive(Insertable)]
#[diesel(table_name = shipments, treat_none_as_default_value = false)]
struct NewShipment<'a> {
    order_id: uuid::Uuid,
    region: &'a str,
}

impl ShipmentStore for AsyncPgConnection {
    async fn save(&mut self, order: OrderId, region: &Region) -> Result<(), BoxError> {
        let shipment = NewShipment { order_id: order.0, region: region.as_str() };
        diesel::insert_into(shipments::table).values(shipment).on_conflict_do_nothing().execute(self).await?;
        Ok(())
    }
}

/// A shipment as the API shows it.
#[derive(Debug, Serialize, Queryable, Selectable)]
#[diesel(table_name = shipments, check_for_backend(Pg))]
pub struct Shipment {
    order_id: uuid::Uuid,
    region: String,
    scheduled_at: DateTime<Utc>,
}

/// An order's shipment.
pub async fn find(conn: &mut AsyncPgConnection, order: OrderId) -> Result<Option<Shipment>, BoxError> {
    let shipment = shipments::table.find(order.0).select(Shipment::as_select());
    Ok(shipment.get_result(conn).await.optional()?)
}
