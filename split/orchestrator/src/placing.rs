//! `POST /orders`: stores an order and starts its saga in one transaction.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chassis::{Failure, Handover, OutboxEntry, Protocol, Written, enqueue};
use checkout::Process;
use contracts::{BoxError, Envelope, Event, OrderRequest, PlacedOrder};
use diesel_async::AsyncPgConnection;
use orders::{Decision, NewOrder, Order, PlaceError, Placed};
use platform::health::Health;
use platform::telemetry::{self, DATABASE, Kind, Scope, Span};
use platform::{CrashPoint, Flaw, NotCommitted, Pool, Problem, http, transaction};

use crate::decisions::Decisions;
use crate::home::{Home, Walked};
use crate::sagas;

/// Returns 201 with the decision if the order is decided already: all steps so far were at home, or the client prefers to
/// wait and the decision comes in time. Otherwise 202 with the pending order.
pub async fn place_order(
    request: HttpRequest,
    body: web::Json<OrderRequest>,
    pool: web::Data<Pool>,
    handover: web::Data<Handover>,
    decisions: web::Data<Decisions>,
    start: web::Data<Start>,
    health: web::Data<Health>,
) -> Result<HttpResponse, Problem> {
    let new = orders::new_order(&request, body.into_inner())?;
    let scope = http::scope_of(&request).of(new.placed.order_id);
    telemetry::note_order(new.placed.order_id);
    let wait = http::preferred_wait(&request);
    let waiting = decisions.waiting();
    let ticket = wait.map(|_| waiting.ticket(new.placed.order_id));
    let begun = orders::insist(health.waits(), async || start.begin(&pool, &new, &scope).await).await;
    let Begun { mut order, replayed, written, decision } =
        begun.map_err(|error| orders::not_placed(error, &new.key))?;
    CrashPoint::AfterCommit.pass();
    handover.committed(written);
    if let Some(decision) = decision {
        order = order.decided(decision.clone());
        decisions.committed(order.placed.order_id, decision);
    }
    if let (Some(at_most), Some(ticket)) = (wait, ticket)
        && !order.status.is_terminal()
    {
        let order_id = order.placed.order_id;
        // A replayed request waits for the order that the earlier request placed, which has another id.
        let ticket = if replayed { waiting.ticket(order_id) } else { ticket };
        order = ticket.wait(&pool, order, at_most).await;
    }
    let status = match (order.status.is_terminal(), replayed) {
        (false, _) => StatusCode::ACCEPTED,
        (true, false) => StatusCode::CREATED,
        (true, true) => StatusCode::OK,
    };
    Ok(orders::order_answer(status, &order, replayed))
}

/// A checkout whose start is committed.
struct Begun {
    order: Order,
    /// Whether an earlier request placed the order and this one repeats that request.
    replayed: bool,
    /// The first messages.
    written: Written,
    /// The decision, if it was made in the same transaction.
    decision: Option<Decision>,
}

/// An order that is placed, with what its transaction did beyond that.
pub struct Started {
    /// Whether it is new.
    pub placed: Placed,
    /// The first messages.
    pub written: Written,
    /// The decision, if the steps at home came to one.
    pub decision: Option<Decision>,
}

/// How checkouts start in this shop.
pub struct Start {
    /// Decides which messages are sent first.
    pub protocol: Protocol,
    /// The modules in this process.
    pub home: Arc<Home>,
    /// How long a reply may take before the command is sent again.
    pub answer_within: Duration,
}

impl Start {
    /// Places the order, or finds the one that the same request placed earlier.
    async fn begin(&self, pool: &Pool, new: &NewOrder, within: &Scope) -> Result<Begun, PlaceError> {
        let mut conn = pool.get().await.map_err(BoxError::from)?;
        let mut span = within.span(Kind::Internal, "transaction").with(DATABASE);
        let scope = span.scope();
        let started = match Flaw::IntentNotStored.is_on() {
            true => self.place_then_start(&mut conn, new, scope).await,
            false => {
                let started =
                    transaction(&mut conn, async |conn| self.place_and_start(conn, new, scope).await);
                started.await.map(|(started, _commit)| started).map_err(failed)
            }
        };
        match &started {
            Err(PlaceError::Broken(_)) => span.failed("broken"),
            Err(PlaceError::Unknown(_)) => span.failed("unknown"),
            _ => {}
        }
        let Started { placed, written, decision } = started?;
        match placed {
            Placed::New(_) => {
                Ok(Begun { order: Order::pending(new.placed.clone()), replayed: false, written, decision })
            }
            Placed::Known(order) => {
                span.of(order.placed.order_id);
                // If the ids are equal, an earlier attempt of this same request stored the order and only its reply was
                // lost.
                let replayed = order.placed.order_id != new.placed.order_id;
                Ok(Begun { order: *order, replayed, written, decision })
            }
        }
    }

    /// One transaction with the order, its saga if it has one, the steps at home that come first, and the first
    /// messages in the outbox: rules 1 (outbox) and 22 (stored intent). Returns the span of the commit, which comes next
    /// and begins here.
    pub async fn place_and_start(
        &self,
        conn: &mut AsyncPgConnection,
        new: &NewOrder,
        within: &Scope,
    ) -> Result<(Started, Span), PlaceError> {
        CrashPoint::BeforeOrderWrite.pass();
        let step = within.span(Kind::Internal, "orders.place-order");
        let placed = orders::place(conn, new).await?;
        step.end();
        CrashPoint::AfterOrderWrite.pass();
        let (written, decision) = match &placed {
            Placed::New(event) => self.start(conn, event, &new.placed, within).await.map_err(broken)?,
            Placed::Known(_) => (Written::default(), None),
        };
        CrashPoint::BeforeCommit.pass();
        let commit = within.span(Kind::Client, "commit").with(DATABASE);
        Ok((Started { placed, written, decision }, commit))
    }

    /// Starts the checkout: sends the event to all services, or takes the first steps and sends the commands that
    /// follow.
    async fn start(
        &self,
        conn: &mut AsyncPgConnection,
        event: &Event,
        order: &PlacedOrder,
        within: &Scope,
    ) -> Result<(Written, Option<Decision>), Failure> {
        let trace = within.context();
        let (mut process, commands) = match self.protocol {
            Protocol::Orchestrated => Process::saga(order.clone()),
            Protocol::Tcc => Process::tcc(order.clone()),
            Protocol::Choreographed | Protocol::Naive => {
                let envelope = Envelope::new("orders", trace, 0, event.clone()).carrying(order.clone());
                return Ok((enqueue(conn, vec![OutboxEntry::new(envelope)?]).await?, None));
            }
        };
        self.home.know(conn).await?;
        self.home.lock(conn, std::iter::once_with(|| (process.clone(), commands.clone()))).await?;
        let Walked { away, decision } = self.home.walk(conn, &mut process, commands, within).await?;
        sagas::insert(conn, order.order_id, &process, trace, self.answer_within).await?;
        let seal = |command| OutboxEntry::new(Envelope::new("orders", trace, 0, command));
        let first = away.into_iter().map(seal).collect::<Result<Vec<_>, _>>()?;
        Ok((enqueue(conn, first).await?, decision))
    }

    /// Breaks rule 22 (stored intent): the order is committed first, and a crash after that loses its start.
    async fn place_then_start(
        &self,
        conn: &mut AsyncPgConnection,
        new: &NewOrder,
        within: &Scope,
    ) -> Result<Started, PlaceError> {
        let placed = transaction(conn, async |conn| orders::place(conn, new).await).await.map_err(failed)?;
        let Placed::New(event) = &placed else {
            return Ok(Started { placed, written: Written::default(), decision: None });
        };
        let start = async |conn: &mut _| self.start(conn, event, &new.placed, within).await.map_err(broken);
        let (written, decision) = transaction(conn, start).await.map_err(failed)?;
        Ok(Started { placed, written, decision })
    }
}

fn failed(failed: NotCommitted<PlaceError>) -> PlaceError {
    match failed {
        NotCommitted::RolledBack(error) => error,
        NotCommitted::Unknown(error) => PlaceError::Unknown(error),
    }
}

fn broken(failure: Failure) -> PlaceError {
    PlaceError::Broken(match failure {
        Failure::Broken(error) => error,
        Failure::Poison(reason) => reason.into(),
    })
}
