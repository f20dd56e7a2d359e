//! What a service does with messages, and how that can fail.

use std::sync::Arc;

use contracts::{BoxError, Command, Envelope, Event, Message};
use diesel_async::AsyncPgConnection;
use futures_util::future::LocalBoxFuture;
use platform::Pool;
use platform::telemetry::Scope;
use serde::de::DeserializeOwned;

use crate::outbox::OutboxEntry;

/// A reactor's work in progress. Boxed once per batch, so that the chassis is compiled once and not for every reactor.
pub type Doing<'a, T> = LocalBoxFuture<'a, Result<T, Failure>>;

/// What a service does with the messages that it receives.
pub trait Reactor {
    /// What it receives: commands or events.
    type Message: Message + DeserializeOwned + Clone;

    /// Handles messages, each for the first time, in the caller's transaction. Returns the messages to send.
    fn react<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        messages: Vec<Fresh<Self::Message>>,
    ) -> Doing<'a, Vec<OutboxEntry>>;

    /// Called after the commit, to wake requests in this process that wait for the result.
    fn committed(&self) {}

    /// Called every second for periodic work, such as deadlines. Returns whether there are messages to send.
    fn every_second<'a>(&'a self, _pool: &'a Pool) -> Doing<'a, bool> {
        Box::pin(async { Ok(false) })
    }
}

/// A service's reactor, by what it receives.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub enum Reacts {
    ToCommands(Arc<dyn Reactor<Message = Command>>),
    ToEvents(Arc<dyn Reactor<Message = Event>>),
}

/// A message that was not handled before, and the span in which it is handled.
#[derive(Debug)]
pub struct Fresh<M> {
    /// The message in its envelope.
    pub envelope: Envelope<M>,
    /// The position in its trace at which it is handled: within the transaction's span.
    pub scope: Scope,
}

/// Why messages were not handled. Nothing was written.
#[derive(Debug)]
pub enum Failure {
    /// It can never be handled.
    Poison(String),
    /// It may succeed later.
    Broken(BoxError),
}

impl Failure {
    /// The kind of failure, for spans.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Failure::Poison(_) => "poison",
            Failure::Broken(_) => "broken",
        }
    }
}

impl From<BoxError> for Failure {
    fn from(error: BoxError) -> Self {
        Failure::Broken(error)
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Failure::Broken(error.into())
    }
}
