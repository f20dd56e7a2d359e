//! `POST /orders`: an order and its saga begin together.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chassis::{Outgoing, Wake, enqueue};
use checkout::Saga;
use contracts::{BoxError, Envelope, OrderRequest, TraceContext};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use orders::{NewOrder, Order, PlaceError, Placed};
use platform::{Pool, Problem, http};

use crate::sagas;
use crate::waiting::{Waiting, preferred_wait};

/// 202 and a pending order; or, to a client that would rather wait, 201 and the decision if it comes in time.
pub async fn place_order(
    request: HttpRequest,
    body: web::Json<OrderRequest>,
    pool: web::Data<Pool>,
    wake: web::Data<Wake>,
    waiting: web::Data<Waiting>,
) -> Result<HttpResponse, Problem> {
    let new = orders::new_order(&request, body.into_inner())?;
    let trace = http::trace_of(&request);
    let wait = preferred_wait(&request);
    let ticket = wait.map(|_| waiting.ticket(new.placed.order_id));
    let (mut order, replayed) = begin(&pool, &new, trace).await?;
    wake.notify_one();
    if let (Some(at_most), Some(ticket)) = (wait, ticket)
        && !order.status.is_terminal()
    {
        let order_id = order.placed.order_id;
        // An order that an earlier request placed has another id than the one that this request would have had.
        let ticket = if replayed { waiting.ticket(order_id) } else { ticket };
        order = ticket.wait(&pool, order, at_most).await?;
    }
    let status = match (order.status.is_terminal(), replayed) {
        (false, _) => StatusCode::ACCEPTED,
        (true, false) => StatusCode::CREATED,
        (true, true) => StatusCode::OK,
    };
    Ok(orders::order_answer(status, &order, replayed))
}

/// Places the order, or finds the one that the same request placed before.
async fn begin(pool: &Pool, new: &NewOrder, trace: TraceContext) -> Result<(Order, bool), PlaceError> {
    let mut conn = pool.get().await.map_err(BoxError::from)?;
    let placed = conn.transaction(async |conn| place_with_saga(conn, new, trace).await).await;
    match placed.map_err(|Rollback(error)| error)? {
        Placed::New(_) => Ok((Order::pending(new.placed.clone()), false)),
        Placed::Known(order) => Ok((*order, true)),
    }
}

/// One transaction: the order, its saga, and the first command in the outbox (rules 1 and 22).
async fn place_with_saga(
    conn: &mut AsyncPgConnection,
    new: &NewOrder,
    trace: TraceContext,
) -> Result<Placed, Rollback> {
    let placed = orders::place(conn, new).await?;
    if let Placed::New(_) = placed {
        let (saga, first) = Saga::start(new.placed.clone());
        sagas::insert(conn, new.placed.order_id, &saga, trace).await?;
        enqueue(conn, &[Outgoing::new(&Envelope::new("orders", trace, 0, first))?]).await?;
    }
    Ok(placed)
}

/// Why the transaction was rolled back.
struct Rollback(PlaceError);

impl From<PlaceError> for Rollback {
    fn from(error: PlaceError) -> Self {
        Rollback(error)
    }
}

impl From<BoxError> for Rollback {
    fn from(error: BoxError) -> Self {
        Rollback(PlaceError::Broken(error))
    }
}

impl From<diesel::result::Error> for Rollback {
    fn from(error: diesel::result::Error) -> Self {
        Rollback(PlaceError::Broken(error.into()))
    }
}
