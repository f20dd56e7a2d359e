//! A transaction that reports how it ended, as far as that can be known.

use contracts::BoxError;
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind as Kind, Error};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// A transaction that did not visibly commit.
#[derive(Debug)]
pub enum NotCommitted<E> {
    /// Certainly rolled back: `COMMIT` was never sent, or the server refused it.
    RolledBack(E),
    /// `COMMIT` was sent and its reply was lost. It may have been done: rule 23 (time-outs).
    Unknown(BoxError),
}

/// Runs work in a transaction and returns the work's own error if it fails. If the rollback fails too, the connection
/// is broken: the pool discards it, and the server rolls back.
///
/// diesel's own function returns the rollback's error instead of the first one, and does not distinguish a commit with
/// a lost reply from work that was never committed.
pub async fn transaction<T, E: From<Error>>(
    conn: &mut AsyncPgConnection,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, E>,
) -> Result<T, NotCommitted<E>> {
    begin(conn).await.map_err(|error| NotCommitted::RolledBack(error.into()))?;
    match work(conn).await {
        Ok(done) => match commit(conn).await {
            Ok(()) => Ok(done),
            Err(error) => {
                let responds = rollback(conn).await.is_ok();
                Err(match server_refused(&error) || responds && server_reported(&error) {
                    true => NotCommitted::RolledBack(error.into()),
                    false => NotCommitted::Unknown(error.into()),
                })
            }
        },
        Err(error) => {
            let _ = rollback(conn).await;
            Err(NotCommitted::RolledBack(error))
        }
    }
}

// Boxed and not inlined, so that they are compiled here and not in each crate with a transaction (docs/adr/0020).
#[inline(never)]
fn begin(conn: &mut AsyncPgConnection) -> BoxFuture<'_, QueryResult<()>> {
    AnsiTransactionManager::begin_transaction(conn).boxed()
}

/// In an aborted transaction `COMMIT` returns `ROLLBACK` and no error, and diesel does not look at it. A statement in the
/// same message fails there, and then `COMMIT` is not reached: rule 29 (silent rollback).
const COMMIT: &str = "SELECT; COMMIT";

#[inline(never)]
fn commit(conn: &mut AsyncPgConnection) -> BoxFuture<'_, QueryResult<()>> {
    let commit = async move {
        conn.batch_execute(COMMIT).await?;
        // As diesel's own function leaves it: no transaction is open.
        *AnsiTransactionManager::transaction_manager_status_mut(conn) = Default::default();
        Ok(())
    };
    commit.boxed()
}

#[inline(never)]
fn rollback(conn: &mut AsyncPgConnection) -> BoxFuture<'_, QueryResult<()>> {
    AnsiTransactionManager::rollback_transaction(conn).boxed()
}

/// Whether the server reported this error. If the session goes on after such an error, the server has not committed: it
/// cannot fail after a commit without ending the session. Only a session that ended may have committed before.
fn server_reported(error: &Error) -> bool {
    let Error::DatabaseError(kind, _) = error else { return false };
    !matches!(kind, Kind::UnableToSendCommand | Kind::ClosedConnection)
}

/// Whether the server certainly refused a `COMMIT`, even if the session ended after that: a deferred constraint or a serialization
/// failure. Any other error may come from a connection that broke after the server had committed.
fn server_refused(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(
            Kind::UniqueViolation
                | Kind::ForeignKeyViolation
                | Kind::CheckViolation
                | Kind::RestrictViolation
                | Kind::ExclusionViolation
                | Kind::SerializationFailure,
            _
        )
    )
}
