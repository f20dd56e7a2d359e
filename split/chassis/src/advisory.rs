//! Advisory locks of a session: only one instance of a service holds the lock of a name. The server releases it when
//! the session ends.

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::sql;

#[derive(QueryableByName)]
struct LockRow {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Returns whether this session holds the lock now.
pub async fn try_lock(conn: &mut AsyncPgConnection, name: &str) -> anyhow::Result<bool> {
    let row: LockRow = sql("SELECT pg_try_advisory_lock(hashtext($1)) AS locked")
        .bind::<Text, _>(name)
        .get_result(conn)
        .await?;
    Ok(row.locked)
}

/// Releases the lock before the session ends.
pub async fn unlock(conn: &mut AsyncPgConnection, name: &str) -> anyhow::Result<()> {
    sql("SELECT pg_advisory_unlock(hashtext($1))").bind::<Text, _>(name).execute(conn).await?;
    Ok(())
}
