//! What one transaction does: a command of a module, the placing of an order, or a reply that the orders service
//! receives.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use chassis::{Choreographed, Failure, Fresh, NOTHING_SHARED, Protocol, Reactor, enqueue};
use contracts::{Command, Envelope, Error, Event, PlacedOrder, TraceContext};
use diesel_async::AsyncPgConnection;
use orchestrator::{Decisions, Orchestrator, Start};
use orders::{DecisionCounter, NewOrder, PlaceError, Placed};
use orders_service::{HANDLE, Listener, home};
use platform::telemetry::Telemetry;

/// How long the orders service waits for a reply. No case takes this long.
const ANSWER_WITHIN: Duration = Duration::from_secs(300);

/// The work of one transaction.
#[derive(Clone)]
pub enum Work {
    /// A module handles a command.
    Do(Command),
    /// `POST /orders`: in the monolith without a protocol, in the orders service with one.
    Place(Option<Protocol>, NewOrder),
    /// The orders service receives an event about this order.
    Hear(Protocol, PlacedOrder, Event),
    /// The orders service asks again for replies that are late.
    Ask,
}

/// How work ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// In a word.
    pub word: &'static str,
    /// Whether the transaction is committed.
    pub commits: bool,
}

fn done(word: &'static str) -> Outcome {
    Outcome { word, commits: true }
}

/// Nothing is written, and nothing is tried again.
pub fn refused(word: &'static str) -> Outcome {
    Outcome { word, commits: false }
}

impl Work {
    /// The name, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Work::Do(command) => command.routing_key(),
            Work::Place(..) => "POST /orders",
            Work::Hear(_, _, event) => event.routing_key(),
            Work::Ask => "ask again",
        }
    }

    /// Does it in an open transaction. An `Err` is retried.
    pub async fn perform(self, connection: &mut AsyncPgConnection) -> Result<Outcome> {
        match self {
            Work::Do(command) => match handle(connection, command).await {
                Ok(event) => Ok(done(event.routing_key())),
                Err(Error::Refused(refusal)) => Ok(done(refusal.code.as_str())),
                Err(Error::Broken(error)) => Err(anyhow::Error::from_boxed(error)),
            },
            Work::Place(protocol, new) => place(connection, protocol, &new).await,
            Work::Hear(protocol, order, event) => hear(connection, protocol, order, event).await,
            Work::Ask => match orchestrator().ask_again(connection).await {
                Ok(_) => Ok(done("asked")),
                Err(failure) => failed(failure),
            },
        }
    }
}

async fn handle(connection: &mut AsyncPgConnection, command: Command) -> Result<Event, Error> {
    match command.routing_key().split('.').next() {
        Some("catalog") => catalog::handle(connection, command).await,
        Some("inventory") => inventory::handle(connection, command).await,
        Some("payments") => payments::handle(connection, command).await,
        Some("orders") => orders::handle(connection, command).await,
        _ => shipping::handle(connection, command).await,
    }
}

async fn place(
    connection: &mut AsyncPgConnection,
    protocol: Option<Protocol>,
    new: &NewOrder,
) -> Result<Outcome> {
    let placed = match protocol {
        None => orders::place(connection, new).await,
        Some(protocol) => {
            let scope = Telemetry::off().scope(TraceContext::root());
            let start = Start { protocol, home: Arc::new(home()), answer_within: ANSWER_WITHIN };
            start.place_and_start(connection, new, &scope).await.map(|(started, _)| started.placed)
        }
    };
    match placed {
        Ok(Placed::New(_)) => Ok(done("new")),
        Ok(Placed::Known(_)) => Ok(done("known")),
        Err(PlaceError::KeyReused) => Ok(refused("key reused")),
        // The client sends it again.
        Err(error) => Err(anyhow!("{error:?}")),
    }
}

async fn hear(
    connection: &mut AsyncPgConnection,
    protocol: Protocol,
    order: PlacedOrder,
    event: Event,
) -> Result<Outcome> {
    let trace = TraceContext::root();
    let scope = Telemetry::off().scope(trace);
    let envelope = Envelope::new("test", trace, 0, event).carrying(order);
    let heard = vec![Fresh { envelope, scope }];
    let reacted = if protocol.is_choreographed() {
        let module =
            Choreographed { name: "orders", react: orders::react, lock: NOTHING_SHARED, handle: HANDLE };
        Listener { module, decisions: decisions() }.react(connection, heard).await
    } else {
        orchestrator().react(connection, heard).await
    };
    match reacted {
        Ok(outgoing) => {
            let _ = enqueue(connection, outgoing).await.map_err(anyhow::Error::from_boxed)?;
            Ok(done("heard"))
        }
        Err(failure) => failed(failure),
    }
}

fn failed(failure: Failure) -> Result<Outcome> {
    match failure {
        Failure::Poison(_) => Ok(refused("set aside")),
        Failure::Broken(error) => Err(anyhow::Error::from_boxed(error)),
    }
}

fn decisions() -> Arc<Decisions> {
    Arc::new(Decisions::new(DecisionCounter::new(&Telemetry::off())))
}

/// The orchestrator of the orders service.
pub fn orchestrator() -> Orchestrator {
    Orchestrator { decisions: decisions(), home: Arc::new(home()), answer_within: ANSWER_WITHIN }
}
