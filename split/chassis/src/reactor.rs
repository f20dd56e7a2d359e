//! What a service does with messages, and how that can end.

use std::sync::Arc;

use contracts::{BoxError, Command, Envelope, Event, Message};
use diesel_async::AsyncPgConnection;
use futures_util::future::LocalBoxFuture;
use platform::Pool;
use platform::telemetry::Scope;
use serde::de::DeserializeOwned;

use crate::outbox::OutboxEntry;

/// What a reactor is doing. Boxed, once a batch, so that the chassis is compiled once and not anew for every reactor.
pub type Doing<'a, T> = LocalBoxFuture<'a, Result<T, Failure>>;

/// What a service does with the messages that it gets.
pub trait Reactor {
    /// What it listens to: commands, or events.
    type Message: Message + DeserializeOwned + Clone;

    /// Handles messages, each for the first time, in a transaction of the caller's. Gives what is to be sent.
    fn react<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        messages: Vec<Fresh<Self::Message>>,
    ) -> Doing<'a, Vec<OutboxEntry>>;

    /// Called after the commit, for whoever waits for it in this process.
    fn committed(&self) {}

    /// Called every second: does what time has made due. Says whether something is to be sent.
    fn every_second<'a>(&'a self, _pool: &'a Pool) -> Doing<'a, bool> {
        Box::pin(async { Ok(false) })
    }
}

/// A service's reactor, by what it listens to.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum Reacts {
    ToCommands(Arc<dyn Reactor<Message = Command>>),
    ToEvents(Arc<dyn Reactor<Message = Event>>),
}

/// A message, and the span within which it is handled.
#[derive(Debug)]
pub struct Fresh<M> {
    /// The message, with what says where it comes from.
    pub envelope: Envelope<M>,
    /// Where in its trace it is handled: within the transaction.
    pub scope: Scope,
}

/// Why messages were not handled. Nothing was written.
#[derive(Debug)]
pub enum Failure {
    /// It can never be handled.
    Poison(String),
    /// It may be another time.
    Broken(BoxError),
}

impl Failure {
    /// The sort of failure, for spans.
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
