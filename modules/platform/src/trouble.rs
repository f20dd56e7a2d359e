//! Pooled connections after something went wrong on one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::{CacheSize, Instrumentation, InstrumentationEvent};
use diesel::result::{DatabaseErrorKind as Kind, Error};
use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::silence::Asker;

/// What the connections of one pool have met.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Errors that are not the statement's own.
    errors: AtomicU64,
    /// Connections that were given up because no answer came.
    given_up: AtomicU64,
}

impl Trouble {
    /// A connection was given up because no answer came.
    pub fn given_up(&self) {
        self.0.given_up.fetch_add(1, Ordering::Relaxed);
    }

    /// What a new connection is watched by.
    pub fn watch(&self, asker: Asker) -> Watch {
        Watch {
            errors: self.0.errors.load(Ordering::Relaxed),
            given_up: self.0.given_up.load(Ordering::Relaxed),
            trouble: self.clone(),
            asker,
        }
    }
}

/// Watches one connection of a pool.
pub(crate) struct Watch {
    trouble: Trouble,
    /// The errors that there were when its statements were prepared.
    errors: u64,
    /// Connections that had been given up when it was opened.
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
        // A statement that its table has outgrown (0A000, "cached plan must not change result type") has no kind of its
        // own. Whatever it is: to prepare again costs little, and is right after everything else that has none.
        if let InstrumentationEvent::FinishQuery {
            error: Some(Error::DatabaseError(Kind::Unknown, _)), ..
        } = event
        {
            self.trouble.0.errors.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Looks after a connection that is to be used again. An error: it has ended, and another is to be opened.
pub(crate) fn look_after(conn: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let Some(watch) = conn.instrumentation().downcast_mut::<Watch>() else { return Ok(()) };
    // Those that were opened before one was given up most likely lead to nowhere too, and each would cost as long a wait.
    let given_up = watch.trouble.0.given_up.load(Ordering::Relaxed);
    if watch.asker.has_ended() || watch.given_up != given_up {
        return Err(Error::BrokenTransactionManager);
    }
    // Whoever asked last may have gone before the answer came.
    watch.asker.answered();
    let errors = watch.trouble.0.errors.load(Ordering::Relaxed);
    if std::mem::replace(&mut watch.errors, errors) != errors {
        // Changing the size empties the cache: there is no other way to.
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
    }
    Ok(())
}
