//! Pooled connections after something went wrong on one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::{CacheSize, Instrumentation, InstrumentationEvent};
use diesel::result::{DatabaseErrorKind as Kind, Error};
use diesel_async::{AsyncConnection, AsyncPgConnection};

use crate::silence::Asker;

/// How often connections of one pool have met an error that is not the statement's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<AtomicU64>);

impl Trouble {
    /// What a new connection is watched by.
    pub fn watch(&self, asker: Asker) -> Watch {
        Watch { seen: self.0.load(Ordering::Relaxed), trouble: self.clone(), asker }
    }
}

/// Watches one connection of a pool.
pub(crate) struct Watch {
    trouble: Trouble,
    /// The trouble that there was when its statements were prepared.
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
        // A statement that its table has outgrown (0A000, "cached plan must not change result type") has no kind of its
        // own. Whatever it is: to prepare again costs little, and is right after everything else that has none.
        if let InstrumentationEvent::FinishQuery {
            error: Some(Error::DatabaseError(Kind::Unknown, _)), ..
        } = event
        {
            self.trouble.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Looks after a connection that is to be used again. An error: it has ended, and another is to be opened.
pub(crate) fn look_after(conn: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    let Some(watch) = conn.instrumentation().downcast_mut::<Watch>() else { return Ok(()) };
    if watch.asker.is_over() {
        return Err(Error::BrokenTransactionManager);
    }
    // Whoever asked last may have gone before the answer came.
    watch.asker.answered();
    let trouble = watch.trouble.0.load(Ordering::Relaxed);
    if std::mem::replace(&mut watch.seen, trouble) != trouble {
        // Changing the size empties the cache: there is no other way to.
        conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
    }
    Ok(())
}
