//! One module's part of a transaction, on a connection of its own: first open, then prepared.

use contracts::BoxError;
use diesel::QueryableByName;
use diesel::result::Error::DatabaseError;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use platform::db::PooledConnection;
use platform::{CrashPoint, Pool, sql};

use super::gid::Gid;
use crate::modules::Module;

/// A branch in which work is done. diesel knows nothing of it: its own transactions cannot be prepared.
///
/// One that is dropped before its end (an error, a request that was given up) takes its connection with it, which
/// closes, and the server rolls back.
pub struct Branch {
    /// Whose part it is.
    pub module: Module,
    connection: Option<PooledConnection>,
}

impl Branch {
    /// Begins.
    pub async fn begin(pool: &Pool, module: Module) -> Result<Branch, BoxError> {
        let mut branch = Branch { module, connection: Some(pool.get().await?) };
        branch.connection().batch_execute("BEGIN").await?;
        Ok(branch)
    }

    /// Where the module's handler works.
    pub fn connection(&mut self) -> &mut AsyncPgConnection {
        self.connection.as_mut().expect("a branch has its connection until it ends")
    }

    /// Undoes all of it.
    pub async fn roll_back(mut self) {
        // If this fails, the connection is closed, which does the same.
        if self.connection().batch_execute("ROLLBACK").await.is_ok() {
            self.connection.take();
        }
    }

    /// Votes yes: from here on the branch outlives this process, its locks included, and is finished by its name.
    pub async fn prepare(mut self, gid: Gid) -> Result<Prepared, BoxError> {
        CrashPoint::BeforePrepare.pass();
        self.connection().batch_execute(&format!("PREPARE TRANSACTION '{gid}'")).await?;
        // In a transaction that has failed the server answers ROLLBACK, which is no error (rule 29).
        if !is_prepared(self.connection(), &gid).await? {
            return Err(format!("the branch {gid} was rolled back when it was to be prepared").into());
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

/// A branch that is prepared. Its connection is free for anything else, and is kept because finishing must not have to
/// wait for another.
pub struct Prepared {
    gid: Gid,
    connection: PooledConnection,
}

impl Prepared {
    /// Whose part it is.
    pub fn module(&self) -> Module {
        self.gid.module
    }

    /// The connection that prepared it, which is outside any transaction now.
    pub fn connection(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }

    /// Commits it, after the decision to do so.
    pub async fn commit(mut self) -> Result<(), BoxError> {
        CrashPoint::BeforeCommitPrepared.pass();
        commit_prepared(&mut self.connection, &self.gid).await?;
        CrashPoint::AfterCommitPrepared.pass();
        Ok(())
    }

    /// Rolls it back, where nobody has decided to commit.
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

/// Commits a branch of a transaction whose decision says so, in the database that prepared it.
pub async fn commit_prepared(conn: &mut AsyncPgConnection, gid: &Gid) -> Result<(), BoxError> {
    finished(conn.batch_execute(&format!("COMMIT PREPARED '{gid}'")).await)
}

/// Rolls a branch back of a transaction that nobody will decide to commit, in the database that prepared it.
pub async fn roll_back_prepared(conn: &mut AsyncPgConnection, gid: &Gid) -> Result<(), BoxError> {
    finished(conn.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await)
}

/// A name that is unknown is that of a branch which somebody else has finished by the same decision: there is only one
/// (rule 32).
fn finished(outcome: diesel::QueryResult<()>) -> Result<(), BoxError> {
    match outcome {
        Err(DatabaseError(_, information)) if information.message().ends_with("does not exist") => Ok(()),
        outcome => Ok(outcome?),
    }
}
