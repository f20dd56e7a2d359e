//! Resolves branches on request, by the same rules as recovery.

use anyhow::{Context, Result};
use diesel::QueryableByName;
use diesel::result::Error::DatabaseError;
use diesel::sql_types::{self, BigInt, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{Branch, Decision, InDoubt, Resolution, words};
use terminal::text::Text;

#[derive(QueryableByName)]
struct DecisionRow {
    #[diesel(sql_type = sql_types::Text)]
    decision: String,
}

/// Finishes every branch according to the recorded decision, except those of a running coordinator.
pub(super) async fn all(in_doubt: &mut InDoubt, urls: &[String]) -> Result<()> {
    for branch in &mut in_doubt.branches {
        branch.outcome = Some(match reason_to_leave(branch) {
            Some(reason) => Resolution::Left(reason),
            None => finish(branch, urls).await.with_context(|| words::cannot_finish(&branch.gid))?,
        });
    }
    Ok(())
}

/// The reason why a branch must not be touched, if there is one.
fn reason_to_leave(branch: &Branch) -> Option<Text> {
    let name = &branch.coordinator.name;
    match (branch.coordinator.alive, branch.coordinator.epoch) {
        (Some(true), Some(epoch)) if epoch <= branch.epoch => Some(words::coordinator_is_running(name)),
        (Some(_), Some(_)) => None,
        _ => Some(words::decisions_not_found(name)),
    }
}

/// Follows the rule of recovery: the first row inserted for a transaction is its decision. If there is none, this
/// inserts the decision to abort before it rolls anything back, so that no late statement can insert another: rule 60
/// (abort record).
async fn finish(branch: &mut Branch, urls: &[String]) -> Result<Resolution> {
    let orders = branch.decisions.context("its decisions are known")?;
    let mut orders = servers::connect(&urls[orders]).await?;
    diesel::sql_query(
        "INSERT INTO two_phase.decisions (transaction_id, coordinator, epoch, decision)
         VALUES ($1, $2, $3, 'abort') ON CONFLICT (transaction_id) DO NOTHING",
    )
    .bind::<Uuid, _>(branch.transaction_id)
    .bind::<sql_types::Text, _>(&branch.coordinator.name)
    .bind::<BigInt, _>(branch.epoch)
    .execute(&mut orders)
    .await?;
    let row: DecisionRow =
        diesel::sql_query("SELECT decision FROM two_phase.decisions WHERE transaction_id = $1")
            .bind::<Uuid, _>(branch.transaction_id)
            .get_result(&mut orders)
            .await?;
    let (decision, command, outcome) = match row.decision.as_str() {
        "commit" => (Decision::Commit, "COMMIT", Resolution::Committed),
        _ => (Decision::Abort, "ROLLBACK", Resolution::RolledBack),
    };
    branch.decision = decision;
    let mut database = servers::connect(&urls[branch.source]).await?;
    // A gid cannot be a bound parameter: rule 35 (gid).
    let gid = branch.gid.replace('\'', "''");
    match database.batch_execute(&format!("{command} PREPARED '{gid}'")).await {
        // Neither a missing branch nor the text of the error proves how the branch ended: rules 60 (abort record) and
        // 45 (error kinds).
        Err(DatabaseError(..)) if !is_prepared(&mut database, &branch.gid).await? => {
            Ok(Resolution::Left(words::finished_elsewhere()))
        }
        finished => Ok(finished.map(|()| outcome)?),
    }
}

async fn is_prepared(database: &mut AsyncPgConnection, gid: &str) -> Result<bool> {
    let found =
        diesel::sql_query("SELECT gid FROM pg_prepared_xacts WHERE gid = $1").bind::<sql_types::Text, _>(gid);
    Ok(found.execute(database).await? > 0)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::Coordinator;

    #[test]
    fn branches_at_work_are_left_alone_and_unknown_ones_too() {
        let branch = |alive, epoch| Branch {
            gid: String::new(),
            transaction_id: uuid::Uuid::nil(),
            module: "orders".into(),
            database: "shop".into(),
            prepared_at: DateTime::UNIX_EPOCH,
            age_s: 1.0,
            epoch: 3,
            coordinator: Coordinator { name: "monolith".into(), alive, epoch },
            decision: Decision::None,
            locks: Vec::new(),
            waiters: Vec::new(),
            outcome: None,
            source: 0,
            decisions: None,
        };
        assert!(reason_to_leave(&branch(Some(true), Some(3))).unwrap().english().contains("is running"));
        assert!(reason_to_leave(&branch(None, None)).unwrap().english().contains("--database-url"));
        assert_eq!(reason_to_leave(&branch(Some(true), Some(4))), None, "of an earlier start");
        assert_eq!(reason_to_leave(&branch(Some(false), Some(3))), None, "of a process that is gone");
    }
}
