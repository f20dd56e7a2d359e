//! The *orchestrator*: the driver that runs the checkout as a saga, or as try, confirm, cancel.
//!
//! It knows none of the steps. An event arrives, the process state machine returns the next commands, and these go into
//! the outbox, all in one transaction. A command for a module in this process is run directly and needs no message
//! ([`Home`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::{Doing, Failure, Fresh, OutboxEntry, Reactor, enqueue};
use checkout::{Process, Progress};
use contracts::{BoxError, Command, Envelope, Event, OrderId, Refusal, RefusalCode, TraceContext};
use diesel_async::AsyncPgConnection;
use platform::telemetry::{Scope, Telemetry};
use platform::{CrashPoint, Flaw, NotCommitted, Pool};
use uuid::Uuid;

use crate::decisions::Decisions;
use crate::home::Home;
use crate::sagas::{self, Stored};

/// The replies of all participants.
pub const LISTENS_TO: &[&str] = &[
    "catalog.prices-honoured",
    "catalog.prices-refused",
    "catalog.prices-released",
    "inventory.stock-reserved",
    "inventory.stock-refused",
    "inventory.stock-released",
    "inventory.reservation-committed",
    "payments.payment-authorized",
    "payments.payment-captured",
    "payments.payment-refused",
    "payments.payment-voided",
    "payments.payment-refunded",
    "shipping.shipment-quoted",
    "shipping.shipment-scheduled",
    "shipping.shipment-refused",
];

/// The maximum number of overdue sagas per round.
const OVERDUE: i64 = 500;

/// Runs the checkouts of this service's orders.
pub struct Orchestrator {
    /// Passes decisions on to waiting requests.
    pub decisions: Arc<Decisions>,
    /// The modules in this process.
    pub home: Arc<Home>,
    /// How long a reply may take before the command is sent again.
    pub answer_within: Duration,
}

impl Reactor for Orchestrator {
    type Message = Event;

    fn react<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        messages: Vec<Fresh<Event>>,
    ) -> Doing<'a, Vec<OutboxEntry>> {
        Box::pin(async move {
            self.decisions.begin();
            if messages.is_empty() {
                return Ok(Vec::new());
            }
            self.home.know(conn).await?;
            let orders: Vec<Uuid> = messages.iter().map(|message| message.envelope.subject.0).collect();
            let mut loaded = sagas::load(conn, &orders).await?;
            let follows = |message: &Fresh<Event>| what_follows(&loaded, &message.envelope.message);
            self.home.lock(conn, messages.iter().filter_map(follows)).await?;
            let mut outgoing = Vec::with_capacity(messages.len());
            for Fresh { envelope: Envelope { message: event, .. }, scope } in messages {
                let stored = saga_of(&mut loaded, &event)?;
                CrashPoint::BeforeSagaAdvance.pass();
                for command in self.advance(conn, stored, event, &scope).await? {
                    outgoing.push(seal(scope.context(), 0, command)?);
                }
                CrashPoint::AfterSagaAdvance.pass();
            }
            for stored in loaded.values() {
                if let Some(decision) = stored.decision.clone() {
                    self.decisions.note(stored.order, decision);
                }
            }
            sagas::save(conn, loaded.into_values(), self.answer_within).await?;
            CrashPoint::AfterSagaSave.pass();
            Ok(outgoing)
        })
    }

    fn committed(&self) {
        self.decisions.tell();
    }

    fn every_second<'a>(&'a self, pool: &'a Pool) -> Doing<'a, bool> {
        Box::pin(async move {
            self.home.doubt();
            let mut conn = pool.get().await.map_err(BoxError::from)?;
            let asked = platform::transaction(&mut conn, async |conn| self.ask_again(conn).await).await;
            asked.map_err(|failed| match failed {
                NotCommitted::RolledBack(failure) => failure,
                NotCommitted::Unknown(error) => Failure::Broken(error),
            })
        })
    }
}

impl Orchestrator {
    /// Sends overdue commands again, in the caller's transaction. Returns whether there were any. A time-out means that
    /// the outcome is unknown, never that the step was refused: rule 23 (time-outs). The command goes out as a new
    /// attempt, and the participant, which knows whether it did it, sends the same reply. The order id stays the key of
    /// the work. Only the message id is new, because the participant's inbox would drop a known one.
    pub async fn ask_again(&self, conn: &mut AsyncPgConnection) -> Result<bool, Failure> {
        let mut outgoing = Vec::new();
        self.home.know(conn).await?;
        for mut stored in sagas::overdue(conn, OVERDUE, self.answer_within).await? {
            if Flaw::TimeOutMeansFailure.is_on() {
                outgoing.extend(self.give_up(conn, &mut stored).await?);
                sagas::save(conn, [stored], self.answer_within).await?;
                continue;
            }
            let outstanding = stored.process.outstanding();
            if outstanding.iter().any(|command| self.home.has(command)) {
                outgoing.extend(self.go_on_at_home(conn, stored, outstanding).await?);
                continue;
            }
            for command in outstanding {
                let key = command.routing_key();
                tracing::warn!(order = %stored.order, command = key, "no answer yet; asking again");
                outgoing.push(seal(stored.trace, stored.attempt.unsigned_abs(), command)?);
            }
        }
        let any = !outgoing.is_empty();
        // The relay reads these rows from the outbox: the caller learns only that there are some.
        let _ = enqueue(conn, outgoing).await?;
        Ok(any)
    }

    /// Takes a step whose module has come home since its command was sent. If the command is still in a queue, it finds
    /// that the step was taken.
    async fn go_on_at_home(
        &self,
        conn: &mut AsyncPgConnection,
        mut stored: Stored,
        outstanding: Vec<Command>,
    ) -> Result<Vec<OutboxEntry>, Failure> {
        let scope = Telemetry::off().scope(stored.trace);
        let trace = stored.trace;
        self.home.lock(conn, std::iter::once_with(|| (stored.process.clone(), outstanding.clone()))).await?;
        let walked = self.home.walk(conn, &mut stored.process, outstanding, &scope).await?;
        stored.moved = true;
        stored.decision = walked.decision;
        sagas::save(conn, [stored], self.answer_within).await?;
        walked.away.into_iter().map(|command| seal(trace, 0, command)).collect()
    }

    /// Breaks rule 23 (time-outs): treats a missing reply as a refusal.
    async fn give_up(
        &self,
        conn: &mut AsyncPgConnection,
        stored: &mut Stored,
    ) -> Result<Vec<OutboxEntry>, Failure> {
        let refusal = Refusal { code: RefusalCode::Withdrawn, detail: "no answer in time".into() };
        let refused =
            stored.process.outstanding().into_iter().find_map(|command| command.refused(refusal.clone()));
        let Some(refused) = refused else { return Ok(Vec::new()) };
        let scope = Telemetry::off().scope(stored.trace);
        let commands = self.advance(conn, stored, refused, &scope).await?;
        commands.into_iter().map(|command| seal(stored.trace, 0, command)).collect()
    }

    /// Advances a checkout. Returns the commands to send; none if other replies are outstanding or the checkout is
    /// finished.
    async fn advance(
        &self,
        conn: &mut AsyncPgConnection,
        stored: &mut Stored,
        event: Event,
        within: &Scope,
    ) -> Result<Vec<Command>, Failure> {
        let progress = stored.process.on_event(&event);
        stored.moved |= matches!(progress, Progress::Next(_) | Progress::Finished);
        match progress {
            Progress::Next(commands) => {
                let walked = self.home.walk(conn, &mut stored.process, commands, within).await?;
                stored.decision = walked.decision.or(stored.decision.take());
                Ok(walked.away)
            }
            Progress::Finished => Ok(Vec::new()),
            Progress::Late => {
                tracing::info!(order = %stored.order, event = event.routing_key(), "late reply, already answered");
                Ok(Vec::new())
            }
            Progress::Unexpected => Err(unexpected(stored, &event)),
        }
    }
}

/// The state of this event's checkout after it, and the commands that come next.
fn what_follows(loaded: &HashMap<OrderId, Stored>, event: &Event) -> Option<(Process, Vec<Command>)> {
    let mut process = loaded.get(&event.order_id())?.process.clone();
    match process.on_event(event) {
        Progress::Next(commands) => Some((process, commands)),
        _ => None,
    }
}

fn saga_of<'a>(loaded: &'a mut HashMap<OrderId, Stored>, event: &Event) -> Result<&'a mut Stored, Failure> {
    let order = event.order_id();
    loaded.get_mut(&order).ok_or_else(|| {
        Failure::Poison(format!("{} is for order {order}, which has no checkout here", event.routing_key()))
    })
}

fn unexpected(stored: &Stored, event: &Event) -> Failure {
    let open: Vec<&str> = stored.process.outstanding().iter().map(Command::routing_key).collect();
    let waits_for = match open.as_slice() {
        [] => "its checkout is finished".to_owned(),
        open => format!("its checkout is waiting for the reply to {}", open.join(", ")),
    };
    Failure::Poison(format!("{} for order {}, but {waits_for}", event.routing_key(), stored.order))
}

fn seal(trace: TraceContext, attempt: u32, command: Command) -> Result<OutboxEntry, Failure> {
    Ok(OutboxEntry::new(Envelope::new("orders", trace, attempt, command))?)
}
