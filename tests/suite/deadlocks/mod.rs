//! Any two writers of a table run in parallel without a deadlock.
//!
//! The writers are those of the shop: a batch in a service, an order in the monolith, the statement of an
//! endpoint, the work of a clock. All want the same few rows, each in random order, and nothing is retried.

mod hybrids;
mod messages;
mod minute;
mod writers;

use anyhow::{Context, Result, ensure};
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::{join_all, try_join_all};
use tests::Stage;

use crate::schema::Tables;
pub use minute::a_minute_of_orders_and_receipts;
use writers::{Shop, WRITERS, Writer};

/// Transactions of each writer.
const ROUNDS: usize = 12;

#[derive(QueryableByName)]
struct Deadlocks {
    #[diesel(sql_type = BigInt)]
    deadlocks: i64,
}

/// The deadlocks that the server has broken in this database.
const DEADLOCKS: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";

pub async fn no_two_writers_wait_in_a_circle(stage: &Stage) -> Result<Option<String>> {
    let tables = Tables::new(stage).await?;
    let mut connections = try_join_all((0..4).map(|_| tables.connect())).await?;
    for connection in &mut connections {
        // The tables are almost empty, and must still get the same plans as in a running shop.
        connection
            .batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
            .await?;
    }
    let mut wrong = Vec::new();
    for (n, one) in WRITERS.into_iter().enumerate() {
        for other in &WRITERS[n..] {
            let shop = Shop::new()?;
            for first in [Writer::Products, Writer::Receipts, Writer::Deposits, Writer::Orders] {
                shop.write(&mut connections[0], first).await.context("the first write, without any other")?;
            }
            // Two of each, so that each also meets another of its kind.
            let writers = connections.iter_mut().zip([one, *other, one, *other]);
            let rounds = writers.map(async |(connection, writer)| {
                for _ in 0..ROUNDS {
                    shop.write(connection, writer).await?;
                }
                anyhow::Ok(())
            });
            let failed = join_all(rounds).await.into_iter().filter_map(Result::err);
            wrong.extend(failed.map(|error| format!("{one:?} beside {other:?}: {error:#}")));
        }
    }
    drop(connections);
    let count = sql_query(DEADLOCKS);
    let Deadlocks { deadlocks } = count.get_result(&mut tables.connect().await?).await?;
    tables.stop().await?;
    ensure!(wrong.is_empty() && deadlocks == 0, "{deadlocks} deadlocks:\n{}", wrong.join("\n"));
    Ok(None)
}
