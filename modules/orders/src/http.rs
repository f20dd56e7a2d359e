//! What orders answers over HTTP.
//!
//! `GET` is here. `POST /orders` belongs to whoever drives the checkout, because its answer is what differs between
//! the modes; [`new_order`] and [`order_answer`] are what the two have in common.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::{CustomerId, OrderId, OrderRequest};
use platform::{Pool, Problem, db};
use serde::Deserialize;

use crate::domain::{NewOrder, Order};
use crate::handlers::PlaceError;
use crate::postgres;

/// The module's endpoints for reading.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes.route("/orders", web::get().to(list)).route("/orders/{order_id}", web::get().to(find));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCustomer {
    customer: CustomerId,
    after: Option<OrderId>,
    limit: Option<u16>,
}

/// A page of a customer's orders, the newest first; `Link` leads to the next (RFC 8288) while there is one.
async fn list(pool: web::Data<Pool>, query: web::Query<OfCustomer>) -> Result<HttpResponse, Problem> {
    let OfCustomer { customer, after, limit } = query.into_inner();
    let limit = limit.unwrap_or(20).clamp(1, 100);
    let mut conn = db::get(&pool).await?;
    let before = match after {
        None => None,
        Some(after) => Some(
            postgres::find(&mut conn, after)
                .await?
                .filter(|order| order.placed.customer_id == customer)
                .and_then(|order| Some((order.placed_at?, after)))
                .ok_or_else(|| Problem::not_found(format!("order {after} of {customer}")))?,
        ),
    };
    // One more than is shown tells whether there is a next page.
    let mut orders = postgres::list(&mut conn, &customer, before, i64::from(limit) + 1).await?;
    let mut answer = HttpResponse::Ok();
    if orders.len() > usize::from(limit) {
        orders.truncate(limit.into());
        let last = orders[orders.len() - 1].placed.order_id;
        let next = format!("</orders?customer={customer}&after={last}&limit={limit}>; rel=\"next\"");
        answer.insert_header((header::LINK, next));
    }
    Ok(answer.json(orders))
}

async fn find(pool: web::Data<Pool>, order: web::Path<OrderId>) -> Result<HttpResponse, Problem> {
    match postgres::find(&mut *db::get(&pool).await?, *order).await? {
        Some(order) => Ok(HttpResponse::Ok().json(order)),
        None => Err(Problem::not_found(format!("order {order}"))),
    }
}

/// The order that a `POST /orders` asks for.
pub fn new_order(request: &HttpRequest, body: OrderRequest) -> Result<NewOrder, Problem> {
    let Some(key) = request.headers().get("idempotency-key") else {
        let detail = "send an Idempotency-Key header, for example a UUID: then the same request can be sent again \
                      without ordering twice";
        return Err(Problem::bad_request("idempotency_key_missing", detail));
    };
    let key = key.to_str().unwrap_or_default();
    NewOrder::new(key, body).map_err(|error| {
        if error.0.contains("Idempotency-Key") {
            Problem::bad_request("idempotency_key_invalid", error.0)
        } else {
            Problem::unprocessable("invalid_order", error.0)
        }
    })
}

/// The answer to a `POST /orders`: where the order is, and how it stands.
pub fn order_answer(status: StatusCode, order: &Order, replayed: bool) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::LOCATION, format!("/orders/{}", order.placed.order_id)));
    if replayed {
        answer.insert_header(("idempotency-replayed", "true"));
    }
    answer.json(order)
}

impl From<PlaceError> for Problem {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::KeyReused => Problem::unprocessable(
                "idempotency_key_reused",
                "this Idempotency-Key was sent with another order; use a new one for a new order",
            ),
            PlaceError::KeyBusy => Problem::new(
                StatusCode::CONFLICT,
                "idempotency_key_busy",
                "a request with this Idempotency-Key is being worked on; send it again in a moment",
            ),
            PlaceError::Broken(error) => error.into(),
        }
    }
}
