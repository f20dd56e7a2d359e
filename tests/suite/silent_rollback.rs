//! `COMMIT` in a transaction that has failed: the server rolls back and reports no error, and neither does diesel. See
//! rule 29 (silent rollback).

use anyhow::{Result, anyhow, ensure};
use contracts::BoxError;
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use platform::{NotCommitted, Pool, db, transaction};
use tests::Stage;

use crate::schema::Tables;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// What the transactions have left: their rows.
async fn rows(connection: &mut AsyncPgConnection) -> Result<i64> {
    let rows = diesel::sql_query("SELECT count(*) AS number FROM public.done");
    Ok(rows.get_result::<Number>(connection).await?.number)
}

/// Writes a row, and hides the failure of a second statement. `None` if it counts as committed.
async fn hides(pool: &Pool, failing: &str) -> Result<Option<NotCommitted<BoxError>>> {
    let mut connection = pool.get().await?;
    let work = async |connection: &mut AsyncPgConnection| -> Result<(), BoxError> {
        diesel::sql_query("INSERT INTO public.done VALUES (1)").execute(connection).await?;
        let _ = diesel::sql_query(failing).load::<Number>(connection).await;
        Ok(())
    };
    Ok(transaction(&mut connection, work).await.err())
}

pub async fn is_never_taken_for_success(stage: &Stage) -> Result<Option<String>> {
    let tables = Tables::new(stage).await?;
    let mut watcher = tables.connect().await?;
    watcher.batch_execute("CREATE TABLE public.done (n integer)").await?;
    let pool = db::pool(&tables.url, 1);
    let good = "SELECT 1::bigint AS number";
    ensure!(hides(&pool, good).await?.is_none() && rows(&mut watcher).await? == 1, "it is not committed");
    // The second one fails only at its second row, after the client has the first.
    let failing = [
        "SELECT 1 / 0::bigint AS number",
        "SELECT 1 / (2 - n)::bigint AS number FROM generate_series(1, 2) AS n",
    ];
    for failing in failing {
        let failed = hides(&pool, failing).await?;
        let failed = failed.ok_or_else(|| anyhow!("{failing}: it counts as committed"))?;
        ensure!(rows(&mut watcher).await? == 1, "{failing}: {failed:?}, and the row is there");
        ensure!(matches!(failed, NotCommitted::RolledBack(_)), "it is certain, and not said: {failed:?}");
        // The pool has only one connection, and it can be used again.
        ensure!(pool.status().size == 1, "{:?}", pool.status());
        let mut connection = pool.get().await?;
        ensure!(rows(&mut connection).await? == 1, "a transaction is left open");
    }
    ensure!(hides(&pool, good).await?.is_none() && rows(&mut watcher).await? == 2, "it is not committed");
    drop((watcher, pool));
    tables.stop().await?;
    Ok(None)
}
