//! Connections to PostgreSQL.

use std::error::Error as _;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use diesel::sql_types::Integer;
use diesel::{ConnectionError, QueryableByName};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool,
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Url;
use tokio_postgres::config::TargetSessionAttrs;

use crate::silence::{self, ANSWER};
use crate::sql;
use crate::trouble::{self, Trouble};

/// A pool of connections to one database. Clones share the connections.
#[derive(Clone)]
pub struct Pool(deadpool::Pool<AsyncPgConnection>);

impl Pool {
    /// Takes a connection, and opens it if necessary.
    ///
    /// The future is boxed because the crate that polls an `async fn` compiles its body, and not inlined because the
    /// compiler would copy a function as small as this into its callers. Otherwise each crate with a query would
    /// compile the PostgreSQL client again (docs/adr/0020).
    #[inline(never)]
    pub fn get(&self) -> BoxFuture<'_, Result<PooledConnection, PoolError>> {
        self.0.get().boxed()
    }

    /// How many connections are open, in use and waited for.
    pub fn status(&self) -> ::deadpool::Status {
        self.0.status()
    }
}

/// Why a pool did not return a connection.
pub type PoolError = deadpool::PoolError;

/// A connection that returns to its pool when dropped.
pub type PooledConnection = deadpool::Object<AsyncPgConnection>;

/// What every session sets, and why:
///
/// - Every wait has a limit: rules 34 (prepared locks) and 54 (time limits). This covers locks, statements and
///   forgotten transactions. The keepalives let the server notice quickly that a client has vanished, and release its
///   locks.
/// - A prepared statement keeps its generic plan. Otherwise PostgreSQL would plan statements with array parameters anew
///   at every call: it assumes ten elements, sees that an order has two, and finds a cheaper plan each time. Planning
///   would cost as much as execution.
/// - So the plan must be right from the start, when the tables are still empty and a sequential scan looks cheap. Every
///   statement here finds its rows by a key, so sequential scans are disabled.
/// - A statement that has to read a whole table anyway now looks extremely expensive, and PostgreSQL would compile it
///   to machine code first: a tenth of a second of processor time for a table of ten rows. So JIT is off.
const SESSION: &str = "SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
                       SET idle_in_transaction_session_timeout = '30s'; \
                       SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
                       SET tcp_user_timeout = '15s'; \
                       SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/// How long a request waits for a free connection before it fails with "unavailable".
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(5);

/// For a session that holds a lock, outside any pool. Such a session is used at least once per second, so if the
/// server hears nothing for this long, the client is gone, even if the network does not show it, and the lock must be
/// released.
const LOCK_SESSION: &str = "SET idle_session_timeout = '30s'";

/// The time limits for the TCP connection, and for opening a connection as a whole.
const CONNECT: Duration = Duration::from_secs(5);
const OPEN: Duration = Duration::from_secs(10);

/// How long sent data may stay unacknowledged before the peer counts as gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// An idle connection is probed after `PROBE_AFTER`, then every `PROBE_EVERY`, and given up after `PROBES` lost probes.
const PROBE_AFTER: Duration = Duration::from_secs(10);
const PROBE_EVERY: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;

/// A connection pool. Connections are opened on first use.
///
/// A connection is driven by the runtime that opened it, and each actix worker has its own runtime. So each worker has
/// its own pool: rule 40 (worker pools). A query then never wakes another thread, which would cost more than the query
/// itself costs in this process.
///
/// The pool never hands out a connection that has ended. After an unexpected error on one connection the idle ones
/// prepare their statements again, since their tables may have changed: rule 59 (stale statement).
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
    let pool = deadpool::Pool::builder(AsyncDieselConnectionManager::new_with_config(database_url, config))
        .max_size(size)
        .wait_timeout(Some(WAIT_FOR_CONNECTION))
        .runtime(::deadpool::Runtime::Tokio1)
        .build();
    Pool(pool.expect("a pool with a runtime can be built"))
}

/// Opens a connection on which every wait has a limit: rule 54 (time limits). Options in the URL take precedence.
async fn open(url: &str, trouble: Trouble, answer: Duration) -> diesel::ConnectionResult<AsyncPgConnection> {
    let opened = tokio::time::timeout(OPEN, opened(url, trouble, answer)).await;
    opened.unwrap_or_else(|_| Err(ConnectionError::BadConnection(format!("no response within {OPEN:?}"))))
}

async fn opened(
    url: &str,
    trouble: Trouble,
    answer: Duration,
) -> diesel::ConnectionResult<AsyncPgConnection> {
    // The error's cause is what the server said, or why it could not be reached.
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
    // A server that is only a standby, or became one, or a database that is read-only for a while: a session would stay
    // read-only for as long as the pool keeps it. So it is not opened, and the next attempt may reach another server.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(failed)?;
    let asker = silence::drive(connection, answer);
    let mut connection = AsyncPgConnection::try_from(client).await?;
    connection.set_instrumentation(trouble.watch(asker));
    connection.batch_execute(SESSION).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Opens a single connection without a pool, for a session that is used at least every few seconds: see
/// [`LOCK_SESSION`]. Boxed and not inlined for the same reason as [`Pool::get`].
#[inline(never)]
pub fn connect_one(database_url: &str) -> BoxFuture<'_, anyhow::Result<AsyncPgConnection>> {
    async move {
        let mut connection = connect(database_url, ANSWER).await?;
        connection.batch_execute(LOCK_SESSION).await?;
        Ok(connection)
    }
    .boxed()
}

/// Opens a single connection without a pool, on which a response may take this long.
#[inline(never)]
pub(crate) fn connect(
    database_url: &str,
    answer: Duration,
) -> BoxFuture<'_, anyhow::Result<AsyncPgConnection>> {
    async move {
        let opened = open(database_url, Trouble::default(), answer).await;
        opened.map_err(|error| unreachable_database(database_url, &error.to_string()))
    }
    .boxed()
}

/// Fails if a pooler passes this session on to other clients between two transactions. Locks of a session would then stay
/// with a stranger, and prepared statements and settings would be missing: rule 54 (time limits) and
/// rule 41 (migrations) depend on them.
pub(crate) async fn refuse_pooler(connection: &mut AsyncPgConnection, url: &str) -> anyhow::Result<()> {
    let ours = backend(connection).await?;
    connection.batch_execute("COMMIT").await?;
    let mut other = connect(url, ANSWER).await?;
    if backend(&mut other).await? == ours {
        bail!(
            "the database {} is behind a pooler that shares one session between clients, such as PgBouncer in transaction \
             mode. Advisory locks, prepared statements and settings need a session for each client: let --database-url \
             (or DATABASE_URL) name PostgreSQL itself, or use the pooler's session mode",
            without_password(url)
        );
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Begins a transaction, and returns the server process in which it runs.
async fn backend(connection: &mut AsyncPgConnection) -> anyhow::Result<i32> {
    connection.batch_execute("BEGIN").await?;
    let Backend { pid } = sql("SELECT pg_backend_pid() AS pid").get_result(connection).await?;
    Ok(pid)
}

fn unreachable_database(url: &str, cause: &str) -> anyhow::Error {
    anyhow!(
        "cannot connect to the database {}: {cause}. Check that PostgreSQL is running there and that the user, \
         password and database in --database-url (or DATABASE_URL) are correct",
        without_password(url)
    )
}

/// The URL in a form that can be shown: without the password, and without the query, which can contain a password too.
/// Of a text that is not a URL only the beginning is shown.
pub fn without_password(url: &str) -> String {
    let Ok(mut shown) = Url::parse(url) else {
        return format!("{}://…", url.split("://").next().unwrap_or_default());
    };
    // Fails only for a URL without a host, and that has no password.
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.into()
}

/// Takes a connection from the pool, or fails with a message that says so.
pub async fn get(pool: &Pool) -> anyhow::Result<PooledConnection> {
    pool.get().await.context("no database connection is free")
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
