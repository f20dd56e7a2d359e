//! A branch: one module's part of a transaction, on a connection of its own. It is open first, then prepared.

use contracts::BoxError;
use diesel::QueryableByName;
use diesel::result::Error::DatabaseError;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use platform::db::PooledConnection;
use platform::{CrashPoint, Pool, sql};

use super::gid::Gid;
use crate::modules::Module;

/// A branch in which a module works. It is not a transaction of diesel's, because those cannot be prepared.
///
/// A branch that is dropped before its end (an error, a request that was cut off) closes its connection instead of
/// returning it to the pool, and so the server rolls back.
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

    /// Rolls it back before it was prepared.
    pub async fn roll_back(mut self) {
        // If this fails, dropping the branch closes the connection, and the server rolls back.
        if self.connection().batch_execute("ROLLBACK").await.is_ok() {
            self.connection.take();
        }
    }

    /// Votes yes. From here on the branch and its locks survive this process; only its name can finish it.
    pub async fn prepare(mut self, gid: Gid) -> Result<Prepared, BoxError> {
        CrashPoint::BeforePrepare.pass();
        self.connection().batch_execute(&format!("PREPARE TRANSACTION '{gid}'")).await?;
        // In a transaction that has failed the server responds with ROLLBACK, which is not an error (rule 29).
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

/// A branch that is prepared. Its connection could be used for anything else; it is kept so that finishing the branch
/// never waits for a free connection.
pub struct Prepared {
    gid: Gid,
    connection: PooledConnection,
}

impl Prepared {
    /// The module that worked in it.
    pub fn module(&self) -> Module {
        self.gid.module
    }

    /// The connection that prepared it, on which no transaction is open any more.
    pub fn connection(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }

    /// Commits it. Only to be called once *commit* is on record.
    pub async fn commit(mut self) -> Result<(), BoxError> {
        CrashPoint::BeforeCommitPrepared.pass();
        commit_prepared(&mut self.connection, &self.gid).await?;
        CrashPoint::AfterCommitPrepared.pass();
        Ok(())
    }

    /// Rolls it back. Only to be called if *commit* is not on record and cannot be any more.
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

/// Commits a branch in the database that prepared it. Only to be called once *commit* is on record.
pub async fn commit_prepared(conn: &mut AsyncPgConnection, gid: &Gid) -> Result<(), BoxError> {
    let outcome = conn.batch_execute(&format!("COMMIT PREPARED '{gid}'")).await;
    finished(conn, gid, outcome).await
}

/// Rolls a branch back in the database that prepared it. Only to be called once *abort* is certain.
pub async fn roll_back_prepared(conn: &mut AsyncPgConnection, gid: &Gid) -> Result<(), BoxError> {
    let outcome = conn.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await;
    finished(conn, gid, outcome).await
}

/// Succeeds if the branch is finished. Where it is not there any more, another process has finished it. That proves
/// nothing about how (rule 60), but both callers know the one decision that every process abides by (rule 32).
///
/// It is asked by its name, not read from the error, whose text depends on the server's language (rule 45).
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
