//! The *orchestrator*: the driver that runs the checkout as a saga.
//!
//! It knows no step of it. An event comes in, the saga says what is next, and that goes into the outbox, all in one
//! transaction. A command for this very service is done on the spot, so that the saga's last step needs no message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use chassis::{Failure, Outgoing, Reactor, enqueue};
use checkout::Progress;
use contracts::{BoxError, Command, Envelope, Error, Event, OrderId, TraceContext};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use orders::Decision;
use platform::Pool;
use uuid::Uuid;

use crate::sagas::{self, Stored};
use crate::waiting::Waiting;

/// The answers of all participants.
pub const LISTENS_TO: &[&str] = &[
    "catalog.prices-honoured",
    "catalog.prices-refused",
    "catalog.prices-released",
    "inventory.stock-reserved",
    "inventory.stock-refused",
    "inventory.stock-released",
    "payments.payment-captured",
    "payments.payment-refused",
    "payments.payment-refunded",
    "shipping.shipment-scheduled",
    "shipping.shipment-refused",
];

/// The most overdue sagas that are asked about at once.
const OVERDUE: i64 = 500;

/// Drives the sagas of this service's orders.
#[derive(Default)]
pub struct Orchestrator {
    waiting: Arc<Waiting>,
    /// What the transaction under way decides. Told to those who wait once it is committed.
    deciding: Mutex<Vec<(OrderId, Decision)>>,
}

impl Orchestrator {
    /// Where requests wait for decisions.
    pub fn waiting(&self) -> Arc<Waiting> {
        self.waiting.clone()
    }

    fn deciding(&self) -> MutexGuard<'_, Vec<(OrderId, Decision)>> {
        self.deciding.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Reactor for Orchestrator {
    type Message = Event;

    async fn react(
        &self,
        conn: &mut AsyncPgConnection,
        messages: Vec<Envelope<Event>>,
    ) -> Result<Vec<Outgoing>, Failure> {
        // What an earlier transaction was about to decide when it was rolled back: this one's commit must not tell it.
        self.deciding().clear();
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let orders: Vec<Uuid> = messages.iter().map(|message| message.subject.0).collect();
        let mut loaded = sagas::load(conn, &orders).await?;
        let mut outgoing = Vec::with_capacity(messages.len());
        for Envelope { message: event, traceparent, .. } in messages {
            let stored = saga_of(&mut loaded, &event)?;
            if let Some(command) = advance(conn, stored, event).await? {
                outgoing.push(seal(traceparent.child(), 0, command)?);
            }
        }
        let finished = loaded.values().filter_map(|stored| Some((stored.order, stored.decision.clone()?)));
        self.deciding().extend(finished);
        sagas::save(conn, &loaded.into_values().collect::<Vec<_>>()).await?;
        Ok(outgoing)
    }

    fn committed(&self) {
        for (order, decision) in self.deciding().drain(..) {
            self.waiting.decided(order, decision);
        }
    }

    /// Asks again where an answer is overdue. A time-out means that the outcome is unknown, never that it is a no
    /// (rule 23): the same command goes out as a new attempt, and the participant, which knows whether it did it,
    /// gives the same answer.
    async fn every_second(&self, pool: &Pool) -> Result<bool, Failure> {
        let mut conn = pool.get().await.map_err(BoxError::from)?;
        conn.transaction(async |conn| {
            let mut outgoing = Vec::new();
            for stored in sagas::overdue(conn, OVERDUE).await? {
                let Some(command) = stored.saga.outstanding() else { continue };
                tracing::warn!(order = %stored.order, command = command.routing_key(), "no answer yet; asking again");
                outgoing.push(seal(stored.trace.child(), stored.attempt.unsigned_abs(), command)?);
            }
            enqueue(conn, &outgoing).await?;
            Ok(!outgoing.is_empty())
        })
        .await
    }
}

fn saga_of<'a>(loaded: &'a mut HashMap<OrderId, Stored>, event: &Event) -> Result<&'a mut Stored, Failure> {
    let order = event.order_id();
    loaded.get_mut(&order).ok_or_else(|| {
        Failure::Poison(format!("{} for order {order}, which is unknown here", event.routing_key()))
    })
}

/// Moves a saga on. Gives the command to send, or nothing once it is over.
async fn advance(
    conn: &mut AsyncPgConnection,
    stored: &mut Stored,
    mut event: Event,
) -> Result<Option<Command>, Failure> {
    loop {
        match stored.saga.on_event(&event) {
            Progress::Next(command @ (Command::ConfirmOrder { .. } | Command::CancelOrder { .. })) => {
                stored.decision = Some(decision_in(&command));
                event = orders::handle(conn, command).await.map_err(|error| match error {
                    Error::Refused(refusal) => Failure::Poison(refusal.detail),
                    Error::Broken(error) => Failure::Broken(error),
                })?;
            }
            Progress::Next(command) => return Ok(Some(command)),
            Progress::Finished => return Ok(None),
            Progress::Late => {
                tracing::info!(order = %stored.order, event = event.routing_key(), "late; answered since");
                return Ok(None);
            }
            Progress::Unexpected => return Err(unexpected(stored, &event)),
        }
    }
}

fn decision_in(command: &Command) -> Decision {
    match command {
        Command::CancelOrder { refusal, .. } => Decision::Cancel(refusal.clone()),
        _ => Decision::Confirm,
    }
}

fn unexpected(stored: &Stored, event: &Event) -> Failure {
    let waits_for = match stored.saga.outstanding() {
        Some(command) => format!("its saga waits for the answer to {}", command.routing_key()),
        None => "its saga is finished".to_owned(),
    };
    Failure::Poison(format!("{} for order {}, but {waits_for}", event.routing_key(), stored.order))
}

fn seal(trace: TraceContext, attempt: u32, command: Command) -> Result<Outgoing, Failure> {
    Ok(Outgoing::new(&Envelope::new("orders", trace, attempt, command))?)
}
