//! A branch: one module's part of a transaction, on its own connection. It is first open, then prepared.

use contracts::BoxError;
use diesel::QueryableByName;
use diesel::result::Error::DatabaseError;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use platform::db::PooledConnection;
use platform::{CrashPoint, Pool, sql};

use super::gid::Gid;
use crate::modules::Module;

/// An open branch in which a module works. It is not a diesel transaction, because diesel cannot prepare one.
///
/// If a branch is dropped early (on an error or a cancelled request), its connection is closed instead of returned to
/// the pool, so the server rolls back.
pub struct Branch {
    /// The module that works in it.
    pub module: Module,
    connection: Option<PooledConnection>,
}

impl Branch {
    /// Begins a transaction on a connection of this pool.
    pub async fn begin(pool: &Pool, module: Module) -> Result<Branch, BoxError> {
        let mut branch = Branch { module, connection: Some(pool.get().await?) };
        branch.connection().batch_execute("BEGIN").await?;
        Ok(branch)
    }

    /// The connection for the module's handler.
    pub fn connection(&mut self) -> &mut AsyncPgConnection {
        self.connection.as_mut().expect("a branch has its connection until it ends")
    }

    /// Rolls back before the branch was prepared.
    pub async fn roll_back(mut self) {
        // If this fails, dropping the branch closes the connection, and the server rolls back.
        if self.connection().batch_execute("ROLLBACK").await.is_ok() {
            self.connection.take();
        }
    }

    /// Votes yes. From here on the branch and its locks survive this process, and only its gid can finish it.
    pub async fn prepare(mut self, gid: Gid) -> Result<Prepared, BoxError> {
        CrashPoint::BeforePrepare.pass();
        self.connection().batch_execute(&format!("PREPARE TRANSACTION '{gid}'")).await?;
        // If the transaction has failed, the server responds with ROLLBACK, which is not an error: rule 29 (silent
        // rollback).
        if !is_prepared(self.connection(), &gid).await? {
            return Err(format!("the server rolled the branch {gid} back instead of preparing it").into());
        }
        CrashPoint::AfterPrepare.pass();
        let connection = self.connection.take().expect("a branch has its connection until it ends");
        Ok(Prepared { gid, connection })
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(PooledConnection::take(connection));
        }
    }
}

/// A prepared branch. It no longer needs its connection, but keeps it so that finishing never waits for a free one.
pub struct Prepared {
    gid: Gid,
    connection: PooledConnection,
}

impl Prepared {
    /// The module that worked in it.
    pub fn module(&self) -> Module {
        self.gid.module
    }

    /// The connection that prepared it. It has no open transaction any more.
    pub fn connection(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }

    /// Commits the branch. Call it only after *commit* is on record.
    pub async fn commit(mut self) -> Result<(), BoxError> {
        CrashPoint::BeforeCommitPrepared.pass();
        commit_prepared(&mut self.connection, &self.gid).await?;
        CrashPoint::AfterCommitPrepared.pass();
        Ok(())
    }

    /// Rolls the branch back. Call it only if *commit* is not on record and cannot be any more.
    pub async fn roll_back(mut self) -> Result<(), BoxError> {
        roll_back_prepared(&mut self.connection, &self.gid).await
    }
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    exists: bool,
}

async fn is_prepared(conn: &mut AsyncPgConnection, gid: &Gid) -> Result<bool, BoxError> {
    let row: Exists = sql("SELECT EXISTS (SELECT FROM pg_prepared_xacts WHERE gid = $1) AS exists")
        .bind::<Text, _>(gid.to_string())
        .get_result(conn)
        .await?;
    Ok(row.exists)
}

/// Commits a branch in the database that prepared it. Call it only after *commit* is on record.
pub async fn commit_prepared(conn: &mut AsyncPgConnection, gid: &Gid) -> Result<(), BoxError> {
    let outcome = conn.batch_execute(&format!("COMMIT PREPARED '{gid}'")).await;
    finished(conn, gid, outcome).await
}

/// Rolls back a branch in the database that prepared it. Call it only after *abort* is certain.
pub async fn roll_back_prepared(conn: &mut AsyncPgConnection, gid: &Gid) -> Result<(), BoxError> {
    let outcome = conn.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await;
    finished(conn, gid, outcome).await
}

/// Succeeds if the branch is finished. If it no longer exists, another process has finished it. That does not prove
/// which way, rule 60 (abort record), but both callers know the one decision that every process follows, rule 32 (same
/// database).
///
/// This looks up the gid instead of reading the error, whose text depends on the server's language: rule 45 (error
/// kinds).
async fn finished(
    conn: &mut AsyncPgConnection,
    gid: &Gid,
    outcome: diesel::QueryResult<()>,
) -> Result<(), BoxError> {
    match outcome {
        Err(error @ DatabaseError(..)) if is_prepared(conn, gid).await? => Err(error.into()),
        Ok(()) | Err(DatabaseError(..)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
