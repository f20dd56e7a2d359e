//! Refreshes pooled connections after an unexpected error on one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::{CacheSize, Instrumentation, InstrumentationEvent};
use diesel::result::{DatabaseErrorKind as Kind, Error};
use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::silence::Asker;

/// Counts problems that a pool's connections have met.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Errors that are not the statement's own fault.
    errors: AtomicU64,
    /// Connections that were given up because no response came.
    given_up: AtomicU64,
}

impl Trouble {
    /// Counts a connection that was given up because no response came.
    pub fn given_up(&self) {
        self.0.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// An observer for a new connection.
    pub fn watch(&self, asker: Asker) -> Watch {
        Watch {
            errors: self.0.errors.load(Ordering::Relaxed),
            given_up: self.0.given_up.load(Ordering::Relaxed),
            trouble: self.clone(),
            asker,
        }
    }
}

/// Observes one connection of a pool.
pub(crate) struct Watch {
    trouble: Trouble,
    /// The pool's error count when this connection's statements were prepared.
    errors: u64,
    /// The pool's count of connections given up when this one was opened.
    given_up: u64,
    asker: Asker,
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.asker.asked(),
            InstrumentationEvent::FinishQuery { .. } => self.asker.answered(),
            _ => {}
        }
        // A stale statement (0A000, "cached plan must not change result type") has no error kind of its own. Preparing
        // again is cheap, so it is done after every error without a kind.
        if let InstrumentationEvent::FinishQuery {
            error: Some(Error::DatabaseError(Kind::Unknown, _)), ..
        } = event
        {
            self.trouble.0.errors.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Checks a connection before it is used again. Fails if the connection has ended and must be replaced.
pub(crate) fn look_after(conn: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let Some(watch) = conn.instrumentation().downcast_mut::<Watch>() else { return Ok(()) };
    // Connections that were opened before one was given up probably lead nowhere too, and each would cost the same
    // wait.
    let given_up = watch.trouble.0.given_up.load(Ordering::Relaxed);
    if watch.asker.has_ended() || watch.given_up != given_up {
        return Err(Error::BrokenTransactionManager);
    }
    // The previous user may have been cancelled before its response came.
    watch.asker.answered();
    let errors = watch.trouble.0.errors.load(Ordering::Relaxed);
    if std::mem::replace(&mut watch.errors, errors) != errors {
        // Changing the size is the only way to empty the cache.
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
    }
    Ok(())
}
