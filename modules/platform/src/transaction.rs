//! A transaction that says how it ended, where that can be known.

use contracts::BoxError;
use diesel::result::{DatabaseErrorKind as Kind, Error};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};

/// A transaction that was not seen to commit.
#[derive(Debug)]
pub enum NotCommitted<E> {
    /// Nothing of it remains, for certain: `COMMIT` was never sent, or the server said no to it.
    RolledBack(E),
    /// `COMMIT` was sent, and its answer was lost. It may have been done (rule 23).
    Unknown(BoxError),
}

/// Does some work in a transaction. What the work failed with is what is returned: where the rollback fails too, the
/// connection is broken, the pool throws it away, and the server rolls back.
///
/// diesel's own function returns the failed rollback's error in place of the first one, and does not tell a commit whose
/// answer was lost from work that was never committed.
pub async fn transaction<T, E: From<Error>>(
    conn: &mut AsyncPgConnection,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, E>,
) -> Result<T, NotCommitted<E>> {
    AnsiTransactionManager::begin_transaction(conn)
        .await
        .map_err(|error| NotCommitted::RolledBack(error.into()))?;
    match work(conn).await {
        Ok(done) => match AnsiTransactionManager::commit_transaction(conn).await {
            Ok(()) => Ok(done),
            Err(error) if server_refused(&error) => Err(NotCommitted::RolledBack(error.into())),
            Err(error) => Err(NotCommitted::Unknown(error.into())),
        },
        Err(error) => {
            let _ = AnsiTransactionManager::rollback_transaction(conn).await;
            Err(NotCommitted::RolledBack(error))
        }
    }
}

/// Whether a `COMMIT` was refused, for certain: a constraint that was deferred, or a serialization failure. Any other error
/// can be that of a connection which broke after the server had done it.
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
