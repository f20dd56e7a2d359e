//! Shipping's HTTP endpoints.

use actix_web::{HttpResponse, web};
use contracts::OrderId;
use platform::request::read;
use platform::{Pool, Problem};

use crate::postgres;

/// Registers the endpoints below `/shipments`. They find their [`Pool`] in the app's data.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes.route("/shipments/{order_id}", web::get().to(find));
}

async fn find(pool: web::Data<Pool>, order: web::Path<OrderId>) -> Result<HttpResponse, Problem> {
    match read(&pool, async |conn| postgres::find(conn, *order).await).await? {
        Some(shipment) => Ok(HttpResponse::Ok().json(shipment)),
        None => Err(Problem::not_found(format!("shipment of order {order}"))),
    }
}
