//! The orders module's HTTP endpoints.
//!
//! Only `GET` is here. Each driver of the checkout implements `POST /orders` itself, since its response is what differs
//! between the modes. [`new_order`], [`insist`], [`order_answer`] and [`not_placed`] are the parts that they share.

use std::cell::Cell;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use backon::{ExponentialBuilder, Retryable};
use contracts::{CustomerId, OrderId, OrderRequest, path_by_key};
use platform::request::{not_possible, read};
use platform::{Blame, Pool, Problem, Waits, blame, refused_values, telemetry};
use serde::Deserialize;

use crate::domain::{NewOrder, Order};
use crate::handlers::PlaceError;
use crate::postgres;

/// Registers the endpoints for reading orders.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/orders", web::get().to(list))
        .route("/orders/by-key", web::get().to(find_by_key))
        .route("/orders/{order_id}", web::get().to(find));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCustomer {
    customer: CustomerId,
    after: Option<OrderId>,
    limit: Option<u16>,
}

/// A page of a customer's orders, newest first. The `Link` header points to the next page (RFC 8288) if there is one.
async fn list(pool: web::Data<Pool>, query: web::Query<OfCustomer>) -> Result<HttpResponse, Problem> {
    let OfCustomer { customer, after, limit } = query.into_inner();
    let limit = limit.unwrap_or(20).clamp(1, 100);
    let before = match after {
        None => None,
        Some(after) => Some(
            read(&pool, async |conn| postgres::find(conn, after).await)
                .await?
                .filter(|order| order.placed.customer_id == customer)
                .and_then(|order| Some((order.placed_at?, after)))
                .ok_or_else(|| Problem::not_found(format!("order {after} of {customer}")))?,
        ),
    };
    // Load one more than is shown, to know whether there is a next page.
    let wanted = i64::from(limit) + 1;
    let mut orders = read(&pool, async |conn| postgres::list(conn, &customer, before, wanted).await).await?;
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
    match read(&pool, async |conn| postgres::find(conn, *order).await).await? {
        Some(order) => Ok(HttpResponse::Ok().json(order)),
        None => Err(Problem::not_found(format!("order {order}"))),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByKey {
    idempotency_key: String,
}

/// The order that was placed with a key. For a client that got no response, and so has no id.
async fn find_by_key(pool: web::Data<Pool>, query: web::Query<ByKey>) -> Result<HttpResponse, Problem> {
    let key = &query.idempotency_key;
    NewOrder::check_key(key).map_err(|error| Problem::bad_request("invalid_query", error.0))?;
    match read(&pool, async |conn| postgres::find_by_key(conn, key).await).await? {
        Some(order) => Ok(HttpResponse::Ok().json(order)),
        None => Err(Problem::not_found("order with this Idempotency-Key so far")),
    }
}

/// The order that a `POST /orders` asks for.
pub fn new_order(request: &HttpRequest, body: OrderRequest) -> Result<NewOrder, Problem> {
    let Some(key) = request.headers().get("idempotency-key") else {
        let detail = "send an Idempotency-Key header, e.g. a UUID, so that the request can be sent again \
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

/// The response to `POST /orders`: the order with its status, and its path in `Location`.
pub fn order_answer(status: StatusCode, order: &Order, replayed: bool) -> HttpResponse {
    telemetry::note_order(order.placed.order_id);
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::LOCATION, path(order.placed.order_id)));
    if replayed {
        answer.insert_header(("idempotency-replayed", "true"));
    }
    answer.json(order)
}

/// How many times placing an order is attempted before the client gets an error: rule 27 (lock order).
const ATTEMPTS: usize = 5;

/// The name of this part in reports of what waits.
const PART: &str = "checkout";

/// The pause before the second attempt. Each later pause is twice as long.
const PAUSE: Duration = Duration::from_millis(5);

/// Retries temporary failures, and returns what is known for certain if no attempt succeeds.
///
/// Retrying is safe even if a commit was sent and its reply was lost: the next attempt then finds the order by its key.
/// Meanwhile, `waits` says that orders wait for the database: rule 46 (bad moments).
pub async fn insist<T>(
    waits: &Waits,
    attempt: impl AsyncFn() -> Result<T, PlaceError>,
) -> Result<T, PlaceError> {
    let (in_doubt, failed) = (Cell::new(false), Cell::new(false));
    let delays = ExponentialBuilder::default().with_min_delay(PAUSE).with_max_times(ATTEMPTS - 1);
    let again = |error: &PlaceError| match error {
        PlaceError::Broken(error) => {
            failed.set(true);
            blame(&**error) == Blame::Environment
        }
        PlaceError::Unknown(_) => {
            in_doubt.set(true);
            true
        }
        // A failed attempt of our own can still hold the key: a session that is ending, or a branch not yet rolled
        // back.
        PlaceError::KeyBusy => in_doubt.get() || failed.get(),
        PlaceError::KeyReused => false,
    };
    let outcome = (|| attempt())
        .retry(delays)
        .when(again)
        .notify(|error, pause| {
            tracing::info!(?error, ?pause, "placing the order failed, trying again");
            if let PlaceError::Broken(error) | PlaceError::Unknown(error) = error {
                waits.begin(PART, "database", error);
            }
        })
        .await;
    waits.end(PART);
    match outcome {
        Err(PlaceError::Broken(error)) if in_doubt.get() => Err(PlaceError::Unknown(error)),
        Err(PlaceError::KeyBusy) if failed.get() && !in_doubt.get() => {
            Err(PlaceError::Broken("an earlier attempt still holds the key".into()))
        }
        outcome => outcome,
    }
}

/// The error response for an order that was not placed, or may have been placed. It says which of the two, and what to
/// do next. `key` is the idempotency key of the request.
pub fn not_placed(error: PlaceError, key: &str) -> Problem {
    match error {
        PlaceError::KeyReused => Problem::unprocessable(
            "idempotency_key_reused",
            "this Idempotency-Key was used for a different order; use a new key for a new order",
        ),
        PlaceError::KeyBusy => Problem::new(
            StatusCode::CONFLICT,
            "idempotency_key_busy",
            "a request with this Idempotency-Key is in progress; send it again in a moment",
        ),
        PlaceError::Broken(error) if refused_values(&*error) => {
            tracing::error!(%error, "the order cannot be placed");
            not_possible()
        }
        PlaceError::Broken(error) => {
            tracing::error!(%error, "the order was not placed");
            Problem::unavailable(
                "this request has not placed the order; send it again with the same Idempotency-Key, because an earlier \
                 request with that key may have placed it",
            )
        }
        PlaceError::Unknown(error) => {
            tracing::error!(%error, "it is unknown whether the order was placed");
            let path = path_by_key(key);
            Problem::outcome_unknown(format!(
                "the order may have been placed; send it again with the same Idempotency-Key (never a new one), or \
                 look at {path}"
            ))
            .ask_at(path)
        }
    }
}

/// The path of an order.
fn path(order: OrderId) -> String {
    format!("/orders/{order}")
}

#[cfg(test)]
mod tests {
    use contracts::BoxError;
    use diesel::result::{DatabaseErrorKind as Kind, Error};

    use super::*;

    fn moment() -> BoxError {
        Error::DatabaseError(Kind::Unknown, Box::new("잠금 제한 시간 초과".to_owned())).into()
    }

    /// Runs `insist` on attempts that end like these. Returns the last result and the number of attempts.
    async fn insisted(outcomes: Vec<fn() -> Result<(), PlaceError>>) -> (Result<(), PlaceError>, usize) {
        let made = Cell::new(0);
        let waits = Waits::default();
        let outcome = insist(&waits, async || {
            made.set(made.get() + 1);
            outcomes[(made.get() - 1).min(outcomes.len() - 1)]()
        });
        (outcome.await, made.get())
    }

    #[tokio::test]
    async fn a_bad_moment_is_tried_again_and_a_bad_order_is_not() {
        let broken: fn() -> _ = || Err(PlaceError::Broken(moment()));
        let (outcome, attempts) = insisted(vec![broken, broken, || Ok(())]).await;
        assert!(outcome.is_ok() && attempts == 3);
        let (outcome, attempts) = insisted(vec![|| Err(PlaceError::Broken("no such module".into()))]).await;
        assert!(matches!(outcome, Err(PlaceError::Broken(_))) && attempts == 1);
        let (outcome, attempts) = insisted(vec![|| Err(PlaceError::KeyBusy)]).await;
        assert!(matches!(outcome, Err(PlaceError::KeyBusy)) && attempts == 1);
    }

    #[tokio::test]
    async fn what_may_have_been_committed_is_never_said_not_to_be() {
        let lost: fn() -> _ = || Err(PlaceError::Unknown(moment()));
        let broken: fn() -> _ = || Err(PlaceError::Broken(moment()));
        let (outcome, attempts) = insisted(vec![broken, lost, broken]).await;
        assert!(matches!(outcome, Err(PlaceError::Unknown(_))) && attempts == ATTEMPTS);
        let (outcome, _) = insisted(vec![broken]).await;
        assert!(matches!(outcome, Err(PlaceError::Broken(_))), "it was never sent");
        let (outcome, attempts) = insisted(vec![lost, || Err(PlaceError::KeyBusy), || Ok(())]).await;
        assert!(outcome.is_ok() && attempts == 3);
    }

    #[test]
    fn the_three_outcomes_have_codes_of_their_own() {
        let told = |error| serde_json::to_value(not_placed(error, "a/b")).unwrap();
        let (not_done, unknown) = (told(PlaceError::Broken(moment())), told(PlaceError::Unknown(moment())));
        assert_eq!((&not_done["code"], not_done.get("ask")), (&"unavailable".into(), None));
        assert_eq!(unknown["code"], "outcome_unknown");
        assert_eq!(unknown["ask"], "/orders/by-key?idempotency_key=a%2Fb");
        assert!(!unknown["detail"].as_str().unwrap().contains("nothing was decided"), "{unknown}");
    }
}
