//! Finishing what was left in doubt: at start, and every second (rule 31).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use contracts::BoxError;
use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{CrashPoint, Flaw, Pool, db, sql};
use tokio::time::MissedTickBehavior;

use super::branch::{commit_prepared, roll_back_prepared};
use super::coordinator::Coordinator;
use super::decisions::{self, Subject, Verdict};
use super::gid::Gid;
use super::place::Place;
use crate::databases::Databases;
use crate::modules::Module;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Looks after the transactions of one coordinator.
pub struct Recovery {
    coordinator: Arc<Coordinator>,
    place: Place,
    /// Where the decisions are.
    orders: Pool,
    /// Each database once.
    databases: Vec<Pool>,
}

#[derive(QueryableByName)]
struct PreparedRow {
    #[diesel(sql_type = Text)]
    gid: String,
}

impl Recovery {
    /// Of a coordinator that has just taken its place.
    pub fn new(coordinator: Arc<Coordinator>, place: Place, databases: &Databases) -> Recovery {
        Recovery {
            coordinator,
            place,
            orders: db::pool(databases.url(Module::Orders), 1),
            databases: databases.distinct().into_iter().map(|(url, _)| db::pool(url, 1)).collect(),
        }
    }

    /// Looks every second, for as long as the process lives.
    pub async fn watch(mut self) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.look().await {
                tracing::warn!(error = format!("{error:#}"), "what is in doubt stays so for now");
            }
        }
    }

    async fn look(&mut self) -> anyhow::Result<()> {
        self.place.keep().await?;
        self.recover().await.map_err(|error| anyhow!(error))
    }

    /// Finishes every branch that was left behind, then forgets the decisions that nobody needs any more.
    ///
    /// The decisions are read first, then the branches, and only then is asked what is under way: so a transaction
    /// that begins in between is neither finished nor forgotten by us.
    pub async fn recover(&self) -> Result<(), BoxError> {
        if Flaw::NoRecovery.is_on() {
            return Ok(());
        }
        let Some(epoch) = self.coordinator.epoch() else { return Ok(()) };
        let mut orders = self.orders.get().await?;
        let decided = decisions::known(&mut orders, self.coordinator.name(), epoch).await?;
        let mut unfinished = HashSet::new();
        for database in &self.databases {
            let mut database = database.get().await?;
            for gid in self.prepared(&mut database).await? {
                if Flaw::RecoveryIgnoresEpoch.is_on() {
                    let verdict = decisions::recorded(&mut orders, gid.transaction).await?;
                    finish(&mut database, &gid, verdict).await?;
                } else if self.coordinator.has_left(&gid) {
                    let Gid { transaction, ref coordinator, epoch, .. } = gid;
                    let verdict =
                        decisions::abort(&mut orders, Subject { transaction, coordinator, epoch }).await?;
                    finish(&mut database, &gid, verdict).await?;
                } else {
                    unfinished.insert(gid.transaction);
                }
            }
        }
        let over = |transaction: &uuid::Uuid| {
            !unfinished.contains(transaction) && !self.coordinator.is_under_way(*transaction)
        };
        let over: Vec<uuid::Uuid> = decided.into_iter().filter(over).collect();
        if !over.is_empty() {
            CrashPoint::BeforeForget.pass();
            decisions::forget(&mut orders, &over).await?;
            CrashPoint::AfterForget.pass();
        }
        Ok(())
    }

    /// The coordinator's branches in this database. Only there can they be finished (rule 32).
    async fn prepared(&self, database: &mut AsyncPgConnection) -> Result<Vec<Gid>, BoxError> {
        let rows: Vec<PreparedRow> = sql("SELECT gid FROM pg_prepared_xacts
             WHERE database = current_database() AND starts_with(gid, $1)")
        .bind::<Text, _>(self.coordinator.name().prefix())
        .load(database)
        .await?;
        Ok(rows.into_iter().filter_map(|row| row.gid.parse().ok()).collect())
    }
}

async fn finish(database: &mut AsyncPgConnection, gid: &Gid, verdict: Verdict) -> Result<(), BoxError> {
    match verdict {
        Verdict::Commit => commit_prepared(database, gid).await?,
        Verdict::Abort => roll_back_prepared(database, gid).await?,
    }
    tracing::warn!(%gid, ?verdict, "finished a branch that was in doubt");
    Ok(())
}
