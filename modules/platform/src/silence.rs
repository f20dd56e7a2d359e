//! A connection to the database on which a question gets no answer is given up (rule 54).
//!
//! The server limits how long a statement takes, and the kernel notices a peer that is gone. Neither helps if something in
//! between acknowledges bytes and does not pass them on: a pooler that hangs, or a proxy. Then a request, a relay or the
//! holder of a lock waits for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{Connection, Socket};

/// Longer than the server lets a statement take: after that no answer comes.
pub(crate) const ANSWER: Duration = Duration::from_secs(35);

/// A process that was stopped itself finds answers waiting, and has this long to read them.
const GRACE: Duration = Duration::from_secs(1);

/// Connections that this process has given up.
static GIVEN_UP: AtomicU64 = AtomicU64::new(0);

/// Shared by the user of a connection and the task that drives it.
#[derive(Debug, Default)]
struct State {
    /// When a question was asked that has no answer yet.
    asked: Mutex<Option<Instant>>,
    ended: AtomicBool,
}

/// The user's side. Dropping it ends the connection.
#[derive(Debug)]
pub(crate) struct Asker {
    state: Arc<State>,
    /// How many had been given up when this one was opened.
    given_up: u64,
    _dropped: oneshot::Sender<()>,
}

impl Asker {
    pub fn asked(&self) {
        *self.state.asked.lock() = Some(Instant::now());
    }

    pub fn answered(&self) {
        *self.state.asked.lock() = None;
    }

    /// Whether the connection is not to be used again: it has ended, or another one was given up since this
    /// one was opened. Then this one most likely leads nowhere too, and to find out would take as long again.
    pub fn is_over(&self) -> bool {
        self.state.ended.load(Ordering::Relaxed) || self.given_up != GIVEN_UP.load(Ordering::Relaxed)
    }
}

/// Drives a connection until one side ends it, or until a question has had no answer for this long.
pub(crate) fn drive<S>(connection: Connection<Socket, S>, answer: Duration) -> Asker
where
    S: TlsStream + Unpin + Send + 'static,
{
    let (sender, dropped) = oneshot::channel();
    let state = Arc::<State>::default();
    let driven = state.clone();
    tokio::spawn(async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%error, "a connection to the database ended");
            },
            () = driven.silence(answer) => {
                tracing::warn!("a connection to the database gave no answer for {answer:?} and is given up");
                GIVEN_UP.fetch_add(1, Ordering::Relaxed);
            }
            _ = dropped => {}
        }
        driven.ended.store(true, Ordering::Relaxed);
    });
    Asker { state, given_up: GIVEN_UP.load(Ordering::Relaxed), _dropped: sender }
}

impl State {
    /// Returns when a question has had no answer for this long. Wakes up once per `limit`, however much is asked.
    async fn silence(&self, limit: Duration) {
        loop {
            let asked = *self.asked.lock();
            tokio::time::sleep_until(asked.unwrap_or_else(Instant::now) + limit).await;
            if asked.is_some() && *self.asked.lock() == asked {
                tokio::time::sleep(GRACE).await;
                if *self.asked.lock() == asked {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_question_without_an_answer_is_silence() {
        let limit = Duration::from_millis(100);
        let state = Arc::<State>::default();
        let silence = tokio::spawn({
            let state = state.clone();
            async move { state.silence(limit).await }
        });
        // Idle for longer than any answer may take, and then one question after the other.
        tokio::time::sleep(3 * limit).await;
        for _ in 0..10 {
            *state.asked.lock() = Some(Instant::now());
            tokio::time::sleep(limit / 2).await;
            *state.asked.lock() = None;
        }
        assert!(!silence.is_finished(), "each question was answered");
        let asked = Instant::now();
        *state.asked.lock() = Some(asked);
        silence.await.unwrap();
        assert!(asked.elapsed() >= limit + GRACE);
    }
}
