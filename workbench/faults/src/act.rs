//! What only the owner of a shop can do to it. Faults ask for it in a mailbox, and whoever owns the shop and its
//! servers does it and answers: so nothing but the owner ever holds a process or a server.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};

/// A server takes up to two minutes to come back; nothing takes longer.
const ANSWER: Duration = Duration::from_secs(150);

/// Something that only the owner of a shop can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Ends a process at once (SIGKILL).
    Kill(String),
    /// Stops a process where it stands (SIGSTOP).
    Pause(String),
    /// Lets it go on (SIGCONT). That it has ended meanwhile is no error.
    Resume(String),
    /// Sets how many milliseconds the clock of a process is ahead; behind, if negative; right, if 0.
    SkewClock(String, i64),
    /// Lets a process abort when it passes this crash point for the so manieth time.
    CrashAt(String, String, u64),
    /// It shall abort no more. The hit says whether it did.
    Disarm(String),
    /// Something to a server: [`ServerAct::perform`] does it.
    Server(ServerAct),
}

/// Something that the owner of the servers can do to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerAct {
    /// Ends PostgreSQL as a power cut would.
    EndDatabase,
    /// Starts it on the same data; one that runs is ended first.
    RestartDatabase,
    /// Takes the rest of the disk that PostgreSQL is on, or gives it back.
    DiskFull(bool),
    /// Ends RabbitMQ as a power cut would.
    EndBroker,
    /// Starts it on the same data; one that runs is ended first.
    RestartBroker,
    /// Tells RabbitMQ that it has no memory left, or has again.
    MemoryAlarm(bool),
    /// Tells RabbitMQ that it has no disk left, or has again.
    DiskAlarm(bool),
}

/// What was really hit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hit {
    /// How many: processes, connections, messages, pieces of data.
    pub count: u64,
    /// What, for people.
    pub what: String,
}

impl Hit {
    /// One thing was hit.
    pub fn one(what: impl Into<String>) -> Hit {
        Hit { count: 1, what: what.into() }
    }

    /// Both of these.
    pub(super) fn and(mut self, other: Hit) -> Hit {
        self.count += other.count;
        let separator = if self.what.is_empty() || other.what.is_empty() { "" } else { "; " };
        self.what = format!("{}{separator}{}", self.what, other.what);
        self
    }
}

/// Asks the owner of a shop to do something.
#[derive(Debug)]
pub struct Request {
    /// What to do.
    pub act: Act,
    /// Where the answer goes: what was hit, or why it cannot be done.
    pub answer: oneshot::Sender<Result<Hit>>,
}

/// Asks for one thing after the other, and answers what all of them hit.
pub(super) async fn ask(owner: &mpsc::Sender<Request>, acts: &[Act]) -> Result<Hit> {
    let mut hit = Hit::default();
    for act in acts {
        let gone = "the shop is no more";
        let (answer, answered) = oneshot::channel();
        owner.send(Request { act: act.clone(), answer }).await.ok().context(gone)?;
        let answered = tokio::time::timeout(ANSWER, answered).await;
        hit = hit.and(
            answered.with_context(|| format!("{act:?}: no answer within {ANSWER:?}"))?.context(gone)??,
        );
    }
    Ok(hit)
}
