//! Connections to PostgreSQL.

use anyhow::{Context, anyhow};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool,
};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, SimpleAsyncConnection, TransactionManager,
};
use futures_util::FutureExt;

/// A pool of connections to one database.
pub type Pool = deadpool::Pool<AsyncPgConnection>;

/// A connection that goes back to its pool when dropped.
pub type PooledConnection = deadpool::Object<AsyncPgConnection>;

/// What every session of ours sets.
///
/// - A lock is not waited for without bound (rule 34), and a transaction that was forgotten does not stay open.
/// - A prepared statement keeps its plan. PostgreSQL would plan those with arrays anew at every call, because it guesses
///   ten elements for a parameter and sees that an order has two: that costs as much as running them.
/// - So the plan has to be right from the start, while the tables are still empty and reading all of one looks cheap.
///   Every statement of ours finds its rows by a key: no sequential scan.
/// - A statement that has to read a whole table all the same now looks dear beyond measure, and PostgreSQL would compile it
///   to machine code first: a tenth of a second of processor time for a table of ten rows. So nothing is compiled.
const SESSION: &str = "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '30s'; \
                       SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/// How long a request waits for a free connection before it is told that the server is too busy.
const WAIT_FOR_CONNECTION: std::time::Duration = std::time::Duration::from_secs(5);

/// A pool of connections, which are opened when they are first needed.
///
/// A connection is driven by the runtime that opened it (rule 40), and each actix worker has a runtime of its own. So
/// each worker has a pool of its own too: a query then never wakes another thread, which would cost more than the
/// query's own way through this process.
pub fn pool(database_url: &str, size: usize) -> Pool {
    let mut config = ManagerConfig::<AsyncPgConnection>::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|url| open(url).boxed());
    Pool::builder(AsyncDieselConnectionManager::new_with_config(database_url, config))
        .max_size(size)
        .wait_timeout(Some(WAIT_FOR_CONNECTION))
        .runtime(::deadpool::Runtime::Tokio1)
        .build()
        .expect("a pool with a runtime can be built")
}

async fn open(url: &str) -> diesel::ConnectionResult<AsyncPgConnection> {
    let mut connection = AsyncPgConnection::establish(url).await?;
    connection.batch_execute(SESSION).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Opens one connection outside any pool.
pub async fn connect_one(database_url: &str) -> anyhow::Result<AsyncPgConnection> {
    open(database_url).await.map_err(|error| unreachable_database(database_url, &error.to_string()))
}

fn unreachable_database(url: &str, cause: &str) -> anyhow::Error {
    anyhow!(
        "no connection to the database {}: {cause}. Check that PostgreSQL is running there and that the user, the \
         password and the database in --database-url (or DATABASE_URL) are right",
        without_password(url)
    )
}

/// The URL as it may be shown: with its password left out.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((login, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = login.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}@{place}")
}

/// A connection from the pool, or an error that says that there was none.
pub async fn get(pool: &Pool) -> anyhow::Result<PooledConnection> {
    pool.get().await.context("no connection to the database is free")
}

/// Does this in one transaction: all of it, or after an error nothing. For endpoints that are all of their process.
pub async fn in_transaction<T, E: From<diesel::result::Error>>(
    conn: &mut AsyncPgConnection,
    work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, E>,
) -> Result<T, E> {
    AnsiTransactionManager::begin_transaction(conn).await?;
    let outcome = work(conn).await;
    match &outcome {
        Ok(_) => AnsiTransactionManager::commit_transaction(conn).await?,
        Err(_) => {
            // What went wrong first is what is told; the pool does not keep a connection that cannot even roll back.
            if let Err(error) = AnsiTransactionManager::rollback_transaction(conn).await {
                tracing::warn!(%error, "a transaction was not rolled back; its connection is given up");
            }
        }
    }
    outcome
}

/// Whether an error is about the moment and not about what was asked: the connection is gone, or two transactions
/// got in each other's way. The same work, tried again, can succeed (rule 27).
pub fn is_transient(error: &contracts::BoxError) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    match error.downcast_ref::<Error>() {
        Some(Error::DatabaseError(Kind::SerializationFailure | Kind::ClosedConnection, _)) => true,
        // diesel has no kind for deadlocks (40P01), lock time-outs (55P03) and servers that are shutting down.
        Some(Error::DatabaseError(_, information)) => {
            let message = information.message();
            ["deadlock detected", "lock timeout", "terminating connection", "shutting down", "starting up"]
                .iter()
                .any(|text| message.contains(text))
        }
        Some(Error::BrokenTransactionManager) => true,
        Some(_) => false,
        None => {
            error.downcast_ref::<diesel::ConnectionError>().is_some() || error.is::<deadpool::PoolError>()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let shown = without_password("postgres://cleave:s3cr@t@127.0.0.1:5432/shop");
        assert_eq!(shown, "postgres://cleave@127.0.0.1:5432/shop");
        assert_eq!(without_password("postgres://localhost/x"), "postgres://localhost/x");
    }
}
