//! Waiting until a shop has finished what it took on.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;

use crate::words;
use terminal::language::seconds;
use topology::{Databases, Driver, Mode};

/// Between two looks: long enough that looking costs little beside the work that is waited for.
const TICK: Duration = Duration::from_millis(100);
/// So many looks in a row must find nothing to do, and nothing done in between. A message between two services
/// is in neither database; but it arrives within a few ticks, and is then seen in an inbox.
const QUIET_LOOKS: u32 = 3;

/// Transactions of others. One that is older than any lock is waited for was left open, which is for the audit to say (I7).
const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
       AND xact_start > clock_timestamp() - interval '6 seconds'";

/// What is still to be done, and how much was done.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Work {
    pending_orders: i64,
    open_sagas: i64,
    /// Transactions of two-phase commit that are at work.
    open_transactions: i64,
    /// Branches of two-phase commit that are not finished yet.
    in_doubt: i64,
    unsent_messages: i64,
    /// What grows while work is done: messages that were handled; in the monolith, orders.
    handled: i64,
}

/// Waits, for at most `bound`, until no order is pending and no message is on its way.
pub async fn drain(databases: &Databases, driver: Driver, bound: Duration) -> Result<()> {
    let connecting = databases.distinct().into_iter().map(|(name, url)| async move {
        let connection = servers::connect(url).await;
        connection.with_context(|| words::no_database(name))
    });
    let mut connections = try_join_all(connecting).await?;
    let names: Vec<&str> = databases.distinct().into_iter().map(|(name, _)| name).collect();
    let deadline = Instant::now() + bound;
    let (mut last, mut quiet) = (Work::default(), 0);
    loop {
        let mut work = Work::default();
        for (name, connection) in names.iter().zip(&mut connections) {
            work.add(connection, driver, driver.mode() == Mode::Monolith || *name == "orders").await?;
        }
        quiet = if work.is_done() && work == last { quiet + 1 } else { 0 };
        // In one local transaction an order that is there is done: nothing travels.
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
        if driver.mode() == Mode::Monolith {
            // A branch is in a session first and prepared then: asked in this order, none is missed between the two.
            if driver == Driver::TwoPhase {
                self.open_transactions += count(connection, AT_WORK).await?;
                self.handled += count(connection, "SELECT count(*) FROM orders.orders").await?;
            }
            let prepared = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()";
            self.in_doubt += count(connection, prepared).await?;
        } else {
            if orders {
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
