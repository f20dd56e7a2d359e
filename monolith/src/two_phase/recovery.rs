//! Recovery: finishes the branches that a coordinator left prepared, rule 31 (recovery). It runs at the start, every
//! second, and once more when the process stops.
//!
//! A process finishes its own branches, and those of coordinators without a process: an instance that was scaled down
//! or replaced never comes back under its old name. The advisory lock tells whether a coordinator has a process. To
//! finish the branches of another coordinator, a process acquires that lock and raises the epoch, as a restarted
//! process of that name would.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use contracts::BoxError;
use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{CrashPoint, Flaw, Pool, Waits, db, sql};
use tokio::time::{Instant, MissedTickBehavior};

use super::branch::{commit_prepared, roll_back_prepared};
use super::coordinator::Coordinator;
use super::decisions::{self, FencedTransaction, Verdict};
use super::gid::{Gid, Name};
use super::lock::CoordinatorLock;
use crate::databases::Databases;
use crate::modules::Module;

/// The interval between runs.
const EVERY: Duration = Duration::from_secs(1);

/// How long a stopping process may take to finish its branches. Another instance finishes the rest.
const LAST_RUN: Duration = Duration::from_secs(4);

/// Finishes branches that were left prepared.
pub struct Recovery {
    coordinator: Arc<Coordinator>,
    pub(super) lock: CoordinatorLock,
    /// The database with the decisions.
    orders: Pool,
    /// Each database once.
    databases: Vec<Pool>,
    /// Shown while a database does not respond: until then, branches stay prepared.
    pub waits: Waits,
}

#[derive(QueryableByName)]
struct PreparedRow {
    #[diesel(sql_type = Text)]
    gid: String,
}

impl Recovery {
    /// Recovery for a coordinator that holds its lock.
    pub fn new(coordinator: Arc<Coordinator>, lock: CoordinatorLock, databases: &Databases) -> Recovery {
        Recovery {
            coordinator,
            lock,
            orders: db::pool(databases.url(Module::Orders), 1),
            databases: databases.distinct().into_iter().map(|(url, _)| db::pool(url, 1)).collect(),
            waits: Waits::default(),
        }
    }

    /// Runs every second until the process has stopped taking orders, then once more so that no branch stays behind.
    pub async fn watch(mut self, stopped: impl Future<Output = ()>) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = &mut stopped => break,
            }
            match self.run().await {
                Ok(()) => self.waits.end("recovery"),
                Err(error) => self.waits.begin("recovery", "database", format!("{error:#}")),
            }
        }
        match tokio::time::timeout(LAST_RUN, self.finish()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(
                error = format!("{error:#}"),
                "branches may be left prepared; another instance finishes them, or cleave in-doubt --resolve"
            ),
            Err(_) => tracing::warn!(
                "branches may be left prepared after {LAST_RUN:?}; another instance finishes them, or cleave in-doubt \
                 --resolve"
            ),
        }
    }

    /// The last run. Requests that were cut off may still be working on a transaction for a moment.
    async fn finish(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + LAST_RUN / 2;
        while self.coordinator.has_transactions() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.run().await
    }

    async fn run(&mut self) -> anyhow::Result<()> {
        self.lock.keep().await?;
        self.recover().await.map_err(|error| anyhow!(error))
    }

    /// Finishes every branch that was left, starting with this coordinator's own.
    pub async fn recover(&mut self) -> Result<(), BoxError> {
        if Flaw::NoRecovery.is_on() {
            return Ok(());
        }
        let own = self.coordinator.name().clone();
        if let Some(epoch) = self.coordinator.epoch() {
            self.recover_one(&own, epoch).await?;
        }
        for name in self.others().await? {
            let Some(epoch) = self.lock.take_over(&name).await? else { continue };
            tracing::warn!(coordinator = %name, epoch, "took over a coordinator that no longer has a process");
            let recovered = self.recover_one(&name, epoch).await;
            self.lock.give_back(&name).await?;
            recovered?;
        }
        Ok(())
    }

    /// The other coordinators that have a branch or a decision, alive or not.
    async fn others(&self) -> Result<Vec<Name>, BoxError> {
        let mut names = decisions::coordinators(&mut *self.orders.get().await?).await?;
        for database in &self.databases {
            let gids = prepared(&mut *database.get().await?, "cleave:").await?;
            names.extend(gids.into_iter().map(|gid| gid.coordinator));
        }
        names.retain(|name| name != self.coordinator.name());
        names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        Ok(names)
    }

    /// Finishes the branches of one coordinator up to this epoch, then forgets decisions that are no longer needed.
    ///
    /// The order matters: read the decisions, read the branches, and only then check which transactions this process is
    /// working on. So a transaction that begins in between is neither finished nor forgotten.
    async fn recover_one(&self, name: &Name, epoch: i64) -> Result<(), BoxError> {
        let mut orders = self.orders.get().await?;
        let mut forgettable = decisions::forgettable(&mut orders, name, epoch).await?;
        let mut unfinished = HashSet::new();
        for database in &self.databases {
            let mut database = database.get().await?;
            for gid in prepared(&mut database, &name.prefix()).await? {
                if self.is_left(&gid, epoch) {
                    let verdict = verdict(&mut orders, &gid).await?;
                    finish(&mut database, &gid, verdict).await?;
                } else {
                    unfinished.insert(gid.transaction);
                }
            }
        }
        forgettable.retain(|id| !unfinished.contains(id) && !self.coordinator.is_working_on(*id));
        if !forgettable.is_empty() {
            CrashPoint::BeforeForget.pass();
            decisions::forget(&mut orders, &forgettable).await?;
            CrashPoint::AfterForget.pass();
        }
        Ok(())
    }

    /// Whether a branch is left to recovery, where `epoch` is its coordinator's current epoch: an earlier process began
    /// it, or this process has given it up. A branch of a later epoch belongs to a process that has taken over since.
    fn is_left(&self, gid: &Gid, epoch: i64) -> bool {
        Flaw::RecoveryIgnoresEpoch.is_on()
            || gid.epoch <= epoch && !self.coordinator.is_working_on(gid.transaction)
    }
}

/// The verdict on a branch that was left. No decision means abort, which is recorded first.
async fn verdict(orders: &mut AsyncPgConnection, gid: &Gid) -> Result<Verdict, BoxError> {
    if Flaw::RecoveryIgnoresEpoch.is_on() {
        return Ok(decisions::recorded(orders, gid.transaction).await?.unwrap_or(Verdict::Abort));
    }
    let Gid { transaction, ref coordinator, epoch, .. } = *gid;
    decisions::abort(orders, FencedTransaction { id: transaction, coordinator, epoch }).await
}

/// The prepared branches in this database whose gid has this prefix. Only here can they be finished: rule 32 (same
/// database).
async fn prepared(database: &mut AsyncPgConnection, prefix: &str) -> Result<Vec<Gid>, BoxError> {
    let rows: Vec<PreparedRow> = sql("SELECT gid FROM pg_prepared_xacts
         WHERE database = current_database() AND starts_with(gid, $1)")
    .bind::<Text, _>(prefix)
    .load(database)
    .await?;
    Ok(rows.into_iter().filter_map(|row| row.gid.parse().ok()).collect())
}

async fn finish(database: &mut AsyncPgConnection, gid: &Gid, verdict: Verdict) -> Result<(), BoxError> {
    match verdict {
        Verdict::Commit => commit_prepared(database, gid).await?,
        Verdict::Abort => roll_back_prepared(database, gid).await?,
    }
    tracing::warn!(%gid, ?verdict, "finished a branch that was left prepared");
    Ok(())
}
