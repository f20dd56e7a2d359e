//! Refreshes pooled connections after an unexpected error on one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::{CacheSize, Instrumentation, InstrumentationEvent};
use diesel::result::{DatabaseErrorKind as Kind, Error};
use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::silence::Asker;

/// How many times a pool's connections have met an error that is not the statement's own fault.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<AtomicU64>);

impl Trouble {
    /// An observer for a new connection.
    pub fn watch(&self, asker: Asker) -> Watch {
        Watch { seen: self.0.load(Ordering::Relaxed), trouble: self.clone(), asker }
    }
}

/// Observes one connection of a pool.
pub(crate) struct Watch {
    trouble: Trouble,
    /// The pool's error count when this connection's statements were prepared.
    seen: u64,
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
            self.trouble.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Checks a connection before it is used again. Fails if the connection has ended and must be replaced.
pub(crate) fn look_after(conn: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let Some(watch) = conn.instrumentation().downcast_mut::<Watch>() else { return Ok(()) };
    if watch.asker.is_over() {
        return Err(Error::BrokenTransactionManager);
    }
    // The last user may have gone before its answer came.
    watch.asker.answered();
    let trouble = watch.trouble.0.load(Ordering::Relaxed);
    if std::mem::replace(&mut watch.seen, trouble) != trouble {
        // Changing the size is the only way to empty the cache.
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
    }
    Ok(())
}
