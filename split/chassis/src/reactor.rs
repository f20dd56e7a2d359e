//! What a service does with messages, and how that can end.

use contracts::{BoxError, Envelope, Message};
use diesel_async::AsyncPgConnection;
use platform::Pool;
use platform::telemetry::Scope;
use serde::de::DeserializeOwned;

use crate::outbox::Outgoing;

/// What a service does with the messages that it gets.
#[allow(async_fn_in_trait, reason = "a service has one reactor, known when it is compiled")]
pub trait Reactor {
    /// What it listens to: commands, or events.
    type Message: Message + DeserializeOwned + Clone;

    /// Handles messages, each for the first time, in a transaction of the caller's. Gives what is to be sent.
    async fn react(
        &self,
        conn: &mut AsyncPgConnection,
        messages: Vec<Incoming<Self::Message>>,
    ) -> Result<Vec<Outgoing>, Failure>;

    /// Called after the commit, for whoever waits for it in this process.
    fn committed(&self) {}

    /// Called every second: does what time has made due. Says whether something is to be sent.
    async fn every_second(&self, _pool: &Pool) -> Result<bool, Failure> {
        Ok(false)
    }
}

/// A message, and the span within which it is handled.
#[derive(Debug)]
pub struct Incoming<M> {
    /// What came.
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
