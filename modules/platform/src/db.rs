//! Connections to PostgreSQL.

use std::error::Error as _;
use std::time::Duration;

use anyhow::{Context, anyhow};
use diesel::ConnectionError;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use reqwest::Url;

use crate::silence::{self, ANSWER};
use crate::trouble::{self, Trouble};

/// A pool of connections to one database.
pub type Pool = deadpool::Pool<AsyncPgConnection>;

/// Why a pool gave no connection.
pub type PoolError = deadpool::PoolError;

/// A connection that goes back to its pool when dropped.
pub type PooledConnection = deadpool::Object<AsyncPgConnection>;

/// What every session of ours sets.
///
/// - Nothing is waited for without bound (rules 34 and 54): no lock, no statement, no transaction that was forgotten. And a
///   server whose client is gone without a word notices soon, and gives its locks back.
/// - A prepared statement keeps its plan. PostgreSQL would plan those with arrays anew at every call, because it guesses
///   ten elements for a parameter and sees that an order has two: that costs as much as running them.
/// - So the plan has to be right from the start, while the tables are still empty and reading all of one looks cheap.
///   Every statement of ours finds its rows by a key: no sequential scan.
/// - A statement that has to read a whole table all the same now looks dear beyond measure, and PostgreSQL would compile it
///   to machine code first: a tenth of a second of processor time for a table of ten rows. So nothing is compiled.
const SESSION: &str = "SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
                       SET idle_in_transaction_session_timeout = '30s'; \
                       SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
                       SET tcp_user_timeout = '15s'; \
                       SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/// How long a request waits for a free connection before it is told that the server is too busy.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(5);

/// A session outside any pool holds a lock and is used at least once a second. If the server hears nothing for this long,
/// the client is gone, even if the network says otherwise, and the lock has to be free again.
const LOCK_SESSION: &str = "SET idle_session_timeout = '30s'";

/// How long the TCP connection may take, and how long all of opening it may take.
const CONNECT: Duration = Duration::from_secs(5);
const OPEN: Duration = Duration::from_secs(10);

/// How long what was sent may stay unacknowledged before the other end counts as gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// An idle connection is probed after so long, so often, and is given up when so many probes got no answer.
const PROBE_AFTER: Duration = Duration::from_secs(10);
const PROBE_EVERY: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;

/// A pool of connections, which are opened when they are first needed.
///
/// A connection is driven by the runtime that opened it (rule 40), and each actix worker has a runtime of its own. So
/// each worker has a pool of its own too: a query then never wakes another thread, which would cost more than the
/// query's own way through this process.
///
/// A connection that has ended meanwhile is not handed out. And one that was idle while another met an unexpected error
/// prepares its statements again: the tables may have changed under them (rule 59).
pub fn pool(database_url: &str, size: usize) -> Pool {
    let trouble = Trouble::default();
    let mut config = ManagerConfig::<AsyncPgConnection>::default();
    config.recycling_method = RecyclingMethod::CustomFunction(Box::new(|conn| {
        let outcome = trouble::look_after(conn);
        async move { outcome }.boxed()
    }));
    config.custom_setup = Box::new(move |url| {
        let trouble = trouble.clone();
        async move { open(url, trouble, ANSWER).await }.boxed()
    });
    Pool::builder(AsyncDieselConnectionManager::new_with_config(database_url, config))
        .max_size(size)
        .wait_timeout(Some(WAIT_FOR_CONNECTION))
        .runtime(::deadpool::Runtime::Tokio1)
        .build()
        .expect("a pool with a runtime can be built")
}

/// Opens a connection on which nothing waits for ever (rule 54). What the URL sets itself stays as it is.
async fn open(url: &str, trouble: Trouble, answer: Duration) -> diesel::ConnectionResult<AsyncPgConnection> {
    let opened = tokio::time::timeout(OPEN, opened(url, trouble, answer)).await;
    opened.unwrap_or_else(|_| Err(ConnectionError::BadConnection(format!("no answer within {OPEN:?}"))))
}

async fn opened(
    url: &str,
    trouble: Trouble,
    answer: Duration,
) -> diesel::ConnectionResult<AsyncPgConnection> {
    // What the server said, or why it was not reached, is the error's cause.
    let failed = |error: tokio_postgres::Error| {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        ConnectionError::BadConnection(format!("{error}{cause}"))
    };
    let mut config: tokio_postgres::Config = url.parse().map_err(failed)?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNACKNOWLEDGED);
    }
    if config.get_keepalives_idle() > PROBE_AFTER {
        config.keepalives_idle(PROBE_AFTER).keepalives_interval(PROBE_EVERY).keepalives_retries(PROBES);
    }
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(failed)?;
    let asker = silence::drive(connection, answer);
    let mut connection = AsyncPgConnection::try_from(client).await?;
    connection.set_instrumentation(trouble.watch(asker));
    connection.batch_execute(SESSION).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Opens one connection outside any pool. It is for use at least every few seconds: see [`LOCK_SESSION`].
pub async fn connect_one(database_url: &str) -> anyhow::Result<AsyncPgConnection> {
    let mut connection = connect(database_url, ANSWER).await?;
    connection.batch_execute(LOCK_SESSION).await?;
    Ok(connection)
}

/// Opens one connection on which an answer may take this long.
pub(crate) async fn connect(database_url: &str, answer: Duration) -> anyhow::Result<AsyncPgConnection> {
    let opened = open(database_url, Trouble::default(), answer).await;
    opened.map_err(|error| unreachable_database(database_url, &error.to_string()))
}

fn unreachable_database(url: &str, cause: &str) -> anyhow::Error {
    anyhow!(
        "no connection to the database {}: {cause}. Check that PostgreSQL is running there and that the user, the \
         password and the database in --database-url (or DATABASE_URL) are right",
        without_password(url)
    )
}

/// The URL as it may be shown: without its password, and without its query, where a password can stand too. Of a text that
/// is no URL nothing is shown but how it begins.
pub fn without_password(url: &str) -> String {
    let Ok(mut shown) = Url::parse(url) else {
        return format!("{}://…", url.split("://").next().unwrap_or_default());
    };
    // It cannot fail for a URL with a host, and one without has no password.
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.into()
}

/// A connection from the pool, or an error that says that there was none.
pub async fn get(pool: &Pool) -> anyhow::Result<PooledConnection> {
    pool.get().await.context("no connection to the database is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let shown = without_password("postgres://cleave:s3cr@t@127.0.0.1:5432/shop?password=s3cr@t");
        assert_eq!(shown, "postgres://cleave@127.0.0.1:5432/shop");
        assert_eq!(without_password("postgres://localhost/x"), "postgres://localhost/x");
        assert_eq!(without_password("amqp://me:pw@[::1]:5672/%2f"), "amqp://me@[::1]:5672/%2f");
        assert_eq!(without_password("postgres://me:pw@one:1,two:2/x"), "postgres://…");
    }
}
