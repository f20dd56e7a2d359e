//! The lock that makes a process the only coordinator of its name, and the epoch that fences off its predecessors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use platform::{db, sql};

use super::coordinator::Coordinator;
use super::gid::Name;
use super::schema::coordinators;

/// How long the server may take to notice that the session of a dead process is gone.
const PREDECESSOR: Duration = Duration::from_secs(5);

/// An advisory lock on the coordinator's name. The server releases it when the session ends, for any reason.
///
/// It keeps two processes with one name apart. It does not make decisions safe: the holder may be paused, lose the
/// session and not notice. The epoch does, since every new holder raises it.
pub struct CoordinatorLock {
    coordinator: Arc<Coordinator>,
    database_url: String,
    session: Option<AsyncPgConnection>,
    /// The room that this process has registered; see `room.rs`.
    prepared_per_module: i32,
}

#[derive(QueryableByName)]
struct LockRow {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

#[derive(QueryableByName)]
#[diesel(table_name = coordinators, check_for_backend(Pg))]
struct EpochRow {
    epoch: i64,
}

impl CoordinatorLock {
    /// Acquires the lock. Fails if another process holds it.
    pub async fn acquire(coordinator: Arc<Coordinator>, database_url: &str) -> Result<CoordinatorLock> {
        let database_url = database_url.to_owned();
        let mut lock = CoordinatorLock { coordinator, database_url, session: None, prepared_per_module: 0 };
        let deadline = Instant::now() + PREDECESSOR;
        while !lock.try_acquire().await? {
            if Instant::now() > deadline {
                bail!(
                    "another process is running as coordinator {name:?} on {database}. Each process needs its own name: \
                     start this one with another --coordinator, or stop the other",
                    name = lock.coordinator.name().as_str(),
                    database = db::without_password(&lock.database_url),
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(lock)
    }

    /// Checks that the lock's session is alive, and reacquires the lock if it is not.
    pub async fn keep(&mut self) -> Result<()> {
        if let Some(session) = &mut self.session
            && session.batch_execute("SELECT 1").await.is_ok()
        {
            return Ok(());
        }
        self.release();
        let name = self.coordinator.name().clone();
        if !self.try_acquire().await? {
            bail!(
                "another process holds the lock of coordinator {name}; this one takes no orders until it is free"
            );
        }
        tracing::warn!(coordinator = %name, "coordinator lock reacquired");
        Ok(())
    }

    /// Ends the session and so releases the lock. No transaction can begin after this.
    pub fn release(&mut self) {
        self.coordinator.set_epoch(None);
        self.session = None;
    }

    /// Takes over a coordinator that has no process: acquires its lock and raises its epoch, so that its old process
    /// can no longer decide on transactions that it began. Returns the new epoch. `None` means that its process is
    /// alive or that this shop has no such coordinator. Release it with [`CoordinatorLock::give_back`].
    pub async fn take_over(&mut self, name: &Name) -> Result<Option<i64>> {
        let session = self.session()?;
        if !try_lock(session, name).await? {
            return Ok(None);
        }
        // Release on failure, or the coordinator's own process could not start for as long as this one lives.
        let raised = raise_epoch(session, name).await;
        if !matches!(raised, Ok(Some(_))) {
            self.give_back(name).await?;
        }
        raised
    }

    /// Releases the lock of a coordinator that was taken over.
    pub async fn give_back(&mut self, name: &Name) -> Result<()> {
        sql("SELECT pg_advisory_unlock(hashtextextended('cleave.coordinator:' || $1, 0))")
            .bind::<Text, _>(name.as_str())
            .execute(self.session()?)
            .await
            .with_context(|| format!("cannot release the lock of coordinator {name}"))?;
        Ok(())
    }

    /// The name of the coordinator whose lock this is.
    pub fn name(&self) -> &Name {
        self.coordinator.name()
    }

    /// The session that holds the lock.
    pub fn session(&mut self) -> Result<&mut AsyncPgConnection> {
        self.session.as_mut().context("the session of the coordinator lock was lost")
    }

    /// Registers how many transactions this process may have prepared at once in each module.
    pub async fn register(&mut self, prepared_per_module: i32) -> Result<()> {
        self.prepared_per_module = prepared_per_module;
        let name = self.coordinator.name().clone();
        sql("UPDATE two_phase.coordinators SET prepared_per_module = $2 WHERE name = $1")
            .bind::<Text, _>(name.as_str())
            .bind::<Integer, _>(prepared_per_module)
            .execute(self.session()?)
            .await
            .context("cannot register this coordinator")?;
        Ok(())
    }

    async fn try_acquire(&mut self) -> Result<bool> {
        let mut session = db::connect_one(&self.database_url).await?;
        let name = self.coordinator.name();
        if !try_lock(&mut session, name).await? {
            return Ok(false);
        }
        let EpochRow { epoch } =
            sql("INSERT INTO two_phase.coordinators AS known (name, epoch, prepared_per_module) VALUES ($1, 1, $2)
             ON CONFLICT (name) DO UPDATE SET epoch = known.epoch + 1, since = clock_timestamp(),
                 prepared_per_module = excluded.prepared_per_module
             RETURNING epoch")
            .bind::<Text, _>(name.as_str())
            .bind::<Integer, _>(self.prepared_per_module)
            .get_result(&mut session)
            .await
            .with_context(|| format!("cannot begin an epoch of coordinator {name}"))?;
        self.coordinator.set_epoch(Some(epoch));
        self.session = Some(session);
        tracing::info!(coordinator = %self.coordinator.name(), epoch, "coordinator lock acquired");
        Ok(true)
    }
}

async fn try_lock(session: &mut AsyncPgConnection, name: &Name) -> Result<bool> {
    let LockRow { locked } =
        sql("SELECT pg_try_advisory_lock(hashtextextended('cleave.coordinator:' || $1, 0)) AS locked")
            .bind::<Text, _>(name.as_str())
            .get_result(session)
            .await
            .with_context(|| format!("cannot ask for the lock of coordinator {name}"))?;
    Ok(locked)
}

/// Raises the epoch of a coordinator that was taken over, and sets its registered room to zero.
async fn raise_epoch(session: &mut AsyncPgConnection, name: &Name) -> Result<Option<i64>> {
    let rows: Vec<EpochRow> = sql("UPDATE two_phase.coordinators
         SET epoch = epoch + 1, prepared_per_module = 0 WHERE name = $1 RETURNING epoch")
    .bind::<Text, _>(name.as_str())
    .load(session)
    .await
    .with_context(|| format!("cannot raise the epoch of coordinator {name}"))?;
    Ok(rows.into_iter().next().map(|row| row.epoch))
}
