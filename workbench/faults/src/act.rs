//! Actions that only the owner of a shop can perform. Faults send requests over a channel. The owner of the shop and
//! its servers performs them and replies, so that it alone holds processes and servers.

use std::time::Duration;

use anyhow::{Context, Result};
use terminal::language::seconds;
use terminal::text::Text;
use tokio::sync::{mpsc, oneshot};

use crate::words;

/// A server may take up to two minutes to restart. Everything else is faster.
const ANSWER: Duration = Duration::from_secs(150);

/// An action that only the owner of a shop can perform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Kills a process (SIGKILL).
    Kill(String),
    /// Pauses a process (SIGSTOP).
    Pause(String),
    /// Continues a paused process (SIGCONT). It is not an error if it has ended meanwhile.
    Resume(String),
    /// Sets the clock skew of a process in milliseconds: positive is ahead, negative is behind, 0 is correct.
    SkewClock(String, i64),
    /// Makes a process abort when it passes this crash point for the n-th time.
    CrashAt(String, String, u64),
    /// Removes the crash point. The hit says whether the process aborted.
    Disarm(String),
    /// An action on a server, performed by [`ServerAct::perform`].
    Server(ServerAct),
}

/// An action that the owner of the servers can perform on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerAct {
    /// Stops PostgreSQL as in a power cut.
    EndDatabase,
    /// Starts PostgreSQL on the same data; stops it first if it is running.
    RestartDatabase,
    /// Fills the rest of PostgreSQL's disk, or frees it.
    DiskFull(bool),
    /// Stops RabbitMQ as in a power cut.
    EndBroker,
    /// Starts RabbitMQ on the same data; stops it first if it is running.
    RestartBroker,
    /// Sets or clears RabbitMQ's memory alarm.
    MemoryAlarm(bool),
    /// Sets or clears RabbitMQ's disk alarm.
    DiskAlarm(bool),
}

/// What a fault actually hit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hit {
    /// Number of hits: processes, connections, messages or pieces of data.
    pub count: u64,
    /// A description for people.
    pub what: Text,
}

impl Hit {
    /// A single hit.
    pub fn one(what: impl Into<Text>) -> Hit {
        Hit { count: 1, what: what.into() }
    }

    /// Adds up two hits.
    pub(super) fn and(mut self, other: Hit) -> Hit {
        self.count += other.count;
        let said: Vec<Text> =
            [self.what, other.what].into_iter().filter(|what| !what.english().is_empty()).collect();
        self.what = Text::join(&said, "; ");
        self
    }
}

/// A request to the owner of a shop.
#[derive(Debug)]
pub struct Request {
    /// The requested action.
    pub act: Act,
    /// The channel for the reply: what was hit, or why the action failed.
    pub answer: oneshot::Sender<Result<Hit>>,
}

/// Sends the requests one after the other, and returns what all of them hit.
pub(super) async fn ask(owner: &mpsc::Sender<Request>, acts: &[Act]) -> Result<Hit> {
    let mut hit = Hit::default();
    for act in acts {
        let (answer, answered) = oneshot::channel();
        owner.send(Request { act: act.clone(), answer }).await.ok().with_context(words::shop_gone)?;
        let answered = tokio::time::timeout(ANSWER, answered).await;
        let answered = answered.with_context(|| words::no_response(seconds(ANSWER)))?;
        hit = hit.and(answered.with_context(words::shop_gone)??);
    }
    Ok(hit)
}
