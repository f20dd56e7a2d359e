//! Waits until a shop has finished all accepted work.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;

use crate::words;
use terminal::language::seconds;
use topology::{Databases, Driver};

/// The interval between checks, long enough that their cost is small compared with the work itself.
const TICK: Duration = Duration::from_millis(100);
/// This many checks in a row must find no open work and no progress. A message between two services is in neither
/// database, but it arrives within a few intervals and then appears in an inbox.
const QUIET_LOOKS: u32 = 3;

/// Counts other sessions' transactions. One that is older than any lock wait was left open; the audit reports it
/// (I7).
const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
       AND xact_start > clock_timestamp() - interval '6 seconds'";

/// Open work, and work done so far.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Work {
    pending_orders: i64,
    open_sagas: i64,
    /// Open transactions of two-phase commit.
    open_transactions: i64,
    /// Prepared branches that are not finished yet.
    in_doubt: i64,
    unsent_messages: i64,
    /// Grows while work is done: handled messages, or orders in the monolith.
    handled: i64,
}

/// Waits, for at most `bound`, until no order is pending and no message is on its way.
pub async fn drain(databases: &Databases, driver: Driver, bound: Duration) -> Result<()> {
    let connecting = databases.distinct().into_iter().map(|(name, url)| async move {
        let connection = servers::connect(url).await;
        connection.with_context(|| words::no_database(name))
    });
    let mut connections = try_join_all(connecting).await?;
    let urls: Vec<&str> = databases.distinct().into_iter().map(|(_, url)| url).collect();
    let deadline = Instant::now() + bound;
    let (mut last, mut quiet) = (Work::default(), 0);
    loop {
        let mut work = Work::default();
        for (url, connection) in urls.iter().zip(&mut connections) {
            work.add(connection, driver, *url == databases.orders).await?;
        }
        quiet = if work.is_done() && work == last { quiet + 1 } else { 0 };
        // With one local transaction a stored order is already decided, and there are no messages.
        if quiet >= QUIET_LOOKS || (work.is_done() && driver == Driver::Local) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!(words::not_drained(
                seconds(bound),
                driver,
                work.pending_orders,
                work.open_sagas,
                work.open_transactions,
                work.in_doubt,
                work.unsent_messages
            ));
        }
        last = work;
        tokio::time::sleep(TICK).await;
    }
}

impl Work {
    fn is_done(self) -> bool {
        let open = self.open_sagas + self.open_transactions + self.in_doubt;
        self.pending_orders + open + self.unsent_messages == 0
    }

    async fn add(&mut self, connection: &mut AsyncPgConnection, driver: Driver, orders: bool) -> Result<()> {
        if orders {
            let pending = "SELECT count(*) FROM orders.orders WHERE status = 'pending'";
            self.pending_orders = count(connection, pending).await?;
        }
        if !driver.has_messages() {
            // A branch is first in a session and then prepared. Querying in this order misses none in between.
            if driver == Driver::TwoPhase {
                self.open_transactions += count(connection, AT_WORK).await?;
                self.handled += count(connection, "SELECT count(*) FROM orders.orders").await?;
            }
            let prepared = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()";
            self.in_doubt += count(connection, prepared).await?;
        } else {
            if orders && driver.has_sagas() {
                let open = "SELECT count(*) FROM checkout.sagas WHERE NOT finished";
                self.open_sagas = count(connection, open).await?;
            }
            self.unsent_messages += count(connection, "SELECT count(*) FROM chassis.outbox").await?;
            self.handled += count(connection, "SELECT count(*) FROM chassis.inbox").await?;
        }
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(connection: &mut AsyncPgConnection, query: &str) -> Result<i64> {
    let row: Count = diesel::sql_query(query)
        .get_result(connection)
        .await
        .with_context(|| words::cannot_read_progress(query))?;
    Ok(row.count)
}
